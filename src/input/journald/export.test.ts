import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ExportParser } from './export.ts'
import type { Entry } from './export.ts'

const LIMITS = { message: 1000, field: 100, entry: 250 }
const parse = (pieces: readonly Buffer[]): Entry[] => {
  const parser = new ExportParser(LIMITS)
  return pieces.flatMap(piece => parser.push(piece))
}

const text = (name: string, value: string): Buffer => Buffer.from(`${name}=${value}\n`)
function binary(name: string, value: Buffer): Buffer {
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(value.length))
  return Buffer.concat([Buffer.from(`${name}\n`), size, value, Buffer.from('\n')])
}
const entry = (i: number, ...fields: Buffer[]): Buffer =>
  Buffer.concat([text('__CURSOR', `c${i}`), text('__REALTIME_TIMESTAMP', String(i)), ...fields, Buffer.from('\n')])

const anyValue = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map(bytes => binary('BYTES', Buffer.from(bytes))),
  fc.string({ unit: 'grapheme', maxLength: 300 }).map(s => text('TEXT', s.replaceAll('\n', ' '))),
  fc.string({ unit: 'grapheme', maxLength: 1200 }).map(s => binary('MESSAGE', Buffer.from(s)))
)

test('any split of the bytes gives the same entries', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(anyValue, { maxLength: 4 }), { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(6000), { maxLength: 20 }),
      (entries, cuts) => {
        const bytes = Buffer.concat(entries.map((fields, i) => entry(i + 1, ...fields)))
        const at = [0, ...cuts.filter(cut => cut < bytes.length).toSorted((a, b) => a - b), bytes.length]
        const pieces = at.slice(1).map((end, i) => Buffer.from(bytes.subarray(at[i], end)))
        const whole = parse([bytes])
        assert.equal(whole.length, entries.length)
        assert.deepEqual(parse(pieces), whole)
        assert.deepEqual(parse(Array.from(bytes, byte => Buffer.from([byte]))), whole)
      }
    )
  )
})

test('a binary field is taken as it is, with blank lines and equal signs inside', () => {
  const [one, two] = parse([entry(1, binary('MESSAGE', Buffer.from('a\n\nb=c\n'))), entry(2, text('MESSAGE', 'x=y'))])
  assert.deepEqual(one, { cursor: 'c1', time: 1, names: ['MESSAGE'], values: ['a\n\nb=c\n'], cut: false })
  assert.deepEqual(two!.values, ['x=y'])
})

test('what is too large is cut at a whole character and said to be, whichever form it has', () => {
  const message = `${'é'.repeat(499)}x${'é'.repeat(3000)}`
  for (const field of [text('MESSAGE', message), binary('MESSAGE', Buffer.from(message))]) {
    const [cut] = parse([entry(1, field)])
    assert.equal(cut!.cut, true)
    assert.deepEqual(cut!.values, [`${'é'.repeat(499)}x`])
  }
})

test('fields beyond the room of an entry are left out', () => {
  const [full] = parse([entry(1, ...['A', 'B', 'C', 'D'].map(name => text(name, 'x'.repeat(90))))])
  assert.equal(full!.cut, true)
  assert.deepEqual(
    full!.values.map(value => value.length),
    [90, 90, 70]
  )
})

test('of a field of 200 MB no more is held than what is kept', () => {
  const parser = new ExportParser(LIMITS)
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(200n * 1024n * 1024n)
  parser.push(Buffer.concat([text('__CURSOR', 'c'), Buffer.from('COREDUMP\n'), size]))
  const piece = Buffer.alloc(1024 * 1024, 65)
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 200; i++) assert.deepEqual(parser.push(piece), [])
  assert.ok(process.memoryUsage().arrayBuffers - before < 20 * 1024 * 1024)
  const [read] = parser.push(Buffer.from('\nMESSAGE=after\n\n'))
  assert.deepEqual(read!.values, ['A'.repeat(100), 'after'])
})
