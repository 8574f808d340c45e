import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { makeRecords } from '../../test/lib/records.ts'
import type { Context, Output } from '../core/component.ts'
import { readFields } from '../core/field.ts'
import { makeParcel } from '../core/parcel.ts'
import { file } from './file.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function open(t: TestContext, configDir: string, options: object = {}): Output {
  const values = readFields(file.fields, { path: 'out.ndjson', ...options }, (path, message) =>
    assert.fail(path + message)
  )
  const output = file.build(values!, { configDir } as Context)
  t.after(() => output.close())
  return output
}

const signal = new AbortController().signal
async function send(output: Output, ...docs: object[]): Promise<void> {
  const records = makeRecords({ docs })
  await output.send(makeParcel([{ records, from: 0, to: docs.length }]), signal)
}
const lines = (path: string): unknown[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line) as unknown)

test('records are appended as lines, and a later start goes on', async t => {
  const dir = folder(t)
  const first = open(t, dir)
  await send(first, { n: 1 }, { n: 2 })
  await first.close()
  await send(open(t, dir), { n: 3 })
  assert.deepEqual(lines(join(dir, 'out.ndjson')), [{ n: 1 }, { n: 2 }, { n: 3 }])
})

test('it is rotated by size, and so many old files are kept', async t => {
  const dir = folder(t)
  const output = open(t, dir, { max_bytes: 100, keep: 2 })
  for (let n = 0; n < 9; n++) await send(output, { n, pad: 'x'.repeat(30) })
  assert.deepEqual(readdirSync(dir).sort(), ['out.ndjson', 'out.ndjson.1', 'out.ndjson.2'])
  for (const name of readdirSync(dir)) assert.ok(statSync(join(dir, name)).size <= 100)
  const all = ['out.ndjson.2', 'out.ndjson.1', 'out.ndjson'].flatMap(
    name => lines(join(dir, name)) as Array<{ n: number }>
  )
  assert.deepEqual(
    all.map(l => l.n),
    Array.from({ length: all.length }, (_, i) => 9 - all.length + i)
  )
})

test('a torn last line is cut, a whole one without its newline completed, and a foreign text kept', async t => {
  const dir = folder(t)
  const path = join(dir, 'out.ndjson')
  for (const [before, after] of [
    ['{"n":1}\n{"n":2,"te', '{"n":1}\n{"n":3}\n'],
    ['{"torn', '{"n":3}\n'],
    ['{"n":1}\n{"n":2}', '{"n":1}\n{"n":2}\n{"n":3}\n'],
    ['a note of somebody', 'a note of somebody\n{"n":3}\n'],
    [`{"n":1}\n{"long":"${'x'.repeat(200_000)}`, '{"n":1}\n{"n":3}\n']
  ] as const) {
    writeFileSync(path, before)
    const output = open(t, dir)
    await send(output, { n: 3 })
    await output.close()
    assert.equal(readFileSync(path, 'utf8'), after)
  }
})

test('a file that logrotate moved away is begun anew', async t => {
  const dir = folder(t)
  const output = open(t, dir)
  await send(output, { n: 1 })
  renameSync(join(dir, 'out.ndjson'), join(dir, 'old'))
  await send(output, { n: 2 })
  assert.deepEqual([lines(join(dir, 'old')), lines(join(dir, 'out.ndjson'))], [[{ n: 1 }], [{ n: 2 }]])
})

test('on a full disk nothing is acknowledged and no line is torn; with room again it goes on by itself', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  let mounted = false
  t.after(() => {
    if (mounted) execFileSync('umount', ['-l', dir])
    rmSync(dir, { recursive: true, force: true })
  })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', dir], { stdio: 'ignore' })
    mounted = true
  } catch {
    return t.skip('needs the right to mount a small file system')
  }
  const output = open(t, dir)
  await send(output, { n: 1 })
  writeFileSync(join(dir, 'ballast'), Buffer.alloc(50_000))
  const records = makeRecords({ docs: Array.from({ length: 40 }, (_, n) => ({ n, pad: 'x'.repeat(1000) })) })
  const parcel = makeParcel([{ records, from: 0, to: 40 }])
  await assert.rejects(output.send(parcel, signal), { code: 'STORAGE', retryable: true })
  await assert.rejects(output.send(parcel, signal), { code: 'STORAGE' })
  assert.deepEqual(lines(join(dir, 'out.ndjson')), [{ n: 1 }])
  rmSync(join(dir, 'ballast'))
  await output.send(parcel, signal)
  assert.equal(lines(join(dir, 'out.ndjson')).length, 41)
})

test('a folder that is missing is made', async t => {
  const dir = folder(t)
  await send(open(t, dir, { path: 'a/b/out.ndjson' }), { n: 1 })
  assert.deepEqual(lines(join(dir, 'a/b/out.ndjson')), [{ n: 1 }])
})

test('/dev/null takes records, although nothing of it can be synced', async t => {
  await send(open(t, folder(t), { path: '/dev/null' }), { n: 1 }, { n: 2 })
})
