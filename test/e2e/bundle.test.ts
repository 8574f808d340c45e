// The bundle, laid out as a package has it and far from any node_modules: it is the same program.
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../lib/real/process.ts'
import { agentFolder, PROGRAM } from '../lib/real/yarder.ts'
import { buildInto } from '../../tools/build.ts'

test('the bundle runs from a folder of its own: version, reference, an agent, and grok by WebAssembly', async t => {
  const folder = agentFolder(t)
  const home = join(folder, 'lib')
  await buildInto(home)
  symlinkSync(process.execPath, join(home, 'node'))
  mkdirSync(join(home, 'bin'))
  cpSync(PROGRAM, join(home, 'bin/yarder'))
  // As /usr/bin/yarder leads there.
  const yarder = join(folder, 'yarder')
  symlinkSync(join(home, 'bin/yarder'), yarder)

  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  const told = JSON.parse(await run([yarder, 'version'], { cwd: folder })) as { version: string; node: string }
  assert.deepEqual([told.version, told.node], [version, process.versions.node])
  assert.equal(await run([yarder, 'docs', 'grok']), await run([PROGRAM, 'docs', 'grok']))

  const log = join(folder, 'app.log')
  writeFileSync(log, 'a=1 b=2\n')
  const out = join(folder, 'out.ndjson')
  const config = join(folder, 'yarder.yaml')
  // A group that captures in each round of a loop is beyond JavaScript's regular expressions.
  writeFileSync(
    config,
    `
agent: { data_dir: ${folder}/data }
admin: { enabled: false }
inputs: { app: { type: file, paths: [${log}], pipeline: [{ grok: { match: '^(?:(?:a=%{INT:a}|b=%{INT:b}) ?)*$' } }] } }
outputs: { out: { type: file, path: ${out} } }
`
  )
  await run([yarder, 'run', '--once', '-c', config], { cwd: folder })
  const { a, b } = JSON.parse(readFileSync(out, 'utf8')) as { a?: string; b?: string }
  assert.deepEqual([a, b], ['1', '2'])
})
