// Durations, sizes and rates as people write them.
import type { Rate } from '../rate.ts'

const UNITS_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** Milliseconds of `500ms`, `5s`, `1m30s`, `2h`, `7d`; undefined when it is none. A bare 0 is taken, other bare numbers are not. */
export function parseDuration(v: unknown): number | undefined {
  if (v === 0 || v === '0') return 0
  if (typeof v !== 'string') return undefined
  const text = v.trim()
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) return undefined
  let ms = 0
  for (const m of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) ms += Number(m[1]) * UNITS_MS[m[2]!]!
  return ms
}

const UNITS_BYTES: Record<string, number> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4
}

/** Bytes of `10MiB`, `64KiB`, `1MB`, or a bare number of bytes. */
export function parseSize(v: unknown): number | undefined {
  if (typeof v === 'number') return Number.isSafeInteger(v) && v >= 0 ? v : undefined
  const m = typeof v === 'string' ? /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(v.trim()) : null
  const unit = m === null ? undefined : UNITS_BYTES[m[2]!.toLowerCase()]
  return unit === undefined ? undefined : Math.round(Number(m![1]) * unit)
}

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600 }

/** `1000/s` records, `2MiB/s` bytes, also by the minute and hour; undefined when it is none. */
export function parseRate(v: unknown): Rate | undefined {
  const m = typeof v === 'string' ? /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*\/\s*([smh])$/.exec(v.trim()) : null
  if (m === null) return undefined
  const amount = m[2] === '' ? Number(m[1]) : parseSize(`${m[1]}${m[2]}`)
  if (amount === undefined || amount <= 0) return undefined
  return { unit: m[2] === '' ? 'records' : 'bytes', perSecond: amount / SECONDS[m[3]!]! }
}
