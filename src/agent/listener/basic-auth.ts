// Names and passwords for the listener, as in Prometheus' web config: a bcrypt hash for each name.
import { createHmac, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { checkPassword } from './bcrypt.ts'

/** `busy` when too many others are being checked. */
export type Verdict = 'let in' | 'refused' | 'busy'

/** Scrapers come again and again with the same password, which is then known. */
const MOST_KNOWN = 100
/** A check costs tens of milliseconds of CPU, so one runs at a time and few may wait. */
const MOST_WAITING = 16
/** Checked for names that there are not, so that they take as long; no password has it. */
const NOBODY = `$2b$10$${'.'.repeat(53)}`

export class BasicAuth {
  readonly #users: ReadonlyMap<string, string>
  /** What was right before, unreadable for who sees the memory. */
  readonly #known = new Set<string>()
  readonly #key = randomBytes(32)
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()

  /** Hashes by name. */
  constructor(users: Readonly<Record<string, string>>) {
    this.#users = new Map(Object.entries(users))
  }

  async judge({ headers: { authorization } }: IncomingMessage): Promise<Verdict> {
    const given = credentials(authorization)
    if (given === undefined) return 'refused'
    const hash = this.#users.get(given.name)
    const proof = createHmac('sha256', this.#key)
      .update(JSON.stringify([given, hash ?? '']))
      .digest('base64')
    if (this.#known.has(proof)) return 'let in'
    if (this.#waiting >= MOST_WAITING) return 'busy'
    this.#waiting++
    const mine = this.#last.then(() => checkPassword(given.password, hash ?? NOBODY))
    this.#last = mine.catch(() => {})
    try {
      const right = await mine
      if (!right || hash === undefined) return 'refused'
      if (this.#known.size >= MOST_KNOWN) this.#known.clear()
      this.#known.add(proof)
      return 'let in'
    } finally {
      this.#waiting--
    }
  }
}

/** RFC 7617; undefined when there are none, or in no form that has a meaning. */
function credentials(header: string | undefined): { name: string; password: string } | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return colon === -1 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) }
}
