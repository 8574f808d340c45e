// The numbers that only outputs with hosts and connections have.
import type { Context } from '../core/component.ts'

/** A host as these numbers see it. */
export interface MeteredHost {
  readonly name: string
  /** Connections that are open. */
  readonly connections: number
}

export interface HostMeters {
  host(host: Pick<MeteredHost, 'name'>, up: boolean): void
  /** Begins; returns the way to take its series out again. */
  open(hosts: readonly MeteredHost[]): () => void
}

export function hostMeters(ctx: Context): HostMeters {
  const { instruments, name } = ctx
  const up = instruments.gauge('yarder_output_host_up', 'Whether a host is in rotation.', ['output', 'host'])
  const connections = instruments.gauge('yarder_output_connections', 'Connections that are open.', ['output'])
  const host = (h: Pick<MeteredHost, 'name'>, isUp: boolean): void => up.set(isUp ? 1 : 0, name, h.name)
  return {
    host,
    open(hosts) {
      for (const h of hosts) host(h, true)
      const forget = instruments.beforeScrape(() =>
        connections.set(
          hosts.reduce((n, h) => n + h.connections, 0),
          name
        )
      )
      return () => {
        forget()
        connections.remove(name)
        for (const h of hosts) up.remove(name, h.name)
      }
    }
  }
}
