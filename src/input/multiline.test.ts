import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readFields } from '../core/field.ts'
import { Splitter, linesOf } from './lines.ts'
import type { AtEnd } from './lines.ts'
import { compileMultiline, lintMultiline, multilineField } from './multiline.ts'

function rule(options: Record<string, unknown>) {
  const read = readFields({ multiline: multilineField }, { multiline: options }, (path, m) => assert.fail(path + m))
  return compileMultiline(read!.multiline)!
}
function join(options: Record<string, unknown>, text: string, atEnd: AtEnd = 'last', max = 1000) {
  const bytes = Buffer.from(text)
  const s = new Splitter(max, rule(options)).split(bytes, 0, bytes.length, atEnd)
  return { records: linesOf(bytes, s), next: s.next, open: s.open }
}

test('joins matching lines to the line before, as one span of bytes', () => {
  assert.deepEqual(join({ pattern: '^\\s' }, 'a\n b\r\n c\nd\n').records, ['a\n b\r\n c', 'd'])
})
test('negate joins the lines that do not match', () => {
  assert.deepEqual(join({ pattern: '^\\[', negate: true }, '[1\nx\n[2\n').records, ['[1\nx', '[2'])
})
test('before joins matching lines to the next line', () => {
  assert.deepEqual(join({ pattern: '\\\\$', match: 'before' }, 'a\\\nb\nc\n').records, ['a\\\nb', 'c'])
  assert.deepEqual(join({ pattern: ';$', negate: true, match: 'before' }, 'a\nb;\nc;\n').records, ['a\nb;', 'c;'])
})
test('the open record is held while more may come, and given on a pause', () => {
  assert.deepEqual(join({ pattern: '^\\s' }, 'a\nb\n c\n d', 'more'), { records: ['a'], next: 2, open: true })
  assert.deepEqual(join({ pattern: '^\\s' }, 'a\nb\n c\n d', 'pause'), {
    records: ['a', 'b\n c'],
    next: 7,
    open: false
  })
})
test('a record that cannot grow is not held', () => {
  assert.deepEqual(join({ pattern: '\\\\$', match: 'before' }, 'a\\\nb\n', 'more'), {
    records: ['a\\\nb'],
    next: 5,
    open: false
  })
})
test('a record ends at max_lines and max_bytes, and nothing is left out', () => {
  assert.deepEqual(join({ pattern: '^\\s', max_lines: 2 }, 'a\n b\n c\n d\n e\n').records, ['a\n b', ' c\n d', ' e'])
  const long = ' '.repeat(600)
  assert.equal(join({ pattern: '^\\s', max_bytes: 1024 }, `a\n${long}\n${long}\n`).records.length, 2)
})
test('a cut line ends its record', () => {
  assert.deepEqual(join({ pattern: '^\\s' }, 'a\n bbbbbbbb\n c\n', 'last', 5).records, ['a\n bbbb', ' c'])
})
test('patterns beyond ASCII see characters', () => {
  assert.deepEqual(join({ pattern: '^é' }, 'a\néb\n').records, ['a\néb'])
})

const TRACES: Record<string, string[]> = {
  java: [
    '2026-01-01 ERROR x failed\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\n\t... 3 more\nCaused by: a.b.CError: y\n\tat x.Y.z(Y.java:2)',
    '2026-01-01 INFO fine',
    'Exception in thread "main" java.lang.Error\n\tat a.B.main(B.java:3)'
  ],
  python: [
    '[ERROR] Exception: no\nTraceback (most recent call last):\n  File "u.py", line 15, in f\n    raise E()\nmy.mod.Odd: no\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File "u.py", line 16, in f\nKeyError',
    '[ERROR] Running',
    'next: line'
  ],
  go: [
    'panic: runtime error: index out of range\n[signal SIGSEGV: x]\n\ngoroutine 1 [running]:\nmain.(*T).f(0x1)\n\t/a/b.go:10 +0x1\nmain.main()\n\t/a/b.go:4 +0x2\nexit status 2',
    '2026/01/01 hello (world)',
    'done.'
  ],
  node: ["TypeError: x\n    at f (/a.js:1:2) {\n  code: 'E'\n}", 'listening', 'bye'],
  ruby: ["a.rb:1:in `f': no (RuntimeError)\n\tfrom a.rb:3:in `<main>'", 'next', 'last']
}
for (const [preset, records] of Object.entries(TRACES)) {
  test(`the preset ${preset} joins its traces and nothing else`, () => {
    assert.deepEqual(join({ preset }, records.map(r => `${r}\n`).join('')).records, records)
  })
}

test('splitting again from any record start gives the same records', () => {
  const line = fc.constantFrom(
    'a',
    ' b',
    'Traceback (most recent call last):',
    '  File "x"',
    'E: x',
    '',
    '0123456789abcdef'
  )
  const rules = fc.constantFrom(
    { pattern: '^\\s', max_lines: 3 },
    { pattern: '^[aE]', negate: true },
    { pattern: '^\\s', match: 'before' },
    { preset: 'python', max_lines: 4 },
    { preset: 'go' }
  )
  fc.assert(
    fc.property(rules, fc.array(line, { maxLength: 30 }), (options, lines) => {
      const bytes = Buffer.from(lines.map(l => `${l}\n`).join(''))
      const splitter = new Splitter(12, rule(options))
      const whole = splitter.split(bytes, 0, bytes.length, 'last')
      const starts = Array.from({ length: whole.count }, (_, i) => whole.bounds[i * 2]!)
      const records = linesOf(bytes, whole)
      for (const [i, start] of starts.entries()) {
        assert.deepEqual(linesOf(bytes, splitter.split(bytes, start, bytes.length, 'last')), records.slice(i))
      }
    })
  )
})

test('needs a preset or a pattern, and not both', () => {
  const options = (o: Record<string, unknown>) =>
    readFields({ multiline: multilineField }, { multiline: o }, () => {})!.multiline
  assert.equal([...lintMultiline(options({}))].length, 1)
  assert.equal([...lintMultiline(options({ preset: 'java', pattern: 'x' }))].length, 1)
  assert.equal([...lintMultiline(options({ pattern: 'x' }))].length, 0)
  assert.equal([...lintMultiline(undefined)].length, 0)
})
