import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Splitter, linesOf, portionEnd } from './lines.ts'
import type { AtEnd } from './lines.ts'

const split = (text: string | Buffer, atEnd: AtEnd = 'more', max = 1000) => {
  const bytes = Buffer.from(text)
  const s = new Splitter(max).split(bytes, 0, bytes.length, atEnd)
  return {
    lines: linesOf(bytes, s),
    next: s.next,
    skip: s.skip,
    cut: s.hasCut ? Array.from(s.cut.subarray(0, s.count)) : []
  }
}

test('a line ends at a newline; its carriage return is left out, others stay', () => {
  assert.deepEqual(split('a\nb\r\n\n\r\nc\rd\n').lines, ['a', 'b', '', '', 'c\rd'])
})

test('an unterminated line is held until the last split', () => {
  assert.deepEqual(split('ab\ncd'), { lines: ['ab'], next: 3, skip: false, cut: [] })
  assert.deepEqual(split('ab\ncd', 'pause').lines, ['ab'])
  assert.deepEqual(split('ab\ncd', 'last'), { lines: ['ab', 'cd'], next: 5, skip: false, cut: [] })
  assert.deepEqual(split('', 'last').lines, [])
})

test('bytes pass as they are: NUL, invalid UTF-8, 0xff', () => {
  const bytes = Buffer.from([0, 255, 10, 0xc3, 10, 0xa9, 0, 0, 10])
  const s = new Splitter(100).split(bytes, 0, bytes.length, 'more')
  const parts = Array.from({ length: s.count }, (_, i) => [...bytes.subarray(s.bounds[i * 2], s.bounds[i * 2 + 1])])
  assert.deepEqual(parts, [[0, 255], [0xc3], [0xa9, 0, 0]])
})

test('a line over the limit is cut and flagged, one at the limit is not, with either line ending', () => {
  assert.deepEqual(split('1234\n12345\r\n123456\n7\n', 'more', 5), {
    lines: ['1234', '12345', '12345', '7'],
    next: 21,
    skip: false,
    cut: [0, 0, 1, 0]
  })
})

test('an unterminated line is cut as soon as it can no longer fit, and the rest is to be skipped', () => {
  assert.equal(split('a\n12345', 'more', 5).skip, false)
  assert.equal(split('a\n12345\r', 'more', 5).skip, false)
  assert.deepEqual(split('a\n12345\rx', 'more', 5), { lines: ['a', '12345'], next: 7, skip: true, cut: [0, 1] })
})

test('a cut never parts a UTF-8 character, wherever the limit falls', () => {
  for (const character of ['é', '€', '😀', '\u07ff', '\ud7ff', '\ue000', '\u{10ffff}']) {
    for (const end of ['\n', '\r\n', '']) {
      for (let max = 4; max < 20; max++) {
        const text = `x${character.repeat(20)}`
        const { lines, cut } = split(`${text}${end}`, 'last', max)
        assert.equal(cut[0], 1)
        assert.ok(text.startsWith(lines[0]!), `${JSON.stringify(lines[0])} at ${max}`)
        assert.ok(Buffer.byteLength(lines[0]!) > max - Buffer.byteLength(character), 'no more is left out than needed')
      }
    }
  }
})

test('bytes that are no UTF-8 are cut at the limit itself', () => {
  const cut = (...bytes: number[]): number => {
    const line = Buffer.from([97, 97, 97, 97, ...bytes, 97, 97, 97, 10])
    const s = new Splitter(6).split(line, 0, line.length, 'more')
    return s.bounds[1]! - s.bounds[0]!
  }
  assert.equal(cut(0x61, 0xc3, 0xa9), 5, 'é is left whole')
  assert.equal(cut(0xc3, 0xa9, 0xa9), 6, 'a continuation too many')
  assert.equal(cut(0x80, 0x80, 0x80), 6, 'nothing begins it')
  assert.equal(cut(0x61, 0xc0, 0x80), 6, 'an overlong form')
  assert.equal(cut(0xe0, 0x80, 0x80), 6, 'an overlong form of three')
  assert.equal(cut(0xed, 0xa0, 0x80), 6, 'half of a surrogate pair')
  assert.equal(cut(0x61, 0xf5, 0x90), 6, 'beyond U+10FFFF')
  assert.equal(cut(0xc3, 0xa9, 0x61), 6, 'a character ends at the limit')
  assert.equal(cut(0x61, 0xe2, 0x61), 6, 'a character that breaks off')
})

test('more lines than expected make the tables grow, with the flags kept', () => {
  const s = split(`toolong\n${'x\n'.repeat(20_000)}toolong\n`, 'more', 5)
  assert.equal(s.lines.length, 20_002)
  assert.deepEqual([s.cut[0], s.cut[1], s.cut.at(-2), s.cut.at(-1)], [1, 0, 0, 1])
})

test('the same bytes cut anywhere give the same lines', () => {
  const piece = fc.constantFrom('a', 'bc', '\n', '\r\n', '\r', '\0', 'é', '€', '😀', '0123456789')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.array(fc.integer({ min: 1, max: 9 })), (pieces, sizes) => {
      const all = Buffer.from(pieces.join(''))
      const splitter = new Splitter(8)
      const whole = splitter.split(all, 0, all.length, 'last')
      const expected = linesOf(all, whole)
      const got: string[] = []
      let from = 0
      let skipping = false
      for (let to = 0, k = 0; to < all.length; k++) {
        to = Math.min(all.length, to + (sizes[k % Math.max(1, sizes.length)] ?? 3))
        const last = to === all.length
        for (let again = true; again;) {
          if (skipping) {
            const end = all.subarray(0, to).indexOf(10, from)
            from = end < 0 ? to : end + 1
            if (end < 0) break
          }
          const s = splitter.split(all, from, to, last ? 'last' : 'more')
          got.push(...linesOf(all, s))
          from = s.next
          skipping = s.skip
          again = s.skip
        }
      }
      assert.deepEqual(got, expected)
    }),
    { numRuns: 500 }
  )
})

test('a batch holds whole records, one at least, and otherwise no more than the portion with its line endings', () => {
  const bytes = Buffer.from('12345\n123\n1234567890\n1\n')
  const s = new Splitter(1000).split(bytes, 0, bytes.length, 'more')
  const batches = (records: number, limit: number): number[] => {
    const ends: number[] = []
    for (let first = 0; first < s.count; first = ends.at(-1)!)
      ends.push(portionEnd(s, first, { records, bytes: limit }))
    return ends
  }
  assert.deepEqual(batches(Infinity, Infinity), [4])
  assert.deepEqual(batches(3, Infinity), [3, 4])
  assert.deepEqual(batches(Infinity, 10), [2, 3, 4])
  assert.deepEqual(batches(Infinity, 9), [1, 2, 3, 4])
  assert.deepEqual(batches(2, 100), [2, 4])
})
