import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { makeRecords, NOON } from '../../test/lib/records.ts'
import { DeadLetters, deadLetterPath, listDeadLetters, readDeadLetters } from './dead-letter.ts'
import type { DeadLettersOptions, Refusal } from './dead-letter.ts'

const clock = { now: () => NOON }
const bounds = { max_bytes: 8000, when_full: 'drop_oldest' } as const

function setup(t: TestContext, more: Partial<DeadLettersOptions> = {}): { dataDir: string; letters: DeadLetters } {
  const dataDir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  const letters = new DeadLetters({ dataDir, output: 'elastic', clock, ...more })
  t.after(() => letters.close())
  return { dataDir, letters }
}

function refusal(doc: object | string, more: Partial<Refusal> = {}, offset = 42): Refusal {
  const records = makeRecords({ docs: [doc], offset, sourceId: 'k3f' })
  return {
    records,
    row: 0,
    reason: 'mapper [x] of different type',
    status: 400,
    target: 'logstash-2026.11.22',
    id: undefined,
    ...more
  }
}

const read = (dataDir: string): Promise<Array<{ document: unknown }>> =>
  Array.fromAsync(readDeadLetters(dataDir, 'elastic'))

test('a letter says what, where from, whereto and why, and only its owner may read it', async t => {
  const { dataDir, letters } = setup(t)
  await letters.write([refusal('{"n":12345678901234567890,"m":"ü"}')])
  const file = deadLetterPath(dataDir, 'elastic')
  assert.equal(
    readFileSync(file, 'utf8'),
    '{"at":"2026-11-22T12:00:00.000Z","output":"elastic","reason":"mapper [x] of different type","status":400,' +
      '"target":"logstash-2026.11.22","id":"k3f-42","input":"app","path":"/var/log/app.log","offset":42,' +
      '"time":"2026-11-22T12:00:00.000Z","document":{"n":12345678901234567890,"m":"ü"}}\n'
  )
  assert.equal(statSync(file).mode & 0o777, 0o600)
})

test('they are listed by output, read oldest first, and dropped; the next one begins a new file', async t => {
  const { dataDir, letters } = setup(t, { bounds })
  for (let n = 0; n < 15; n++) await letters.write([refusal({ n, pad: 'x'.repeat(200) })])
  const listed = await listDeadLetters(dataDir)
  assert.deepEqual(
    listed.map(l => l.output),
    ['elastic']
  )
  assert.ok(listed[0]!.files.length > 1 && listed[0]!.bytes < 9000)
  assert.deepEqual(
    (await read(dataDir)).map(l => (l.document as { n: number }).n),
    Array.from({ length: 15 }, (_, n) => n)
  )
  await letters.drop({})
  assert.deepEqual(await read(dataDir), [])
  await letters.write([refusal({ n: 99 })])
  assert.deepEqual(
    (await read(dataDir)).map(l => l.document),
    [{ n: 99 }]
  )
  assert.deepEqual(await listDeadLetters(join(dataDir, 'none')), [])
})

test('the bound removes the oldest, and says so', async t => {
  const removed: number[] = []
  const { dataDir, letters } = setup(t, { bounds, onRemoved: (_file, _letters, bytes) => removed.push(bytes) })
  for (let n = 0; n < 60; n++) await letters.write([refusal({ n, pad: 'x'.repeat(200) })])
  assert.ok(removed.length > 0)
  const kept = (await read(dataDir)).map(l => (l.document as { n: number }).n)
  assert.equal(kept.at(-1), 59)
  assert.ok(kept.length < 60 && kept.length >= 10)
  assert.deepEqual(
    kept,
    Array.from({ length: kept.length }, (_, i) => 60 - kept.length + i)
  )
})

test('a letter that a crash cut short glues to nothing', async t => {
  const { dataDir, letters } = setup(t)
  await letters.write([refusal({ n: 1 }), refusal({ n: 2 })])
  await letters.close()
  const file = deadLetterPath(dataDir, 'elastic')
  truncateSync(file, statSync(file).size - 7)
  const again = new DeadLetters({ dataDir, output: 'elastic', clock })
  t.after(() => again.close())
  await again.write([refusal({ n: 3 }, {}, 43)])
  assert.deepEqual(
    (await read(dataDir)).map(l => l.document),
    [{ n: 1 }, { n: 3 }]
  )
})

test('a file that was taken away while the agent runs is begun anew', async t => {
  const { dataDir, letters } = setup(t)
  await letters.write([refusal({ n: 1 })])
  rmSync(deadLetterPath(dataDir, 'elastic'))
  await letters.write([refusal({ n: 2 })])
  assert.deepEqual(
    (await read(dataDir)).map(l => l.document),
    [{ n: 2 }]
  )
})

test('a write that fails leaves nothing behind, and the next one succeeds when the disk does', async t => {
  const { dataDir, letters } = setup(t)
  appendFileSync(join(dataDir, 'dead-letters'), 'in the way')
  await assert.rejects(letters.write([refusal({ n: 1 })]), { code: 'STORAGE' })
  rmSync(join(dataDir, 'dead-letters'))
  await letters.write([refusal({ n: 2 })])
  assert.deepEqual(
    (await read(dataDir)).map(l => l.document),
    [{ n: 2 }]
  )
})

test('the name of an output leads to no other folder', t => {
  const { dataDir } = setup(t)
  assert.equal(deadLetterPath(dataDir, '../../etc/x'), join(dataDir, 'dead-letters', '..%2F..%2Fetc%2Fx.ndjson'))
  assert.equal(existsSync(join(dataDir, 'dead-letters')), false)
})
