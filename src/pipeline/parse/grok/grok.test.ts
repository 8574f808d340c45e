// The filter's rules: which fields are matched, what is written where, what a miss leaves behind.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GrokError } from './error.ts'
import { compileGrok } from './grok.ts'
import type { GrokOptions } from './grok.ts'

const patterns = new Map([
  ['WORD', '\\b\\w+\\b'],
  ['INT', '[+-]?\\d+'],
  ['NUMBER', '[+-]?(?:\\d+(?:\\.\\d+)?|\\.\\d+)'],
  ['DATA', '.*?'],
  ['GREEDYDATA', '.*']
])

type Event = Record<string, unknown>
type Row = [
  title: string,
  match: string | GrokOptions['match'],
  event: Event,
  expected: Event,
  options?: Partial<GrokOptions>
]

const build = (match: Row[1], options: Partial<GrokOptions> = {}) =>
  compileGrok({ match: typeof match === 'string' ? { message: match } : match, patterns, ...options })

/** Each row runs with both engines; what they leave of the event must be the same. */
function table(rows: readonly Row[]): void {
  for (const [title, match, event, expected, options] of rows) {
    for (const engine of ['javascript', 'oniguruma'] as const) {
      test(`${title} (${engine})`, () => {
        const work = structuredClone(event)
        build(match, { ...options, ...(engine === 'oniguruma' ? { engine } : {}) }).apply(work)
        assert.deepEqual(work, expected)
      })
    }
  }
}

const missed = { tags: ['_grokparsefailure'] }

describe('captures', () => {
  table([
    ['a field gets the text', '%{WORD:a} %{INT:b}', { message: 'x 1' }, { message: 'x 1', a: 'x', b: '1' }],
    ['an inline capture does too', '(?<a>x+)', { message: 'xx' }, { message: 'xx', a: 'xx' }],
    [
      'int and float convert',
      '%{NUMBER:a:int} %{NUMBER:b:float}',
      { message: '3.9 3.9' },
      { message: '3.9 3.9', a: 3, b: 3.9 }
    ],
    ['a converted empty text is 0', '%{DATA:a:int}x', { message: 'x' }, { message: 'x', a: 0 }],
    ['another type converts nothing', '%{INT:a:long}', { message: '3' }, { message: '3', a: '3' }],
    [
      'brackets nest',
      '%{WORD:[a][b][c]} %{WORD:[a][d]}',
      { message: 'x y' },
      { message: 'x y', a: { b: { c: 'x' }, d: 'y' } }
    ],
    ['a dot does not', '%{WORD:a.b}', { message: 'x' }, { message: 'x', 'a.b': 'x' }],
    [
      'metadata is a field like others',
      '%{WORD:[@metadata][a]}',
      { message: 'x' },
      { message: 'x', '@metadata': { a: 'x' } }
    ],
    ['the time is never written', '%{WORD:@timestamp}', { message: 'x' }, { message: 'x' }],
    [
      'one name several times makes an array',
      '%{WORD:a} %{WORD:a}',
      { message: 'x y' },
      { message: 'x y', a: ['x', 'y'] }
    ],
    [
      'captures of one name go together',
      '%{WORD:a} %{INT:a} %{WORD:a}',
      { message: 'x 1 y' },
      { message: 'x 1 y', a: ['x', 'y', '1'] }
    ],
    ['the first of a name is converted', 'y%{INT:a:int}|x%{INT:a:int}', { message: 'y5' }, { message: 'y5', a: 5 }],
    ['a later one stays a string', 'y%{INT:a:int}|x%{INT:a:int}', { message: 'x5' }, { message: 'x5', a: '5' }],
    ['a number takes no second value', '%{INT:a:int} %{INT:a:int}', { message: '5 6' }, { message: '5 6', a: 5 }],
    ['unset and empty ones are left out', '(?<a>x)?(?<b>)y', { message: 'y' }, { message: 'y' }],
    [
      'unless they are kept',
      '(?<a>x)?(?<b>)y',
      { message: 'y' },
      { message: 'y', a: null, b: '' },
      { keep_empty_captures: true }
    ],
    [
      'a kept one is filled later',
      '(?<a>x)?(?<a>y)',
      { message: 'y' },
      { message: 'y', a: 'y' },
      { keep_empty_captures: true }
    ],
    ['unnamed references capture nothing', '%{WORD} %{INT:n}', { message: 'a 1' }, { message: 'a 1', n: '1' }],
    [
      'unless all captures count',
      '%{WORD} %{INT:n}',
      { message: 'a 1' },
      { message: 'a 1', WORD: 'a', n: '1' },
      { named_captures_only: false }
    ],
    [
      'names of Object.prototype are fields',
      '%{WORD:constructor} %{WORD:__proto__}',
      { message: 'x y' },
      JSON.parse('{"message":"x y","constructor":"x","__proto__":"y"}')
    ]
  ])

  test('a name that could be code is only a name', () => {
    const event: Event = { message: 'x' }
    build('(?<";throw 1//\\\u2028>x)').apply(event)
    assert.deepEqual(event, { message: 'x', '";throw 1//\\\u2028': 'x' })
  })
})

describe('fields that are there already', () => {
  table([
    [
      'a string becomes an array',
      '%{WORD} %{GREEDYDATA:message}',
      { message: 'a rest' },
      { message: ['a rest', 'rest'] }
    ],
    [
      'unless it is overwritten',
      '%{WORD} %{GREEDYDATA:message}',
      { message: 'a rest' },
      { message: 'rest' },
      { overwrite: ['message'] }
    ],
    ['an array grows', '%{WORD:a}', { message: 'x', a: ['p', 1] }, { message: 'x', a: ['p', 1, 'x'] }],
    ['null is filled', '%{WORD:a}', { message: 'x', a: null }, { message: 'x', a: 'x' }],
    ['a number stays', '%{WORD:a}', { message: 'x', a: 7 }, { message: 'x', a: 7 }],
    ['an object stays', '%{WORD:a}', { message: 'x', a: { b: 1 } }, { message: 'x', a: { b: 1 } }],
    [
      'a nested string becomes an array',
      '%{WORD:[a][b]}',
      { message: 'x', a: { b: 'p' } },
      { message: 'x', a: { b: ['p', 'x'] } }
    ],
    [
      'a nested one is overwritten',
      '%{WORD:[a][b]}',
      { message: 'x', a: { b: 'p' } },
      { message: 'x', a: { b: 'x' } },
      { overwrite: ['[a][b]'] }
    ],
    [
      'a string in the way is a failure',
      '%{WORD:[a][b]}',
      { message: 'x', a: 'p' },
      { message: 'x', a: 'p', ...missed }
    ],
    ['null in the way gives way', '%{WORD:[a][b]}', { message: 'x', a: null }, { message: 'x', a: { b: 'x' } }],
    [
      'a number indexes an array',
      '%{WORD:[a][1]}',
      { message: 'x', a: ['p', 'q'] },
      { message: 'x', a: ['p', ['q', 'x']] }
    ],
    [
      'a target holds all',
      '%{WORD:a} %{WORD:[b][c]}',
      { message: 'x y' },
      { message: 'x y', t: { u: { a: 'x', b: { c: 'y' } } } },
      { target: '[t][u]' }
    ]
  ])

  test('the array of the caller is not changed', () => {
    const list = ['p']
    const event: Event = { message: 'x', a: list }
    build('%{WORD:a}').apply(event)
    assert.deepEqual([event['a'], list], [['p', 'x'], ['p']])
  })
})

describe('what is matched', () => {
  table([
    ['a number as its digits', { n: '^40%{INT:last}$' }, { n: 403 }, { n: 403, last: '3' }],
    ['true as its word', { b: '^%{WORD:w}$' }, { b: true }, { b: true, w: 'true' }],
    ['a missing field as an empty text', '^$', {}, {}],
    ['an object in Ruby form', { o: '(?<k>"a"=>nil)' }, { o: { a: null } }, { o: { a: null }, k: '"a"=>nil' }],
    ['a nested field', { '[a][b]': '%{WORD:w}' }, { a: { b: 'x' } }, { a: { b: 'x' }, w: 'x' }],
    [
      'each element of an array',
      '%{INT:n}',
      { message: ['a 1', 'b', 'c 2'] },
      { message: ['a 1', 'b', 'c 2'], n: ['1', '2'] }
    ],
    [
      'the first pattern that fits',
      { message: ['x%{INT:a}', '%{INT:b}', '%{INT:c}'] },
      { message: '5' },
      { message: '5', b: '5' }
    ],
    [
      'the first field that fits',
      { message: '%{INT:a}', other: '%{INT:b}' },
      { message: '5', other: '6' },
      { message: '5', other: '6', a: '5' }
    ],
    [
      'all of them without break_on_match',
      { message: ['%{INT:a}', '%{INT:b}'], other: '%{INT:c}' },
      { message: '5', other: '6' },
      { message: '5', other: '6', a: '5', b: '5', c: '6' },
      { break_on_match: false }
    ],
    [
      'the last pattern decides without break_on_match',
      { message: ['%{WORD:a}', 'x%{INT:b}'] },
      { message: 'y' },
      { message: 'y', a: 'y', ...missed },
      { break_on_match: false }
    ],
    [
      "the step's own definitions win",
      '%{WORD:a}',
      { message: 'x7' },
      { message: 'x7', a: '7' },
      { pattern_definitions: { WORD: '\\d+' } }
    ]
  ])

  test('the text that the caller has at hand', () => {
    const event: Event = { message: 'not looked at' }
    assert.equal(build('%{INT:n}').apply(event, 'a 7'), true)
    assert.equal(event['n'], '7')
  })
})

describe('a miss', () => {
  table([
    ['adds the tag', 'x', { message: 'y' }, { message: 'y', ...missed }],
    ['adds it once', 'x', { message: 'y', ...missed }, { message: 'y', ...missed }],
    ['keeps other tags', 'x', { message: 'y', tags: ['a'] }, { message: 'y', tags: ['a', '_grokparsefailure'] }],
    [
      'adds the tags it is told',
      'x',
      { message: 'y' },
      { message: 'y', tags: ['a', 'b'] },
      { tag_on_failure: ['a', 'b'] }
    ],
    ['adds none when told none', 'x', { message: 'y' }, { message: 'y' }, { tag_on_failure: [] }]
  ])

  test('is told by the result', () => {
    const grok = build('x')
    assert.deepEqual([grok.apply({ message: 'x' }), grok.apply({ message: 'y' })], [true, false])
  })

  test("is a timeout when the engine's limit was hit", () => {
    const event: Event = { message: `${'a'.repeat(60)}b` }
    assert.equal(build('(?~x)^(a+)+$').apply(event), false)
    assert.deepEqual(event['tags'], ['_groktimeout'])
  })
})

describe('what a compiled step says of itself', () => {
  test('the top-level fields that it can write', () => {
    const grok = build({ message: ['%{WORD:a} %{WORD:[b][c]}', '%{WORD:[b][d]}'] })
    assert.deepEqual(grok.fields, ['a', 'b'])
    assert.deepEqual(build('%{WORD:a}', { target: 't' }).fields, ['t'])
  })

  test('its patterns, and the engine of each with the reason', () => {
    const grok = build({ message: ['%{WORD:a}', '(?:(?<b>b)|c)+'] })
    assert.deepEqual(grok.patterns, ['%{WORD:a}', '(?:(?<b>b)|c)+'])
    assert.deepEqual(
      grok.matchers.map(matcher => [matcher.engine, matcher.reason]),
      [
        ['javascript', ''],
        ['oniguruma', 'a capture in a repeated group that not every round sets']
      ]
    )
  })

  test('a field that is none, at compile time', () => {
    assert.throws(
      () => build('%{WORD:a[b]}'),
      new GrokError('FIELD', '"a[b]" is not a field; write name or [outer][inner]')
    )
  })
})

test('events of one pattern get their fields in one order', () => {
  const grok = build('%{WORD:a} %{WORD:b} %{WORD:c}')
  const event: Event = { message: 'x y z' }
  grok.apply(event)
  assert.deepEqual(Object.keys(event), ['message', 'a', 'b', 'c'])
})

test('a search from any position is spared a text that lacks what every match contains', () => {
  const matcher = build('%{DATA:a} => %{DATA:b};').matchers[0]!
  assert.equal(matcher.exec('a => b'), null)
  assert.equal(matcher.exec('a = b;'), null)
  assert.equal(matcher.exec('a => b;')?.[0], 'a => b;')
})
