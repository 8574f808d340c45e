import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { catalog } from '../../test/golden/config/catalog.ts'
import { isMap } from '../core/field.ts'
import { compileCondition } from '../core/condition.ts'
import { catalogFaults, defineCatalog } from './catalog.ts'
import { CONDITION_EXAMPLES } from './conditions.ts'
import { checkExample, exampleConfig } from './example.ts'
import { loadText } from './load.ts'
import { formatProblem } from './problem.ts'
import { plainData } from './read.ts'
import { referencePages, referenceText } from './reference.ts'
import { sampleConfig } from './sample.ts'
import { configSchema } from './schema.ts'
import { parseYaml } from './yaml.ts'

type Json = Record<string, unknown>

/** As much of draft-07 as the schema uses; a keyword it doesn't know is an error, so that none goes unchecked. */
function fits(schema: unknown, value: unknown, root: Json): boolean {
  if (typeof schema === 'boolean') return schema
  const s = schema as Json
  const map = isMap(value) ? value : undefined
  const keys = Object.keys(map ?? {})
  const is = (type: unknown): boolean =>
    type === 'null'
      ? value === null
      : type === 'array'
        ? Array.isArray(value)
        : type === 'object'
          ? map !== undefined
          : type === 'integer'
            ? Number.isInteger(value)
            : typeof value === type
  const properties = (s['properties'] ?? {}) as Json
  const patterns = Object.entries((s['patternProperties'] ?? {}) as Json)
  const others = keys.filter(k => !Object.hasOwn(properties, k) && !patterns.some(([p]) => new RegExp(p).test(k)))
  const rules: Record<string, (wanted: never) => boolean> = {
    type: (t: unknown) => [t].flat().some(is),
    enum: (values: unknown[]) => values.includes(value),
    const: (wanted: unknown) => value === wanted,
    pattern: (p: string) => typeof value !== 'string' || new RegExp(p).test(value),
    $ref: (ref: string) =>
      fits(
        ref
          .slice(2)
          .split('/')
          .reduce<unknown>((at, k) => (at as Json)[k], root),
        value,
        root
      ),
    anyOf: (all: unknown[]) => all.some(one => fits(one, value, root)),
    allOf: (all: unknown[]) => all.every(one => fits(one, value, root)),
    not: (one: unknown) => !fits(one, value, root),
    if: (one: unknown) => {
      const branch = s[fits(one, value, root) ? 'then' : 'else']
      return branch === undefined || fits(branch, value, root)
    },
    items: (item: unknown) => !Array.isArray(value) || value.every(v => fits(item, v, root)),
    minItems: (n: number) => !Array.isArray(value) || value.length >= n,
    minProperties: (n: number) => map === undefined || keys.length >= n,
    maxProperties: (n: number) => map === undefined || keys.length <= n,
    required: (names: string[]) => map === undefined || names.every(n => keys.includes(n)),
    properties: () => keys.every(k => !Object.hasOwn(properties, k) || fits(properties[k], map![k], root)),
    patternProperties: () =>
      patterns.every(([p, one]) => keys.every(k => !new RegExp(p).test(k) || fits(one, map![k], root))),
    additionalProperties: (one: unknown) => others.every(k => fits(one, map![k], root)),
    propertyNames: (one: unknown) => keys.every(k => fits(one, k, root))
  }
  const notes = ['description', 'default', 'deprecated', 'writeOnly', '$schema', '$comment', '$defs', 'then', 'else']
  return Object.entries(s).every(([keyword, wanted]) => {
    const rule = rules[keyword]
    if (rule === undefined) assert.ok(notes.includes(keyword), `unknown keyword ${keyword}`)
    return rule === undefined || rule(wanted as never)
  })
}

const schema = configSchema(catalog)
const judge = (text: string): boolean => fits(schema, plainData(parseYaml(text, 'f').root!), schema)

test('the schema takes the golden configurations that the agent takes', () => {
  const dir = fileURLToPath(new URL('../../test/golden/config/', import.meta.url))
  let taken = 0
  for (const name of readdirSync(dir)) {
    const expected = join(dir, name, 'expected.err')
    if (!existsSync(expected) || /^(?!warning)./m.test(readFileSync(expected, 'utf8'))) continue
    assert.ok(judge(readFileSync(join(dir, name, 'yarder.yaml'), 'utf8')), name)
    taken++
  }
  assert.ok(taken >= 4)
})

for (const [what, text] of Object.entries({
  'an unknown section': 'Outputs: {}',
  'an unknown option': 'inputs: { a: { type: stdin, x: 1 } }',
  'an option of another type of unit': 'inputs: { a: { type: stdin, paths: [a] } }',
  'a missing option': 'inputs: { a: { type: file } }',
  'a missing type': 'inputs: { a: { paths: [a] } }',
  'an unknown type': 'inputs: { a: { type: files } }',
  'a wrong value': 'outputs: { a: { type: elasticsearch, in_flight: many } }',
  'a wrong option of a unit named after its type': 'exporters: { statsd: { prot: 1 } }',
  'a name that is no type': 'exporters: { other: {} }',
  'two steps in one': 'pipelines: { a: [{ json: {}, tag: {} }] }',
  'a bare step that needs options': 'pipelines: { a: [grok] }',
  'a wrong option in steps of an input': 'inputs: { a: { type: stdin, pipeline: [{ json: { x: 1 } }] } }',
  'a name with a blank': 'inputs: { "a b": { type: stdin } }'
}))
  test(`the schema marks ${what}`, () => {
    assert.equal(judge(text), false)
  })

for (const text of [
  'outputs: { a: { type: elasticsearch, in_flight: "${N}", hosts: ["${H}"] } }',
  'exporters: { prometheus: null, statsd: { port: 1 }, b: { type: statsd } }',
  'metrics: { a: { help: x, input: y }, b: { type: histogram, help: x, input: y, value: z } }',
  'pipelines: { a: [json, { json: null }, { tag: {}, when: { a: 1 } }, { convert: { a: integer } }] }',
  'x-anchors: [1]\ninputs: null'
])
  test(`the schema takes ${text.split('\n')[0]}`, () => {
    assert.ok(judge(text))
  })

test('the sample says nothing as it stands', () => {
  const text = sampleConfig(catalog, './schema.json')
  assert.match(text, /^# yaml-language-server: \$schema=\.\/schema\.json\n/)
  assert.deepEqual(loadText(text, catalog, {}).problems, [])
})

test('every option of the sample is right once its # is taken away and its <kind> filled in', () => {
  const uncommented = sampleConfig(catalog, 's')
    .replace(/^# .*$/gm, '')
    .replace(/^ *##.*$/gm, '')
    .replace(/^( *)#/gm, '$1')
  const { problems } = loadText(uncommented, catalog, {})
  const odd = problems.map(formatProblem).filter(line => !/<|there is no "nginx" in inputs/.test(line))
  assert.deepEqual(odd, [])
  assert.match(uncommented, /ca_file: <string>/)
})

test('the reference has a page for everything, saying that it is generated', () => {
  const pages = referencePages(catalog)
  for (const name of [
    'README.md',
    'agent.md',
    'inputs.md',
    'inputs/file.md',
    'outputs/elasticsearch.md',
    'pipelines.md',
    'steps/convert.md'
  ])
    assert.match(pages.get(name) ?? '', /^<!-- Generated /, name)
  const page = pages.get('outputs/elasticsearch.md')!
  assert.match(page, /\| `tls\.ca_file` \| string \|  \| Certificates to trust\. \|/)
  assert.match(page, /\| `in_flight` \| integer \| default 4 \| Requests at a time\. At least 1, at most 64\. \|/)
  assert.match(pages.get('inputs/file.md')!, /\| `start_at` \| `beginning` \\\| `end` \| default end \|/)
  for (const [path, text] of pages) {
    for (const [, link] of text.matchAll(/\]\(([^)]+)\)/g))
      assert.ok(pages.has(posix.join(posix.dirname(path), link!)), `${path}: ${link}`)
  }
})

test('the terminal text stays within its width and finds by name or by section and name', () => {
  for (const word of [undefined, 'file', 'inputs.file', 'outputs/elasticsearch', 'pipelines']) {
    const found = referenceText(catalog, word, 60)
    assert.ok('text' in found && found.text.length > 0, word ?? '')
    for (const line of found.text.split('\n')) assert.ok(line.length <= 60 || /\S{40}|^ {2}\S|Example/.test(line), line)
  }
  assert.deepEqual(referenceText(catalog, 'groc'), { error: 'nothing is called "groc"; did you mean "grok"?' })
})

test('an example may be options, named units, a step, its options, or a list, and is checked in its place', () => {
  const input = { name: 'stdin' }
  for (const yaml of ['type: stdin\ntags: [a]', 'tags: [a]', 'here: { type: stdin, pipeline: other, tags: ["${X}"] }'])
    assert.deepEqual(
      checkExample(catalog, exampleConfig(catalog, 'inputs', input, { title: '', yaml })).problems,
      [],
      yaml
    )
  for (const yaml of ['grok:\n  match: x', 'match: x', '- json\n- grok: { match: x }'])
    assert.deepEqual(
      checkExample(catalog, exampleConfig(catalog, 'steps', { name: 'grok' }, { title: '', yaml })).problems,
      [],
      yaml
    )
  const wrong = checkExample(
    catalog,
    exampleConfig(catalog, 'steps', { name: 'grok' }, { title: '', yaml: 'grok: { mtach: x }' })
  )
  assert.equal(wrong.problems.length, 1)
})

test('a catalog that contradicts itself is found out', () => {
  assert.deepEqual(catalogFaults(catalog), [])
  const bad = defineCatalog({
    ...catalog,
    units: { ...catalog.units, agent: { ...catalog.units.outputs, refersTo: { nope: 'nowhere' } } },
    steps: [...catalog.steps, catalog.steps[0]]
  })
  assert.deepEqual(catalogFaults(bad), [
    'section agent is there twice',
    'agent has no common option nope to refer with',
    'agent.nope refers to no section',
    'step grok is there twice'
  ])
})

for (const { title, yaml, meets, misses } of CONDITION_EXAMPLES)
  test(`the example of a condition holds as it says: ${title}`, () => {
    const { when } = plainData(parseYaml(yaml, 'example').root!) as { when: unknown }
    const holds = compileCondition(when)
    const cursor = { source: { constants: {} } } as never
    assert.deepEqual([holds({ ...meets }, cursor), holds({ ...misses }, cursor)], [true, false])
    assert.ok(judge(`pipelines: { a: [{ json: {}, ${JSON.stringify({ when }).slice(1, -1)} }] }`))
  })

test('the words that lead to conditions, and every option that takes one', () => {
  const page = referenceText(catalog, 'conditions')
  assert.ok('text' in page && page.text.includes('starts_with'))
  assert.deepEqual([referenceText(catalog, 'when'), referenceText(catalog, 'condition')], [page, page])
  const pages = referencePages(catalog)
  assert.match(pages.get('README.md')!, /## \[conditions\]\(conditions\.md\)/)
  assert.match(pages.get('pipelines.md')!, /\| `when` \| \[condition\]\(conditions\.md\) \|/)
  assert.match(pages.get('steps/drop.md')!, /\| `when` \| \[condition\]\(\.\.\/conditions\.md\) \|/)
  const drop = referenceText(catalog, 'drop')
  assert.ok('text' in drop && drop.text.includes('when  (condition: yarder docs conditions, required)'))
})

test('the schema judges conditions as the agent does', () => {
  for (const [when, right] of [
    ['{ a: 1, b: [x, y], c: null, d: { gte: 1, lt: "${N}" } }', true],
    ['{ any: [{ a: { matches: x } }, { not: { b: { cidr: [10.0.0.0/8] } } }] }', true],
    ['{}', false],
    ['{ a: {} }', false],
    ['{ a: { eq: 5 } }', false],
    ['{ a: { gte: x } }', false],
    ['{ any: { a: 1 } }', false],
    ['{ and: [{ a: 1 }] }', false],
    ['{ a: [] }', false]
  ] as const) {
    assert.equal(judge(`pipelines: { p: [{ drop: { when: ${when} } }] }`), right, when)
    if (!when.includes('$'))
      assert.equal(
        loadText(`pipelines: { p: [{ drop: { when: ${when} } }] }`, catalog, {}).problems.length === 0,
        right
      )
  }
})
