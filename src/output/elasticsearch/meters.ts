// The numbers that only this output has.
import type { Context } from '../../core/component.ts'
import type { HttpClient } from '../../core/http.ts'
import type { Host } from './hosts.ts'
import type { IndexNames } from './index-name.ts'

export interface HostMeters {
  host(host: Host, up: boolean): void
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
  const host = (h: Host, isUp: boolean): void => up.set(isUp ? 1 : 0, name, h.url.host)
  return {
    host,
    open() {
      for (const h of hosts) host(h, true)
      let counted = 0
      const forget = instruments.beforeScrape(() => {
        connections.set(client.connections, name)
        const now = index?.absurd ?? 0
        absurd.add(now - counted, name)
        counted = now
      })
      return () => {
        forget()
        connections.remove(name)
        for (const h of hosts) up.remove(name, h.url.host)
      }
    }
  }
}
