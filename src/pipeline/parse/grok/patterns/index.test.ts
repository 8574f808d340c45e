import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { parsePatternFile, patternSet, type PatternSetName } from './index.ts'

/** What is known of a pattern by name: its captures, in the order of its text. */
interface Facts {
  readonly captures?: readonly { readonly field: string; readonly pattern?: string; readonly type?: string }[]
}

const factsFile = fileURLToPath(new URL('../../../../../../shared/vectors/grok-names.json', import.meta.url))
const skip = existsSync(factsFile) || process.env['CI'] === 'true' ? false : 'grok-names.json is not here'

const reference = /%\{(?<name>\w+)(?::(?<field>[^:}]+))?(?::(?<type>int|float))?\}|\(\?<(?<group>[^=!>][^>]*)>/g

function factsOf(set: PatternSetName): Map<string, Facts> {
  const all = JSON.parse(readFileSync(factsFile, 'utf8')) as Record<PatternSetName, Record<string, Facts>>
  return new Map(Object.entries(all[set]))
}

/** The captures a definition's own text names, each as `field=PATTERN:type`. */
function capturesIn(definition: string): string[] {
  const found: string[] = []
  for (const { groups } of definition.matchAll(reference)) {
    const field = groups?.['group'] ?? groups?.['field']
    if (field !== undefined) found.push(capture(field, groups?.['name'], groups?.['type']))
  }
  return found
}

function capture(field: string, pattern: string | undefined, type: string | undefined): string {
  return `${field}=${pattern ?? ''}${type === undefined ? '' : `:${type}`}`
}

/** Fails when a reference leads nowhere or round in a circle. */
function resolve(set: Map<string, string>, name: string, path: readonly string[] = []): void {
  assert.ok(!path.includes(name), `${[...path, name].join(' > ')} is a circle`)
  const definition = set.get(name)
  assert.ok(definition !== undefined, `${[...path, name].join(' > ')} is not defined`)
  for (const { groups } of definition.matchAll(reference)) {
    if (groups?.['name'] !== undefined) resolve(set, groups['name'], [...path, name])
  }
}

for (const [name, size] of [
  ['legacy', 317],
  ['ecs-v1', 361]
] as const) {
  describe(`the set ${name}`, () => {
    const set = patternSet(name)

    test(`holds ${size} patterns`, () => {
      assert.equal(set.size, size)
    })

    test('holds exactly the names Logstash has', { skip }, () => {
      assert.deepEqual([...set.keys()].sort(), [...factsOf(name).keys()].sort())
    })

    test('has no reference that leads nowhere', () => {
      for (const pattern of set.keys()) resolve(set, pattern)
    })

    test('captures the same fields from the same patterns in the same order as Logstash', { skip }, () => {
      for (const [pattern, { captures = [] }] of factsOf(name)) {
        // Two fields of Logstash's are written with a stray `?`.
        const expected = captures.map(c => capture(c.field.replace('?', ''), c.pattern, c.type))
        assert.deepEqual(capturesIn(set.get(pattern) ?? ''), expected, pattern)
      }
    })

    test('is a new map each time, so that additions stay with the caller', () => {
      patternSet(name).set('WORD', 'changed')
      assert.equal(patternSet(name).get('WORD'), set.get('WORD'))
    })
  })
}

describe('parsePatternFile', () => {
  test('reads a name and all the rest of the line', () => {
    const expected = [
      ['TWO', '%{WORD:a} %{WORD:b}: '],
      ['ONE', '\\w+\u2028']
    ]
    assert.deepEqual([...parsePatternFile('TWO  %{WORD:a} %{WORD:b}: \nONE \\w+\u2028')], expected)
  })

  test('passes over blank lines, comments and names without a definition', () => {
    assert.deepEqual([...parsePatternFile('\n# A b\n  # C d\nE\n\t\nF #g\n')], [['F', '#g']])
  })

  test('takes CRLF line ends', () => {
    assert.deepEqual(
      [...parsePatternFile('A b\r\nC d\r\n')],
      [
        ['A', 'b'],
        ['C', 'd']
      ]
    )
  })

  test('lets the later of two definitions of a name hold', () => {
    assert.deepEqual([...parsePatternFile('A b\nA c')], [['A', 'c']])
  })
})
