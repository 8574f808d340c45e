// Holds every definition of THE LIST to what style and contracts ask of all of them. A new component is covered by
// being listed; the files conformance-*.test.ts run what was built.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { catalog } from '../src/agent/components.ts'
import { catalogFaults } from '../src/config/catalog.ts'
import type { Fields } from '../src/core/field.ts'
import { checkedExample, listed } from './lib/the-list.ts'

const root = join(import.meta.dirname, '..')

/** Every option with its path, those inside of maps and lists too. */
function* options(fields: Fields, prefix = ''): Iterable<readonly [path: string, doc: string]> {
  for (const [name, field] of Object.entries(fields)) {
    yield [`${prefix}${name}`, field.doc]
    if (field.fields !== undefined) yield* options(field.fields, `${prefix}${name}.`)
  }
}

/** Every text of the catalog that a user reads. */
const texts = new Map<string, string>()
for (const [name, { doc, fields }] of Object.entries(catalog.sections)) {
  texts.set(name, doc)
  for (const [path, text] of options(fields)) texts.set(`${name}.${path}`, text)
}
for (const [name, { doc, common }] of Object.entries(catalog.units)) {
  texts.set(name, doc)
  for (const [path, text] of options(common)) texts.set(`${name}.*.${path}`, text)
}
for (const { section, definition } of listed) {
  const at = `${section}.${definition.name}`
  texts.set(at, definition.summary)
  const paragraphs = definition.description?.split(/\n{2,}/) ?? []
  for (const [i, text] of paragraphs.entries()) texts.set(`${at} (paragraph ${i + 1})`, text)
  const value = 'value' in definition ? definition.value : undefined
  if (value !== undefined) texts.set(`${at} (value)`, value.doc)
  for (const [path, text] of options(definition.fields ?? value?.fields ?? {})) texts.set(`${at}.${path}`, text)
}

test('the catalog is well-formed', () => {
  assert.deepEqual(catalogFaults(catalog), [])
  assert.ok(listed.length > 25 && texts.size > 150, 'the definitions were found')
})

/** Files that declare a component, wherever in the house. */
const declaring = globSync('{input,output,pipeline,metrics,health}/**/*.ts', { cwd: join(root, 'src') })
  .filter(file => !file.endsWith('.test.ts'))
  .filter(file => /^export const \w+ = define[A-Z]\w*\(/m.test(readFileSync(join(root, 'src', file), 'utf8')))

test('a definition has a snake_case name and lives in the file of that name', async () => {
  const homes = new Map<unknown, string>()
  for (const file of declaring) {
    const exported = (await import(join(root, 'src', file))) as Record<string, unknown>
    for (const value of Object.values(exported)) homes.set(value, file)
  }
  for (const { section, definition } of listed) {
    const { name } = definition
    assert.match(name, /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/)
    assert.equal(homes.get(definition)?.split('/').at(-1), `${name.replaceAll('_', '-')}.ts`, `${section}.${name}`)
  }
})

test('every component that a file declares is in THE LIST', async () => {
  const known = new Set<unknown>(listed.map(one => one.definition))
  for (const file of declaring) {
    const exported = (await import(join(root, 'src', file))) as Record<string, unknown>
    assert.ok(
      Object.values(exported).some(value => known.has(value)),
      `${file} is not in src/agent/components.ts`
    )
  }
})

test('every summary, paragraph and option text is made of sentences that end', () => {
  for (const [at, text] of texts) {
    assert.ok(text.trim().length > 5, `${at} says something: "${text}"`)
    assert.match(text.trimEnd(), /[.:]$|^(- .*\n?)+$/s, `${at} ends with a period: "${text}"`)
    assert.match(text, /^[^a-z]|^(?:gzip|zlib) /, `${at} begins as a sentence: "${text}"`)
  }
  for (const { section, definition } of listed)
    assert.match(definition.summary, /^(?:`[^`]*`|[^.`])+\.$/, `${section}.${definition.name}: one sentence`)
})

test('no text calls anything easy', () => {
  for (const [at, text] of texts)
    assert.doesNotMatch(text, /\b(?:just|easy|easily|simply|simple|obviously|of course)\b/i, at)
})

test('every definition has examples, each with a title of its own, and each is a right configuration', () => {
  for (const one of listed) {
    const { examples = [], name } = one.definition
    assert.ok(examples.length > 0, `${one.section}.${name} has an example`)
    assert.equal(new Set(examples.map(e => e.title)).size, examples.length, name)
    for (const example of examples) {
      assert.match(example.title, /^[^.]{3,}[^.]$/, `${name}: a title is no sentence`)
      checkedExample(one, example)
    }
  }
})

interface Built {
  readonly name: string
  readonly yaml: string
  readonly problems: readonly string[]
  readonly touched: readonly string[]
  readonly started: readonly string[]
}

test('building an example opens no socket, starts no timer and no process, and touches only files that it names', async () => {
  const program = join(root, 'test/lib/build-everything.ts')
  const args = ['--permission', `--allow-fs-read=${root}`, program]
  // A child whose stdin is a pipe, as the agent's may be.
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 16 * 1024 * 1024 })
  const builds = stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Built)
  assert.equal(builds.length, listed.flatMap(one => one.definition.examples ?? []).length)
  for (const { name, yaml, problems, touched, started } of builds) {
    assert.deepEqual(problems, [], name)
    assert.deepEqual(started, [], `${name}: what runs after it was built`)
    assert.deepEqual(
      touched.filter(what => !yaml.includes(what.split(' ')[1]!)),
      [],
      `${name}: what it reached for`
    )
  }
})
