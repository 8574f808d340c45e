import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GrokError } from './error.ts'
import { explainGrok } from './explain.ts'

const patterns = new Map([
  ['WORD', '\\w+'],
  ['INT', '\\d+'],
  ['PAIR', '%{WORD:key}=%{INT:value}'],
  ['LINE', '<%{PAIR}> %{WORD:last}'],
  ['EITHER', '%{INT:n}|%{WORD:w}']
])

for (const [pattern, line, longestPrefix, stoppedAt, matchedText, restOfLine, captures] of [
  ['%{WORD:a} %{INT:b} %{WORD:c}', 'x y z', '%{WORD:a} ', '%{INT:b}', 'x ', 'y z', { a: 'x' }],
  ['%{LINE}', '<k=7>last', '<%{WORD:key}=%{INT:value}>', ' ', '<k=7>', 'last', { key: 'k', value: '7' }],
  ['%{LINE}', '<k=v>', '<%{WORD:key}=', '%{INT:value}', '<k=', 'v>', { key: 'k' }],
  ['a{2}\\d+[]x]+(?:b|c)*!', 'aa1]?', 'a{2}\\d+[]x]+(?:b|c)*', '!', 'aa1]', '?', {}],
  ['(%{INT:n}|%{WORD:w}) x', '7 y', '(%{INT:n}|%{WORD:w}) ', 'x', '7 ', 'y', { n: '7' }],
  ['%{EITHER} x', '7 y', '%{EITHER} ', 'x', '7 ', 'y', { n: '7' }],
  ['x|y', 'z', '', 'x|y', '', 'z', {}],
  ['\\p{L}{2}é', 'ab', '\\p{L}{2}', 'é', 'ab', '', {}]
] as const) {
  test(`${pattern} on ${line} stops at ${stoppedAt}`, () => {
    const expected = { matched: false, longestPrefix, stoppedAt, matchedText, restOfLine, captures }
    assert.deepEqual(explainGrok(pattern, line, patterns), expected)
  })
}

test('a match says what it leaves of the line', () => {
  assert.deepEqual(explainGrok('%{PAIR}', 'a=1 b', patterns), {
    matched: true,
    longestPrefix: '%{PAIR}',
    stoppedAt: '',
    matchedText: 'a=1',
    restOfLine: ' b',
    captures: { key: 'a', value: '1' }
  })
})

test('a pattern that does not compile is an error', () => {
  assert.throws(() => explainGrok('%{WRD:a}', 'x', patterns), GrokError)
  assert.throws(() => explainGrok('a(', 'x', patterns), GrokError)
})
