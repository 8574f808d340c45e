import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { FirstBytes } from './first-bytes.ts'
import { NO_HEAD, checkpointOf, headOf } from './identity.ts'

/** A folder of files, the later ones younger by a second each; and how many were opened. */
function folderOf(t: TestContext, files: Record<string, Buffer | string>) {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  let second = 1000
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(join(folder, name), bytes)
    utimesSync(join(folder, name), second, second++)
  }
  const stats = new Map(readdirSync(folder).map(name => [name, statSync(join(folder, name))]))
  const opened = { count: 0 }
  return { firsts: new FirstBytes(folder, stats, () => opened.count++), opened }
}

const read = (text: string, at: number) => ({
  head: headOf(Buffer.from(text.slice(0, 1024))),
  checkpoints: [checkpointOf(Buffer.from(text.slice(0, at)), at)],
  copied: NO_HEAD
})

test('a thousand streams that ask about a hundred files open each of them once', async t => {
  const files = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, `file ${i}\n`.repeat(200)]))
  const { firsts, opened } = folderOf(t, files)
  for (let i = 0; i < 1000; i++) {
    const expected = i < 100 ? [`f${i}`] : []
    assert.deepEqual(await firsts.mayHold(read(`file ${i}\n`.repeat(200), 500), 0), expected)
  }
  assert.equal(opened.count, 100)
})

test('a compressed file is known by what is within, whatever length of its beginning is known', async t => {
  const text = 'a line of it\n'.repeat(50)
  const { firsts } = folderOf(t, { 'a.gz': gzipSync(text), 'b.gz': gzipSync('something else\n'), 'c.gz': 'no gzip' })
  for (const n of [1, 13, 300, text.length])
    assert.deepEqual(await firsts.mayHold(read(text.slice(0, n), n), 0), ['a.gz'])
})

test('a file that ends before the fingerprint may be a copy only when a position was noted within it', async t => {
  const text = 'a line of it\n'.repeat(50)
  const { firsts } = folderOf(t, { short: text.slice(0, 260) })
  assert.deepEqual(await firsts.mayHold(read(text, 650), 0), [])
  assert.deepEqual(await firsts.mayHold(read(text, 260), 0), ['short'])
})

test('files that are older than the stream are not opened', async t => {
  const { firsts, opened } = folderOf(t, { old: 'x\n', young: 'x\n', youngest: 'x\n' })
  assert.deepEqual((await firsts.mayHold(read('x\n', 2), 1_001_000)).toSorted(), ['young', 'youngest'])
  assert.equal(opened.count, 2)
  assert.equal((await firsts.mayHold(read('x\n', 2), 0)).length, 3)
})
