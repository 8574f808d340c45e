// The two engines: what JavaScript is trusted with, and that both find the same.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import vm from 'node:vm'
import fc from 'fast-check'
import { GrokError } from './error.ts'
import { compileMatcher, GrokTimeout, OnigurumaHost } from './matcher.ts'
import type { Engine, Matcher } from './matcher.ts'
import { Oniguruma } from './oniguruma-wasm.ts'

const host = new OnigurumaHost()
const compile = (pattern: string, engine?: Engine): Matcher =>
  compileMatcher(pattern, { patterns: new Map(), namedOnly: true, host, engine })

/** The whole match and the captures in their order; null without a match. */
function find(matcher: Matcher, text: string): (string | undefined)[] | null {
  const groups = matcher.exec(text)
  return groups && [groups[0], ...matcher.names.map((_, i) => groups[matcher.groups[i + 1]!])]
}

/** Oniguruma refuses the repetition of an anchor, which Onigmo and joni do not. */
function compileUnlessRefused(pattern: string, engine?: Engine): Matcher | undefined {
  try {
    return compile(pattern, engine)
  } catch (error) {
    if (error instanceof GrokError && error.message.startsWith('target of repeat operator is invalid')) return undefined
    throw error
  }
}

describe('JavaScript is taken only where it is exact', () => {
  for (const [pattern, reason] of [
    ['(?:(?<a>a)|b)+', 'a capture in a repeated group that not every round sets'],
    ['(?:(?<a>a)?b)*', 'a capture in a repeated group that not every round sets'],
    ['(?:(?<a>a*))*', 'a capture in a repeated group that not every round sets'],
    ['(?:|a)*b', 'a repeated group that prefers to match nothing'],
    ['(?:a??)*b', 'a repeated group that prefers to match nothing'],
    ['(?:(?<a>a)|b)\\k<a>', 'a back-reference to a capture that may be unset'],
    ['(?<a>a)(?<a>b)\\k<a>', 'a back-reference to a name that several captures have'],
    ['(?<a>a\\k<a>?)', 'a back-reference to a capture that is not closed'],
    ['(?!(?<a>a))b', 'a capture in a negative look-around'],
    ['(?<=(?<a>a))b', 'a capture inside of a look-behind'],
    ['(?<=(?>a))b', 'an atomic group or a back-reference in a look-behind'],
    ['(?~abc)', 'the absence operator'],
    ['(?<a>a)?(?(<a>)b|c)', 'a condition'],
    ['\\Ga', '\\G'],
    ['\\X', '\\X'],
    ['a\\Kb', '\\K'],
    ['(?<a>a|b\\g<a>c)', '\\g'],
    ['(?i)é', 'letters beyond ASCII under (?i)'],
    ['(?i)[[:upper:]]', 'a POSIX bracket under (?i)']
  ] as const) {
    test(`${pattern} goes to Oniguruma: ${reason}`, () => {
      const matcher = compile(pattern)
      assert.deepEqual([matcher.engine, matcher.reason], ['oniguruma', reason])
    })
  }

  for (const pattern of [
    '(?:(?<a>\\d),?)+',
    '(?:a?b?)*c',
    '(?:(?<a>a)|b)',
    '(?<a>a)\\k<a>',
    '(?<a>x)?y',
    '(?>a|ab)c',
    '(?:a*)?b'
  ]) {
    test(`${pattern} stays in JavaScript`, () => {
      assert.equal(compile(pattern).engine, 'javascript')
    })
  }
})

describe('what both engines find', () => {
  for (const [pattern, text, expected] of [
    ['^b$', 'a\nb\nc', ['b']],
    ['\\n^', 'a\n', null],
    ['a$', 'a\r\n', null],
    ['a\\Z', 'a\n', ['a']],
    ['a\\z', 'a\n', null],
    ['a.b', 'a\nb', ['a\nb']],
    ['(?-m:a.b)', 'a\nb', null],
    ['\\bfoo\\b', 'éfooé', null],
    ['foo\\b', 'foo²', null],
    ['\\B-', 'a-', null],
    ['\\w+', 'éa', ['a']],
    ['[\\w]+', 'éa', ['a']],
    ['\\s', '\u00a0\v', ['\v']],
    ['[[:alpha:]]+', '1aéß中', ['aéß中']],
    ['[[:^alpha:]]+', 'aé1', ['1']],
    ['[[:punct:]]+', 'a+“', ['+“']],
    ['\\p{^L}', 'é1', ['1']],
    ['[a-z&&[^aeiou]]+', 'aebc', ['bc']],
    ['(?>a+)ab', 'aaab', null],
    ['(?>a|ab)c', 'abc', null],
    ['a++b', 'aab', ['aab']],
    ['a*+a', 'aaa', null],
    ['a{,2}b', 'aaab', ['aab']],
    ['a{2}{2}', 'aaaaa', ['aaaa']],
    ['a{x}', 'a{x}', ['a{x}']],
    ['(?i)status', 'STATUS', ['STATUS']],
    ['(?i)strasse', 'STRA\u00dfE', ['STRA\u00dfE']],
    ['(?i)k', '\u212a', ['\u212a']],
    ['(?i)office', 'o\ufb03ce', ['o\ufb03ce']],
    ['a(?i)b|c', 'aC', ['aC']],
    ['(?x) a b # c', 'ab', ['ab']],
    ['(?#note)a', 'a', ['a']],
    ['\\R', '\r\n', ['\r\n']],
    ['\\R+', '\r\n\n\nb', ['\r\n\n\n']],
    ['[^"]', '😀', ['😀']],
    ['[^"]$', 'a😀', ['😀']],
    ['[^"]\\Z', '\n😀', ['😀']],
    ['[^"]\\z', '😀', ['😀']],
    ['.{2}', '😀a', ['😀a']],
    ['(?<a>a|b)(?<a>c)?\\k<a>', 'aa', ['aa', 'a', undefined]],
    ['(a)(?<n>b)', 'ab', ['ab', 'b']],
    ['(a)\\1', 'aa', ['aa']],
    ['(?:(?<k>k\\d)|(?<v>v\\d))+', 'v1k2k3', ['v1k2k3', 'k3', 'v1']],
    ['(?:(?<i>\\d),?)+', '1,2,3', ['1,2,3', '3']],
    ['(?<n>(?>s?+))?+x', 'x', ['x', '']],
    ['\\x41\\e\\t\\cA\\101', 'A\x1b\t\x01A', ['A\x1b\t\x01A']],
    ['[]a]+', ']a', [']a']],
    ['[a\\-z]+', 'b-a', ['-a']],
    ['[+--]+', ',-+', [',-+']]
  ] as const) {
    test(`${JSON.stringify(pattern)} on ${JSON.stringify(text)}`, () => {
      assert.deepEqual(find(compile(pattern), text), expected)
      assert.deepEqual(find(compile(pattern, 'oniguruma'), text), expected)
    })
  }

  test('the same for any pattern and text', () => {
    const leaf = fc.constantFrom(
      'a',
      'b',
      's',
      ' ',
      '-',
      'é',
      '.',
      '\\w',
      '\\W',
      '\\d',
      '\\s',
      '\\b',
      '^',
      '$',
      '[ab]',
      '[^a]',
      '[^\\w]'
    )
    const { node } = fc.letrec<{ node: string }>(tie => ({
      node: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        leaf,
        fc.tuple(tie('node'), tie('node')).map(([a, b]) => a + b),
        fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(?:${a}|${b})`),
        tie('node').map(a => `(?<n>${a})`),
        tie('node').map(a => `(?>${a})`),
        fc
          .tuple(tie('node'), fc.constantFrom('*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}'))
          .map(([a, q]) => `(?:${a})${q}`)
      )
    }))
    const texts = fc.array(
      fc.string({ unit: fc.constantFrom('a', 'b', 's', ' ', '-', '1', 'é', '\n', '中'), maxLength: 8 }),
      { maxLength: 4 }
    )
    let exact = 0
    const property = fc.property(node, texts, (pattern, lines) => {
      const matcher = compileUnlessRefused(pattern)
      const other = compileUnlessRefused(pattern, 'oniguruma')
      if (matcher?.engine !== 'javascript' || other === undefined) return
      exact++
      for (const line of lines) assert.deepEqual(find(matcher, line), find(other, line), matcher.source)
    })
    fc.assert(property, { numRuns: 1000, verbose: 1 })
    assert.ok(exact > 100, `only ${exact} patterns were matched by both engines`)
  })
})

describe('what is no expression', () => {
  for (const [pattern, message, position] of [
    ['ab(c', 'a "(" is not closed', 2],
    ['ab)c', 'a ")" closes nothing', 2],
    ['a[bc', 'a character class has no closing "]"', 1],
    ['*a', 'the "*" has nothing to repeat', 0],
    ['a\\', 'a backslash ends the expression', 1],
    ['a[z-a]', 'a range in a character class runs backwards', 2],
    ['(?<1>a)', '"1" cannot name a capture', 0],
    ['(?<a>a)(b)\\1', 'a numbered back-reference does not go with named captures', 10]
  ] as const) {
    test(`${pattern}: ${message}`, () => {
      const expected = new GrokError(
        'REGEX',
        `${message} at position ${position} of pattern ${JSON.stringify(pattern)}`,
        position
      )
      assert.throws(() => compile(pattern), expected)
    })
  }

  test('an error inside of a definition is told at the reference', () => {
    const options = { patterns: new Map([['BAD', 'a(b']]), namedOnly: true, host }
    const message = /^GrokError: a "\(" is not closed at position 2 of pattern "x %\{BAD:y\}", near "/
    assert.throws(() => compileMatcher('x %{BAD:y}', options), message)
  })

  test('what only Oniguruma can judge is told in its words', () => {
    assert.throws(() => compile('(?~a'), /^GrokError: .* in pattern "\(\?~a"$/)
  })
})

describe('searches that do not end', () => {
  test("Oniguruma's limit is a timeout, not a miss", () => {
    const matcher = compile('^(a+)+$', 'oniguruma')
    assert.equal(matcher.exec('aab'), null)
    assert.throws(() => matcher.exec(`${'a'.repeat(60)}b`), GrokTimeout)
    // A miss that is only slow stays a miss.
    const slow = compile('(?:a|b)*c', 'oniguruma')
    assert.equal(slow.exec('ab'.repeat(2000)), null)
  })

  test('a call that a time limit cut off leaves a fresh engine behind', t => {
    const matcher = compile('(?~ab)^(a+)+$')
    const scope = globalThis as { search?: () => unknown }
    scope.search = () => matcher.exec(`${'a'.repeat(500)}b`)
    t.after(() => delete scope.search)
    const before = host.instance
    // On a busy machine the limit may be over before the call into the engine has begun.
    do assert.throws(() => new vm.Script('search()').runInThisContext({ timeout: 20 }), /timed out/)
    while (!before.broken)
    assert.deepEqual(find(matcher, 'aaa'), ['aaa'])
    assert.notEqual(host.instance, before)
  })
})

test('a text of any length goes through Oniguruma', () => {
  const engine = new Oniguruma()
  const scanner = engine.compile('(?<g1>é+)$')
  for (const length of [1, 1000, 5000, 300_000]) {
    const found = engine.search(scanner, `${'x'.repeat(length)}éé`)
    assert.ok(found !== undefined)
    assert.equal(engine.slice(found[2]!, found[3]!), 'éé')
  }
})
