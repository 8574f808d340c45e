import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GrokError } from './error.ts'
import { expand } from './expand.ts'

const patterns = new Map([
  ['WORD', '\\b\\w+\\b'],
  ['INT', '[+-]?\\d+'],
  ['PAIR', '%{WORD:key}=%{INT:value:int}'],
  ['LOOP', 'a%{LOOP}'],
  ['OPEN', 'x%{WO']
])

for (const [pattern, expected] of [
  ['a%{INT}b', 'a(?:[+-]?\\d+)b'],
  ['%{INT:n}', '(?<INT:n>[+-]?\\d+)'],
  ['%{INT:n:int}', '(?<INT:n:int>[+-]?\\d+)'],
  ['%{INT:[a][b]:int}', '(?<INT:[a][b]:int>[+-]?\\d+)'],
  ['%{INT:@x.y-z}', '(?<INT:@x.y-z>[+-]?\\d+)'],
  ['%{PAIR}', '(?:(?<WORD:key>\\b\\w+\\b)=(?<INT:value:int>[+-]?\\d+))'],
  ['%{INT anything at all}', '(?:[+-]?\\d+)'],
  ['%{INT:n anything}', '(?<INT:n>[+-]?\\d+)'],
  ['%{ODD=[13579]}', '(?:[13579])'],
  ['%{ODD=[13579]:x}', '(?:[13579]:x)'],
  ['%{ODD:o=[13579]} %{ODD}', '(?<ODD:o>[13579]) (?:[13579])'],
  ['%{TWO=[0-9]{2}}', '(?:[0-9]{2})'],
  // A backslash reaches to the end of its line and gives back only as much as the closing brace needs.
  ['%{D=\\d+} %{D:f}', '(?:\\d+} %{D:f)'],
  ['%{D=\\d+}\n%{D:f}', '(?:\\d+}\n%)'],
  ['\\%{INT}', '\\(?:[+-]?\\d+)'],
  ['%{}', '%{}'],
  ['%{ INT}', '%{ INT}'],
  ['%{INT', '%{INT'],
  // The text behind an expansion may complete what the definition began.
  ['%{OPEN}RD:w}', '(?:x(?:\\b\\w+\\b)RD:w}']
] as const) {
  test(`expands ${JSON.stringify(pattern)}`, () => {
    if (pattern === '%{OPEN}RD:w}') {
      assert.throws(() => expand(pattern, patterns), /pattern "WO" is not defined/)
      return
    }
    assert.equal(expand(pattern, patterns).text, expected)
  })
}

test('captures unnamed references too when not only named captures count', () => {
  assert.equal(expand('%{INT} %{INT:n}', patterns, false).text, '(?<INT>[+-]?\\d+) (?<INT:n>[+-]?\\d+)')
})

test('names the undefined pattern, its place and the nearest known one', () => {
  assert.throws(
    () => expand('ab %{WROD:x}', patterns),
    new GrokError('UNDEFINED_PATTERN', 'pattern "WROD" is not defined; did you mean "WORD"?', 3)
  )
  assert.throws(() => expand('%{SOMETHINGELSE}', patterns), /^GrokError: pattern "SOMETHINGELSE" is not defined$/)
})

test('refuses definitions that lead back to themselves', () => {
  const endless = (error: GrokError): boolean => error.code === 'RECURSION'
  assert.throws(() => expand('%{LOOP}', patterns), endless)
  assert.throws(() => expand('%{BIG}', new Map([['BIG', '%{BIG}%{BIG}'.repeat(1000)]])), endless)
})

test('refuses an inline definition that ends in white space', () => {
  assert.throws(
    () => expand('%{X=a }', patterns),
    (error: GrokError) => error.code === 'DEFINITION'
  )
})

test('knows where each part of the expansion comes from', () => {
  const { text, origin } = expand('ab%{PAIR}cd', patterns)
  assert.equal(origin(text.indexOf('ab') + 1), 1)
  assert.equal(origin(text.indexOf('=')), 2)
  assert.equal(origin(text.indexOf('\\d')), 2)
  assert.equal(origin(text.lastIndexOf('d')), 10)
})
