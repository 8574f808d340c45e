// `dns` check: a name has records, as one resolver sees it.
import { Resolver } from 'node:dns/promises'
import { getServers } from 'node:dns'
import { isIP } from 'node:net'
import { defineCheck } from '../../core/component.ts'
import { describe, errnoOf } from '../../core/errors.ts'
import { choice, hostPort, list, optional, string } from '../../core/field.ts'

export const dns = defineCheck({
  name: 'dns',
  summary:
    'Asks a resolver for a name; healthy when there is a record and, if asked for, the expected ones are among them.',
  description: 'The resolver is asked directly: /etc/hosts and caches of the host have no part in it.',
  fields: {
    domain: string('The name.', { example: 'www.example.com' }),
    record: choice(['A', 'AAAA', 'CNAME', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'TXT'], 'Type of the record.', {
      default: 'A'
    }),
    resolver: optional(
      hostPort('Address of the resolver; those of /etc/resolv.conf when absent.', {
        defaultPort: 53,
        example: '127.0.0.1'
      })
    ),
    expect: list(string('An address, name or text.'), 'All of them must be among the answers.', { default: [] })
  },
  examples: [
    { title: 'A name resolves', yaml: 'type: dns\ndomain: www.example.com' },
    { title: 'One resolver knows it', yaml: 'type: dns\ndomain: db.internal\nresolver: 10.0.0.2\nexpect: [10.0.0.7]' }
  ],
  *lint(o) {
    if (o.resolver !== undefined && isIP(o.resolver.host) === 0) yield ['resolver', 'must be an address, not a name']
  },
  build({ domain, record, resolver: at, expect }) {
    const server =
      at === undefined ? undefined : isIP(at.host) === 6 ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`
    return async signal => {
      const resolver = new Resolver()
      if (server !== undefined) resolver.setServers([server])
      const whom = server ?? getServers().join(', ')
      // Its own time limit counts tries, not time: the caller's deadline is the one that holds.
      const cancel = (): void => resolver.cancel()
      signal.addEventListener('abort', cancel, { once: true })
      try {
        const found = [await resolver.resolve(domain, record)].flat().map(shown)
        const missing = expect.filter(e => !found.includes(e))
        if (found.length === 0)
          return { state: 'critical', reason: 'dns', message: `${domain} has no ${record} record at ${whom}` }
        if (missing.length === 0)
          return { state: 'ok', reason: 'ok', message: `${domain} ${record} ${found.join(', ')}` }
        const message = `${domain} ${record} is ${found.join(', ')} at ${whom}, without ${missing.join(', ')}`
        return { state: 'critical', reason: 'answer', message }
      } catch (error) {
        const none = ['ENOTFOUND', 'ENODATA'].includes(errnoOf(error))
        const message = none ? `${domain} has no ${record} record at ${whom}` : `asking ${whom}: ${describe(error)}`
        return { state: 'critical', reason: 'dns', message }
      } finally {
        signal.removeEventListener('abort', cancel)
      }
    }
  }
})

/** An answer as it is written in a zone file, more or less. */
function shown(answer: unknown): string {
  if (typeof answer === 'string') return answer
  if (Array.isArray(answer)) return answer.join('')
  const a = answer as { exchange?: string; name?: string; port?: number; nsname?: string }
  return a.exchange ?? (a.name !== undefined ? `${a.name}:${a.port}` : (a.nsname ?? JSON.stringify(answer)))
}
