// Judges the certificates a peer has shown: how long they hold.
import type { DetailedPeerCertificate } from 'node:tls'
import { duration, optional } from '../core/field.ts'
import type { Part } from './range.ts'

const DAY_MS = 86_400_000

export interface ExpiryLimits {
  /** Milliseconds before the end. */
  readonly warning: number | undefined
  readonly critical: number | undefined
}

/** `expires_warning` and `expires_critical`; without defaults they may be left out. */
export const expiryFields = (defaults: { warning?: string; critical?: string } = {}) => ({
  expires_warning: optional(
    duration('It is a warning when a certificate of the chain has only so long left.', {
      example: '21d',
      ...(defaults.warning === undefined ? {} : { default: defaults.warning })
    })
  ),
  expires_critical: optional(
    duration('It is critical when a certificate of the chain has only so long left.', {
      example: '7d',
      ...(defaults.critical === undefined ? {} : { default: defaults.critical })
    })
  )
})

/** The first end of the chain, milliseconds since the epoch; NaN when there is no chain. */
export const earliestExpiry = (chain: readonly DetailedPeerCertificate[]): number =>
  chain.length === 0 ? NaN : Math.min(...chain.map(c => Date.parse(c.valid_to)))

/** Says when the chain ends, and judges it. */
export function judgeExpiry(chain: readonly DetailedPeerCertificate[], limits: ExpiryLimits, now: number): Part {
  const ends = earliestExpiry(chain)
  const which = chain.find(c => Date.parse(c.valid_to) === ends)
  if (which === undefined) return { state: 'critical', reason: 'tls', message: 'the peer has shown no certificate' }
  const subject = String(which.subject?.CN ?? 'without a name')
  const what = which === chain[0] ? 'the certificate' : `the authority ${JSON.stringify(subject)} above it`
  const left = ends - now
  const day = new Date(ends).toISOString().slice(0, 10)
  if (left <= 0) return { state: 'critical', reason: 'expiry', message: `${what} has expired on ${day}` }
  const message = `${what} expires in ${days(left)}, on ${day}`
  const state = left <= (limits.critical ?? 0) ? 'critical' : left <= (limits.warning ?? 0) ? 'warning' : 'ok'
  return { state, reason: state === 'ok' ? 'ok' : 'expiry', message }
}

const days = (ms: number): string =>
  ms < 2 * DAY_MS ? `${Math.floor(ms / 3_600_000)} hours` : `${Math.floor(ms / DAY_MS)} days`
