// The numbers that only this output has.
import type { Context } from '../../core/component.ts'
import type { HttpClient } from '../../core/http.ts'
import type { Host } from './hosts.ts'
import type { IndexNames } from './index-name.ts'

export interface HostMeters {
  host(host: Host, up: boolean): void
  taken(how: 'rescued' | 'failure_store', records: number): void
  /** Begins; returns the way to take its series out again. */
  open(): () => void
}

export function hostMeters(
  ctx: Context,
  hosts: readonly Host[],
  client: HttpClient,
  index: IndexNames | undefined
): HostMeters {
  const { instruments, name } = ctx
  const up = instruments.gauge('yarder_output_host_up', 'Whether a host is in rotation.', ['output', 'host'])
  const connections = instruments.gauge('yarder_output_connections', 'Connections that are open.', ['output'])
  const absurd = instruments.counter(
    'yarder_output_absurd_times_total',
    'Records whose time was taken for wrong, so that their arrival chose the index.',
    ['output']
  )
  const overflow = instruments.counter(
    'yarder_output_index_overflows_total',
    'Records sent to the overflow index, since their fields would have made too many names (`max_indices`).',
    ['output']
  )
  const rescued = instruments.counter(
    'yarder_output_rescued_total',
    'Records stored with a field moved aside that the mapping had no room for (`rescue_conflicts`).',
    ['output']
  )
  const failureStore = instruments.counter(
    'yarder_output_failure_store_total',
    'Records that the server took into the failure store of the data stream.',
    ['output']
  )
  const host = (h: Host, isUp: boolean): void => up.set(isUp ? 1 : 0, name, h.url.host)
  return {
    host,
    taken: (how, records) => (how === 'rescued' ? rescued : failureStore).add(records, name),
    open() {
      for (const h of hosts) host(h, true)
      let counted = 0
      let overflown = 0
      const forget = instruments.beforeScrape(() => {
        connections.set(client.connections, name)
        const now = index?.absurd ?? 0
        absurd.add(now - counted, name)
        counted = now
        const over = index?.overflows ?? 0
        overflow.add(over - overflown, name)
        overflown = over
      })
      return () => {
        forget()
        connections.remove(name)
        for (const h of hosts) up.remove(name, h.url.host)
      }
    }
  }
}
