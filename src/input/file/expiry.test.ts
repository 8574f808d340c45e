import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expiryOf } from './expiry.ts'
import type { Evidence, Rotation } from './expiry.ts'

const MIN = 60_000
const H = 60 * MIN
/** Rotations `every` so many hours, the last at hour 0. */
const hourly = (n: number, kept = 3, every = 1): Rotation[] =>
  Array.from({ length: n }, (_, i) => ({ at: (i + 1 - n) * every * H, size: 1000 * 7 ** (i % 3), kept }))
/** Rotations at a size of about a million bytes, at odd times. */
const sized = (n: number, kept = 3): Rotation[] =>
  Array.from({ length: n }, (_, i) => ({ at: -(((n - i) * (n - i + 1)) / 2) * H, size: 1_000_000 + i, kept }))

interface Case {
  readonly title: string
  readonly evidence: Partial<Evidence>
  /** Hours, by what, and the retention in hours. */
  readonly expected: readonly [number, string, number] | undefined
}

const CASES: readonly Case[] = [
  { title: 'nothing was seen', evidence: { rotations: [] }, expected: undefined },
  { title: 'one rotation', evidence: { rotations: hourly(1) }, expected: undefined },
  { title: 'one interval says nothing', evidence: { rotations: hourly(2) }, expected: undefined },
  { title: 'the file itself outlasts all generations', evidence: {}, expected: [4, 'time', 4] },
  { title: 'half an hour later', evidence: { now: H / 2 }, expected: [3.5, 'time', 4] },
  { title: 'the newest rotated file', evidence: { place: 1 }, expected: [3, 'time', 4] },
  { title: 'the oldest goes at the next rotation', evidence: { place: 3, now: H / 3 }, expected: [2 / 3, 'time', 4] },
  { title: 'beyond the oldest it is all but gone', evidence: { place: 4 }, expected: [0, 'time', 4] },
  { title: 'no file is kept at all', evidence: { rotations: hourly(3, 0) }, expected: [1, 'time', 1] },
  { title: 'daily, fourteen kept', evidence: { rotations: hourly(4, 14, 24), place: 13 }, expected: [48, 'time', 360] },
  {
    title: "logrotate's timer is an hour late at times",
    evidence: { rotations: [-73, -48, -24, 0].map(h => ({ at: h * H, size: 5 ** (h % 5), kept: 1 })), place: 1 },
    expected: [73 / 3, 'time', 146 / 3]
  },
  {
    title: 'nobody looked how many are kept',
    evidence: { rotations: hourly(4).map(r => ({ ...r, kept: undefined })) },
    expected: undefined
  },
  {
    title: 'there was one more after each rotation: the limit is not reached yet',
    evidence: { rotations: hourly(4).map((r, i) => ({ ...r, kept: i })) },
    expected: undefined
  },
  {
    title: 'the limit is that of the last two looks',
    evidence: { rotations: hourly(4).map((r, i) => ({ ...r, kept: [1, 2, undefined, 2][i] })) },
    expected: [3, 'time', 3]
  },
  { title: 'a little overdue: any moment now', evidence: { now: 1.4 * H, place: 3 }, expected: [0, 'time', 4] },
  { title: 'long overdue: rotation has stopped', evidence: { now: 2 * H }, expected: undefined },
  {
    title: 'neither the times nor the sizes are alike',
    evidence: { rotations: [-9, -8, -3, 0].map((h, i) => ({ at: h * H, size: 10 ** i, kept: 3 })), growth: 100 },
    expected: undefined
  },
  { title: 'by size, when the file does not grow', evidence: { rotations: sized(4) }, expected: undefined },
  {
    title: 'by size: a million bytes at 100 a second',
    evidence: { rotations: sized(4), growth: 100, place: 3, size: 640_001.5 },
    expected: [1, 'size', (4 * 1_000_001.5) / 360_000]
  },
  {
    title: 'by size: the next rotation and those after it',
    evidence: { rotations: sized(4), growth: 100, place: 2, size: 640_001.5 },
    expected: [1 + 1_000_001.5 / 360_000, 'size', (4 * 1_000_001.5) / 360_000]
  },
  {
    title: 'by size: two rotations are no evidence',
    evidence: { rotations: sized(2), growth: 100 },
    expected: undefined
  },
  {
    title: 'a file that is much larger by now was not rotated by size',
    evidence: { rotations: sized(4), growth: 100, size: 1_400_000 },
    expected: undefined
  },
  {
    title: 'times and sizes are both alike, the times more so',
    evidence: { rotations: hourly(4).map((r, i) => ({ ...r, size: 360_000 + i })), growth: 2000, place: 3 },
    expected: [1, 'time', 4]
  },
  {
    title: 'times and sizes are both alike, the sizes more so',
    evidence: {
      rotations: hourly(4).map((r, i) => ({ ...r, at: r.at + i * MIN * i, size: 360_000 })),
      growth: 50,
      place: 3
    },
    expected: [2, 'size', 8]
  },
  {
    title: 'times and sizes are both the same: the sooner counts',
    evidence: { rotations: hourly(4).map(r => ({ ...r, size: 360_000 })), growth: 200, place: 3 },
    expected: [0.5, 'size', 2]
  },
  {
    title: 'times and sizes are both the same, and it grows slower than before',
    evidence: { rotations: hourly(4).map(r => ({ ...r, size: 360_000 })), growth: 50, place: 3 },
    expected: [1, 'time', 4]
  }
]

for (const { title, evidence, expected } of CASES)
  test(`when unread data is rotated away: ${title}`, () => {
    const expiry = expiryOf({ now: 0, rotations: hourly(4), place: 0, size: 0, growth: 0, ...evidence })
    if (expected === undefined) return assert.equal(expiry, undefined)
    assert.ok(expiry !== undefined)
    const [hours, by, retention] = expected
    assert.equal(expiry.by, by)
    assert.ok(Math.abs(expiry.ms / H - hours) < 1e-6, `${expiry.ms / H} hours`)
    assert.ok(Math.abs(expiry.retention / H - retention) < 1e-6, `${expiry.retention / H} hours are kept`)
  })
