// The numbers that only outputs with hosts and connections have.
import type { Context } from '../core/component.ts'

interface Named {
  readonly name: string
}

export interface HostMeters {
  host(host: Named, up: boolean): void
  /** Begins, with the way to count connections that are open; returns the way to take its series out again. */
  open(hosts: readonly Named[], connections: () => number): () => void
}

export function hostMeters({ instruments, name }: Context): HostMeters {
  const up = instruments.gauge(
    'yarder_output_host_up',
    'Whether a host can be used: 0 after three failures in a row, until it answers again.',
    ['output', 'host']
  )
  const open = instruments.gauge('yarder_output_connections', 'Connections that are open.', ['output'])
  const host = (h: Named, isUp: boolean): void => up.set(isUp ? 1 : 0, name, h.name)
  return {
    host,
    open(hosts, connections) {
      for (const h of hosts) host(h, true)
      const forget = instruments.beforeScrape(() => open.set(connections(), name))
      return () => {
        forget()
        open.remove(name)
        for (const h of hosts) up.remove(name, h.name)
      }
    }
  }
}

/** Those of all hosts together. */
export const connectionsOf = (hosts: ReadonlyArray<{ readonly connections: number }>): number =>
  hosts.reduce((n, h) => n + h.connections, 0)
