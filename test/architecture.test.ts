// Holds the import rules: main → cli → agent → the stages → core; stages never import each other; one door per package.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')
const src = join(root, 'src')

const MAY_IMPORT: Record<string, readonly string[]> = {
  'main.ts': ['cli', 'service', 'core'],
  cli: ['agent', 'service', 'config', 'pipeline', 'core'],
  agent: ['input', 'pipeline', 'output', 'metrics', 'health', 'service', 'web', 'config', 'core'],
  input: ['core'],
  pipeline: ['core'],
  output: ['core'],
  metrics: ['core'],
  health: ['core'],
  service: ['core'],
  web: ['core'],
  config: ['core'],
  core: []
}

interface Import {
  file: string
  what: string
}

function imports(): Import[] {
  const found: Import[] = []
  for (const file of globSync('**/*.ts', { cwd: src })) {
    if (file.endsWith('.test.ts')) continue
    const text = readFileSync(join(src, file), 'utf8')
    for (const m of text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s*)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/g
    )) {
      found.push({ file, what: (m[1] ?? m[2])! })
    }
  }
  return found
}

const room = (path: string): string => path.split('/')[0]!
const all = imports()

test('imports go one way and the stages never import each other', () => {
  assert.ok(all.length > 50, 'the imports were found')
  for (const { file, what } of all) {
    if (!what.startsWith('.')) continue
    const target = relative(src, resolve(dirname(join(src, file)), what))
    if (target.startsWith('..')) continue
    const from = room(file)
    const to = room(target)
    assert.ok(from in MAY_IMPORT, `${file}: ${from} is no room of the house`)
    assert.ok(from === to || MAY_IMPORT[from]!.includes(to), `${file}: ${from} may not import ${to} (${what})`)
  }
})

test('relative imports name a file that exists, with its extension', () => {
  for (const { file, what } of all) {
    if (what.startsWith('.')) assert.ok(existsSync(resolve(dirname(join(src, file)), what)), `${file}: ${what}`)
  }
})

test('each package enters through one file of a room, and is declared', () => {
  const declared = Object.keys(
    (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object }).dependencies
  )
  const doors = new Map<string, Set<string>>()
  for (const { file, what } of all) {
    if (what.startsWith('.') || what.startsWith('node:')) continue
    assert.ok(!builtinModules.includes(what), `${file}: write node:${what}`)
    const name = what.startsWith('@') ? what.split('/').slice(0, 2).join('/') : what.split('/')[0]!
    assert.ok(declared.includes(name), `${file}: ${name} is not in dependencies`)
    doors.set(name, (doors.get(name) ?? new Set()).add(file))
  }
  for (const [name, files] of doors) {
    // commander's commands are one file each by design, and chokidar serves inputs and the config alike.
    const most = name === 'commander' ? Infinity : name === 'chokidar' ? 2 : 1
    assert.ok(
      [...files].filter(f => !f.endsWith('.d.ts')).length <= most,
      `${name} is imported by ${[...files].join(', ')}`
    )
  }
})

test('only main.ts ends the process or takes signals', () => {
  for (const file of globSync('**/*.ts', { cwd: src })) {
    if (file === 'main.ts' || file.endsWith('.test.ts')) continue
    const text = readFileSync(join(src, file), 'utf8')
    assert.doesNotMatch(text, /process\.exit\(|process\.(?:on|once)\('SIG/, file)
    assert.doesNotMatch(text, /shell:\s*true|(?<![.\w])exec(?:Sync)?\(['"`]/, `${file}: no shell`)
  }
})

test('every file named in ARCHITECTURE.md exists', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
  const named = [...text.matchAll(/`((?:src|test|bench|tools|examples|bin|docs)\/[\w./-]+)`/g)].map(m => m[1]!)
  assert.ok(named.length > 10)
  for (const path of named) assert.ok(existsSync(join(root, path)), path)
})
