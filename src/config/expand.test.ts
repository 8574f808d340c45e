import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { expand } from './expand.ts'
import type { Expanded } from './expand.ts'
import { plainData } from './read.ts'
import { parseYaml } from './yaml.ts'

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}
const expanded = (text: string, env: Record<string, string> = {}, dir = '/'): Expanded =>
  expand(parseYaml(text, 'f').root!, { env, dir })
const value = (text: string, env: Record<string, string> = {}, dir = '/'): unknown => {
  const { root, problems } = expanded(`a: ${text}`, env, dir)
  assert.deepEqual(problems, [])
  return (plainData(root) as { a: unknown }).a
}
const fault = (text: string, env: Record<string, string> = {}, dir = '/'): string =>
  expanded(`a: ${text}`, env, dir)
    .problems.map(p => `${p.at?.line}:${p.at?.column} ${p.path}: ${p.message}`)
    .join('\n')

test('a variable becomes what YAML would make of it, unless it stands in quotes', () => {
  const env = { N: '42', T: 'true', S: 'text', EMPTY: '', YES: 'yes' }
  assert.deepEqual(
    ['${N}', '"${N}"', '${T}', '${S}', 'x${N}', '${N}${N}', '${EMPTY}', '${YES}'].map(text => value(text, env)),
    [42, '42', true, 'text', 'x42', 4242, '', 'yes']
  )
})

test('a default stands in for a variable that is unset or empty', () => {
  const env = { A: 'a', EMPTY: '' }
  assert.deepEqual(
    ['${A:-b}', '${EMPTY:-b}', '${U:-b}', '${U:-}', '${U:-${A}}', '${U:-%{+yyyy}}', '${U:-1}'].map(text =>
      value(text, env)
    ),
    ['a', 'b', 'b', '', 'a', '%{+yyyy}', 1]
  )
})

test('a doubled dollar sign stands for itself before a brace', () => {
  assert.equal(value('$${A}'), '${A}')
  assert.equal(value('x$${A}-${B}', { B: 'b' }), 'x${A}-b')
  assert.equal(value('^a$'), '^a$')
  assert.equal(value('$$'), '$$')
})

test('the content of a file is a secret text without its last newline', t => {
  const dir = folder(t)
  writeFileSync(join(dir, 'pass'), '12345\n\n', { mode: 0o600 })
  const { root, problems, secrets, reads } = expanded('a: ${file:pass}\nb: "Basic ${file:${D}/pass}"', { D: dir }, dir)
  assert.deepEqual(problems, [])
  assert.deepEqual(plainData(root), { a: '12345\n', b: 'Basic 12345\n' })
  assert.deepEqual([...secrets], ['12345\n', 'Basic 12345\n'])
  assert.deepEqual([...reads], [join(dir, 'pass')])
})

test('a secret that everyone can read is refused', t => {
  const dir = folder(t)
  writeFileSync(join(dir, 'pass'), 'x')
  chmodSync(join(dir, 'pass'), 0o644)
  assert.equal(
    fault('${file:pass}', {}, dir),
    `1:4 a: ${dir}/pass is readable by everyone and so no place for a secret; chmod o-r it`
  )
})

test('what is no file is refused, and a FIFO does not hold the start up', t => {
  const dir = folder(t)
  execFileSync('mkfifo', ['-m', '600', join(dir, 'fifo')])
  assert.equal(fault('${file:fifo}', {}, dir), `1:4 a: ${dir}/fifo is no regular file`)
  assert.equal(fault('${file:.}', {}, dir), `1:4 a: ${dir} is no regular file`)
  assert.match(fault('${file:gone}', {}, dir), /^1:4 a: cannot read the secret: ENOENT/)
})

test('a credential is a file of the directory that systemd names', t => {
  const dir = folder(t)
  mkdirSync(join(dir, 'c'), { mode: 0o700 })
  writeFileSync(join(dir, 'c', 'es.password'), 's3cret\n', { mode: 0o400 })
  assert.equal(value('${credential:es.password}', { CREDENTIALS_DIRECTORY: join(dir, 'c') }), 's3cret')
  assert.match(fault('${credential:es.password}'), /needs \$CREDENTIALS_DIRECTORY/)
  for (const name of ['../c/es.password', '..', 'a/b', '.x'])
    assert.match(fault(`\${credential:${name}}`, { CREDENTIALS_DIRECTORY: dir }), /cannot be the name of a credential/)
})

test('keys and sections for anchors are left as they are', () => {
  const { root, problems } = expanded('x-base: ${UNSET}\n${K}: 1')
  assert.deepEqual(problems, [])
  assert.deepEqual(plainData(root), { 'x-base': '${UNSET}', '${K}': 1 })
})
