// The numbers that only outputs with hosts and connections have.
import type { Context } from '../../core/component.ts'
import type { Link } from './link.ts'

export interface LinkMeters {
  host(link: Link, up: boolean): void
  /** Begins; returns the way to take its series out again. */
  open(links: readonly Link[]): () => void
}

export function linkMeters(ctx: Context): LinkMeters {
  const { instruments, name } = ctx
  const up = instruments.gauge('yarder_output_host_up', 'Whether a host is in rotation.', ['output', 'host'])
  const connections = instruments.gauge('yarder_output_connections', 'Connections that are open.', ['output'])
  const host = (link: Link, isUp: boolean): void => up.set(isUp ? 1 : 0, name, link.name)
  return {
    host,
    open(links) {
      for (const link of links) host(link, true)
      const forget = instruments.beforeScrape(() =>
        connections.set(
          links.reduce((n, link) => n + link.connections, 0),
          name
        )
      )
      return () => {
        forget()
        connections.remove(name)
        for (const link of links) up.remove(name, link.name)
      }
    }
  }
}
