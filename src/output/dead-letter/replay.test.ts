import assert from 'node:assert/strict'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import fc from 'fast-check'
import { makeRecords, NOON } from '../../../test/lib/records.ts'
import { systemClock } from '../../core/clock.ts'
import type { Output, Parcel, Rejected, Sent } from '../../core/component.ts'
import { silentLog } from '../../core/log.ts'
import { locate, partDocuments } from '../../core/parcel.ts'
import { createStore } from '../../metrics/store.ts'
import { DeadLetters, deadLetterPath, readDeadLetters } from '../dead-letter.ts'
import type { DeadLettersOptions, Refusal } from '../dead-letter.ts'
import { Delivery } from '../delivery.ts'
import type { DeliveryOptions } from '../delivery.ts'
import { unreadablePath } from './files.ts'
import type { DeadLetter } from './letter.ts'

/** Keeps documents by target and id; refuses those that `refuses` names. */
class Destination implements Output {
  readonly target = 'memory'
  readonly docs = new Map<string, string>()
  sends = 0
  duplicates = 0
  refuses: (document: string) => string | undefined = () => undefined
  /** Each send waits for it. */
  gate: Promise<void> = Promise.resolve()

  async send(parcel: Parcel, signal: AbortSignal): Promise<Sent> {
    this.sends++
    const aborted = new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopping'))))
    await Promise.race([this.gate, aborted])
    const rejected: Rejected[] = []
    let duplicates = 0
    for (let index = 0; index < parcel.count; index++) {
      const { records, row } = locate(parcel, index)
      const document = partDocuments({ records, from: row, to: row + 1 })
        .toString('utf8')
        .trimEnd()
      const given = records.given?.[row] ?? {
        id: `${records.batch.source.id}-${records.offsets[row]}`,
        target: 'index'
      }
      const reason = this.refuses(document)
      const key = `${given.target}/${given.id}`
      if (reason !== undefined) rejected.push({ index, reason, status: 400, target: given.target!, id: given.id })
      else if (this.docs.has(key)) duplicates++
      else this.docs.set(key, document)
    }
    this.duplicates += duplicates
    return { retry: [], rejected, duplicates }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

const OPTIONS: DeliveryOptions = {
  backoff: { init: 10, max: 20 },
  batch: { max_events: 50, max_bytes: 100_000, timeout: 1 },
  in_flight: 2,
  queue_bytes: 300_000
}

function folder(t: TestContext): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  return dataDir
}

interface Rig {
  readonly delivery: Delivery
  readonly destination: Destination
  readonly dataDir: string
  ship(name: string, docs: ReadonlyArray<object | string>): Promise<void>
  letters(): Promise<DeadLetter[]>
  metrics(): Promise<Map<string, number>>
}

function rig(t: TestContext, options: Partial<DeliveryOptions> = {}, dataDir = folder(t)): Rig {
  const destination = new Destination()
  const store = createStore()
  const context = { name: 'out', log: silentLog, clock: systemClock, instruments: store.instruments, dataDir }
  const delivery = new Delivery({ type: 'memory', output: destination, options: { ...OPTIONS, ...options }, context })
  t.after(() => delivery.close())
  delivery.start()
  return {
    delivery,
    destination,
    dataDir,
    ship(name, docs) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const offsets = docs.map((_, i) => i)
      void delivery.offer(makeRecords({ docs, offsets, sourceId: name, settle: () => resolve() }))
      return promise
    },
    letters: () => Array.fromAsync(readDeadLetters(dataDir, 'out')),
    async metrics() {
      const values = new Map<string, number>()
      for (const family of await store.read())
        for (const sample of family.samples)
          values.set([sample.name, ...Object.values(sample.labels)].join(' '), sample.value)
      return values
    }
  }
}

const numbered = (count: number): object[] => Array.from({ length: count }, (_, n) => ({ n }))

test('a replay sends every letter as it was, to where it was, and none is left', async t => {
  const r = rig(t)
  r.destination.refuses = () => 'failed to parse field [n] of type [date]'
  await r.ship('a', ['{"n":12345678901234567890}', ...numbered(200)])
  assert.equal((await r.letters()).length, 201)
  r.destination.refuses = () => undefined
  const report = await r.delivery.replay({})
  assert.deepEqual([report.state, report.selected, report.done, report.refused], ['done', 201, 201, 0])
  assert.equal(r.destination.docs.size, 201)
  assert.equal(r.destination.docs.get('index/a-0'), '{"n":12345678901234567890}')
  assert.equal(r.destination.docs.get('index/a-200'), '{"n":199}')
  assert.deepEqual(await r.letters(), [])
  assert.deepEqual(readdirSync(join(r.dataDir, 'dead-letters')), [])
  const again = await r.delivery.replay({})
  assert.deepEqual([again.state, again.selected, r.destination.duplicates], ['done', 0, 0])
})

test('what is refused again stays one letter, with the new reason and what is known of its source', async t => {
  const r = rig(t)
  r.destination.refuses = () => 'first'
  await r.ship('a', numbered(120))
  r.destination.refuses = document => (document.endsWith('7}') ? 'second' : undefined)
  const report = await r.delivery.replay({})
  assert.deepEqual([report.state, report.done, report.refused], ['done', 108, 12])
  const letters = await r.letters()
  assert.equal(letters.length, 12)
  const { id, reason, tries, path, input, offset, time } = letters[0]!
  assert.deepEqual(
    { id, reason, tries, path, input, offset, time },
    {
      id: 'a-7',
      reason: 'second',
      tries: 2,
      path: '/var/log/app.log',
      input: 'app',
      offset: 7,
      time: '2026-11-22T12:00:00.000Z'
    }
  )
  await r.delivery.replay({})
  assert.deepEqual(
    (await r.letters()).map(l => l.tries),
    letters.map(() => 3)
  )
})

test('only selected letters are replayed or dropped', async t => {
  const r = rig(t)
  r.destination.refuses = document => `no ${document}`
  await r.ship('a', numbered(10))
  await r.ship('b', numbered(10))
  r.destination.refuses = () => undefined
  assert.equal((await r.delivery.replay({ ids: ['a-3', 'b-4', 'c-5'] })).done, 2)
  assert.equal((await r.delivery.deadLetters.drop({ reason: '"n":1}' })).done, 2)
  assert.equal((await r.delivery.deadLetters.drop({ path: '/var/log/*.log', until: 1 })).done, 0)
  assert.equal((await r.delivery.deadLetters.drop({ input: 'other' })).done, 0)
  const left = (await r.letters()).map(l => l.id)
  assert.equal(left.length, 16)
  for (const id of ['a-3', 'b-4', 'a-1', 'b-1']) assert.ok(!left.includes(id), id)
  assert.equal((await r.delivery.deadLetters.drop({ path: '/var/*/app.log', since: 1 })).done, 16)
  assert.deepEqual(await r.letters(), [])
})

test('letters that come while a replay is under way are kept, and wait for the next one', async t => {
  const r = rig(t)
  r.destination.refuses = () => 'first'
  await r.ship('a', numbered(100))
  r.destination.refuses = document => (document.includes('"new"') ? 'second' : undefined)
  const gate = Promise.withResolvers<void>()
  r.destination.gate = gate.promise
  const replay = r.delivery.replay({})
  await t.waitFor(() => assert.ok(r.delivery.deadLetters.job!.selected > 0), { timeout: 10_000 })
  const shipped = Array.from({ length: 20 }, (_, n) => r.ship(`new${n}`, [{ new: n }]))
  await assert.rejects(r.delivery.replay({}), { code: 'USAGE', message: /is under way/ })
  gate.resolve()
  await Promise.all(shipped)
  assert.deepEqual([(await replay).done, (await replay).refused], [100, 0])
  assert.equal((await r.letters()).length, 20)
})

test('a damaged line is put aside and told; the letters around it are replayed', async t => {
  const r = rig(t)
  r.destination.refuses = () => 'no'
  await r.ship('a', numbered(3))
  const path = deadLetterPath(r.dataDir, 'out')
  const lines = readFileSync(path, 'utf8').split('\n')
  lines[1] = lines[1]!.replace('"reason"', '"reason\u0002')
  writeFileSync(path, lines.join('\n'))
  r.destination.refuses = () => undefined
  const report = await r.delivery.replay({})
  assert.deepEqual([report.state, report.done, report.unreadable], ['done', 2, 1])
  assert.equal(readFileSync(unreadablePath(r.dataDir, 'out'), 'utf8'), `${lines[1]}\n`)
  assert.deepEqual([...r.destination.docs.keys()], ['index/a-0', 'index/a-2'])
  assert.equal(existsSync(path), false)
})

test('a last line that a crash cut short is no letter and hinders nothing', async t => {
  const dataDir = folder(t)
  const first = rig(t, {}, dataDir)
  first.destination.refuses = () => 'no'
  await first.ship('a', numbered(3))
  await first.delivery.close()
  const path = deadLetterPath(dataDir, 'out')
  appendFileSync(path, '{"at":"2026-11-22T12:00:00.000Z","output":"ou')
  const second = rig(t, {}, dataDir)
  assert.equal((await second.letters()).length, 3)
  const report = await second.delivery.replay({})
  assert.deepEqual([report.done, report.unreadable], [3, 0])
  second.destination.refuses = () => 'no'
  await second.ship('b', numbered(1))
  assert.deepEqual(
    (await second.letters()).map(l => l.id),
    ['b-0']
  )
})

test('a replay that the agent ends in the middle loses and doubles nothing', async t => {
  const dataDir = folder(t)
  const first = rig(t, {}, dataDir)
  first.destination.refuses = () => 'no'
  await first.ship('a', numbered(500))
  first.destination.refuses = () => undefined
  const replay = first.delivery.replay({})
  while (first.destination.docs.size < 100) await new Promise(resolve => setImmediate(resolve))
  first.destination.gate = new Promise(() => {})
  await first.delivery.close()
  assert.equal((await replay).state, 'stopped')
  const second = rig(t, {}, dataDir)
  for (const [key, document] of first.destination.docs) second.destination.docs.set(key, document)
  const rest = await second.delivery.replay({})
  assert.equal(rest.state, 'done')
  assert.ok(rest.done <= 450, `${rest.done}`)
  assert.equal(second.destination.docs.size, 500)
  assert.deepEqual(await second.letters(), [])
})

test('an output that drops what is too much keeps the letters it did not send', async t => {
  const r = rig(t, { when_full: 'drop_newest', queue_bytes: 10 })
  r.destination.refuses = () => 'no'
  await r.ship('a', numbered(3))
  const gate = Promise.withResolvers<void>()
  r.destination.gate = gate.promise
  r.destination.refuses = () => undefined
  const busy = r.ship('b', numbered(10))
  const report = await r.delivery.replay({})
  assert.deepEqual([report.selected, report.done, report.leftOut], [3, 0, 3])
  assert.equal((await r.letters()).length, 3)
  gate.resolve()
  await busy
  assert.equal((await r.delivery.replay({})).done, 3)
})

function keeper(t: TestContext, more: Partial<DeadLettersOptions> = {}): { dataDir: string; keep: DeadLetters } {
  const dataDir = more.dataDir ?? folder(t)
  const keep = new DeadLetters({ dataDir, output: 'out', clock: { now: () => NOON }, ...more })
  t.after(() => keep.close())
  return { dataDir, keep }
}

function refusal(n: number, bytes = 200): Refusal {
  const records = makeRecords({ docs: [{ n, pad: 'x'.repeat(bytes) }], offset: n, sourceId: 'f' })
  return { records, row: 0, reason: 'no', status: 400, target: 'i', id: undefined }
}

test('with block nothing is removed: what has no room is refused until there is some', async t => {
  const { dataDir, keep } = keeper(t, { bounds: { max_bytes: 4000, when_full: 'block' } })
  let taken = 0
  await assert.rejects(
    async () => {
      for (; taken < 100; taken++) await keep.write([refusal(taken)])
    },
    { code: 'STORAGE', message: /dead_letter\.max_bytes is 4000; replay or drop some/ }
  )
  assert.ok(taken >= 5 && taken < 20, `${taken}`)
  assert.equal((await Array.fromAsync(readDeadLetters(dataDir, 'out'))).length, taken)
  assert.ok(keep.numbers.bytes <= 4000)
  await keep.drop({ ids: ['f-0'] })
  await keep.write([refusal(100)])
  await assert.rejects(keep.write([refusal(101), refusal(102)]), { code: 'STORAGE' })
})

test('with block a full store can still be replayed, also when all of it is refused again', async t => {
  const r = rig(t, { dead_letter: { max_bytes: 4000, when_full: 'block' } })
  r.destination.refuses = () => 'first'
  await r.ship('a', numbered(1))
  const waiting = r.ship('b', numbered(18))
  while (r.destination.sends < 2) await new Promise(resolve => setImmediate(resolve))
  assert.equal(r.delivery.unacknowledged, 18)
  assert.equal((await r.letters()).length, 1)
  r.destination.refuses = () => 'second'
  assert.equal((await r.delivery.replay({})).refused, 1)
  r.destination.refuses = () => undefined
  assert.equal((await r.delivery.replay({})).done, 1)
  await waiting
})

test('with drop_oldest the oldest go, counted in letters and bytes', async t => {
  const store = createStore()
  const removed: number[][] = []
  const { dataDir, keep } = keeper(t, {
    bounds: { max_bytes: 8000, when_full: 'drop_oldest' },
    instruments: store.instruments,
    onRemoved: (_file, letters, bytes) => removed.push([letters, bytes])
  })
  for (let n = 0; n < 100; n++) await keep.write([refusal(n)])
  const left = (await Array.fromAsync(readDeadLetters(dataDir, 'out'))).map(l => l.offset)
  assert.deepEqual(
    left,
    Array.from({ length: left.length }, (_, i) => 100 - left.length + i)
  )
  const letters = removed.reduce((n, [count]) => n + count!, 0)
  assert.equal(letters, 100 - left.length)
  const values = new Map<string, number>()
  for (const family of await store.read()) for (const { name, value } of family.samples) values.set(name, value)
  assert.equal(values.get('yarder_output_dead_letter_removed_total'), letters)
  assert.equal(values.get('yarder_output_dead_letters'), left.length)
  const sizes = readdirSync(join(dataDir, 'dead-letters')).map(f => statSync(join(dataDir, 'dead-letters', f)).size)
  assert.equal(
    values.get('yarder_output_dead_letter_bytes'),
    sizes.reduce((a, b) => a + b)
  )
  assert.ok(keep.numbers.bytes <= 8000)
})

test('a record that is refused anew after a crash has one letter, not two', async t => {
  const { dataDir, keep } = keeper(t)
  await keep.write([refusal(1), refusal(2)])
  await keep.close()
  const again = keeper(t, { dataDir })
  await again.keep.write([refusal(1), refusal(2), refusal(3)])
  const ids = (await Array.fromAsync(readDeadLetters(dataDir, 'out'))).map(l => l.id)
  assert.deepEqual(ids, ['f-1', 'f-2', 'f-3'])
})

test('a crash between the new letter and the end of the old one leaves the new one', async t => {
  const r = rig(t)
  r.destination.refuses = () => 'first'
  await r.ship('a', numbered(2))
  const path = deadLetterPath(r.dataDir, 'out')
  const [line] = readFileSync(path, 'utf8').split('\n')
  appendFileSync(path, `${line!.replace('"first"', '"second"').replace('"document"', '"tries":2,"document"')}\n`)
  assert.deepEqual(
    (await r.letters()).map(l => [l.id, l.reason]),
    [
      ['a-1', 'first'],
      ['a-0', 'second']
    ]
  )
  r.destination.refuses = () => undefined
  assert.equal((await r.delivery.replay({})).done, 2)
  assert.deepEqual([await r.letters(), existsSync(path)], [[], false])
})

test('letters that a killed replay had erased are gone at the next start', async t => {
  const { dataDir, keep } = keeper(t)
  await keep.write([refusal(1), refusal(2), refusal(3)])
  await keep.close()
  const path = deadLetterPath(dataDir, 'out')
  const lines = readFileSync(path, 'utf8').split('\n')
  lines[1] = `\u0018${lines[1]!.slice(1)}`
  writeFileSync(path, lines.join('\n'))
  const again = keeper(t, { dataDir })
  await again.keep.open()
  assert.equal(readFileSync(path, 'utf8'), [lines[0], lines[2], ''].join('\n'))
  assert.equal(again.keep.numbers.letters, 2)
})

test('a record of a stream, which has no identity, gets one with its letter and keeps it', async t => {
  const r = rig(t)
  r.destination.refuses = () => 'no'
  const { promise, resolve } = Promise.withResolvers<void>()
  const records = makeRecords({ docs: [{ n: 1 }], sourceId: '', settle: () => resolve() })
  await r.delivery.deadLetters.write([{ records, row: 0, reason: 'no', status: 400, target: 'i', id: '' }])
  resolve()
  await promise
  const [letter] = await r.letters()
  assert.match(letter!.id, /^letter-[0-9a-f-]{36}$/)
  await r.delivery.replay({})
  assert.equal((await r.letters())[0]!.id, letter!.id)
})

test('numbers say how many letters there are, how large and how old, and are gone with the output', async t => {
  const r = rig(t)
  r.destination.refuses = () => 'no'
  await r.ship('a', numbered(5))
  const before = await r.metrics()
  assert.equal(before.get('yarder_output_dead_letters out'), 5)
  assert.equal(before.get('yarder_output_dead_letter_bytes out'), statSync(deadLetterPath(r.dataDir, 'out')).size)
  assert.ok(before.get('yarder_output_dead_letter_oldest_age_seconds out')! >= 0)
  r.destination.refuses = document => (document === '{"n":1}' ? 'still' : undefined)
  await r.delivery.replay({})
  const after = await r.metrics()
  assert.equal(after.get('yarder_output_dead_letters out'), 1)
  assert.equal(after.get('yarder_output_dead_letter_replayed_total out delivered'), 4)
  assert.equal(after.get('yarder_output_dead_letter_replayed_total out refused'), 1)
  await r.delivery.close()
  assert.equal((await r.metrics()).has('yarder_output_dead_letters out'), false)
})

test('a file with large letters and small ones, cut at any block, is walked through whole', async t => {
  const { dataDir, keep } = keeper(t)
  const sizes = [10, 600_000, 10, 524_288, 524_100, 10, 1_200_000, 10]
  for (const [n, size] of sizes.entries()) await keep.write([refusal(n, size)])
  const read = await Array.fromAsync(readDeadLetters(dataDir, 'out'))
  assert.deepEqual(
    read.map(l => (l.document as { pad: string }).pad.length),
    sizes
  )
  await keep.drop({ ids: ['f-1', 'f-2', 'f-6'] })
  const left = await Array.fromAsync(readDeadLetters(dataDir, 'out'))
  assert.deepEqual(
    left.map(l => l.offset),
    [0, 3, 4, 5, 7]
  )
})

test('dropping works on files of an output that never ran here', async t => {
  const dataDir = folder(t)
  mkdirSync(join(dataDir, 'dead-letters'))
  const { keep } = keeper(t, { dataDir })
  const report = await keep.drop({})
  assert.deepEqual([report.state, report.done], ['done', 0])
})

test('whatever bits are flipped, a replay comes to its end, and every letter that was not hit is delivered', async t => {
  const count = 12
  const places = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(places, async flips => {
      const { dataDir, keep } = keeper(t)
      for (let n = 0; n < count; n++) await keep.write([refusal(n, 20)])
      await keep.close()
      const path = deadLetterPath(dataDir, 'out')
      const bytes = readFileSync(path)
      const ends = [...bytes.entries()].filter(([, byte]) => byte === 10).map(([at]) => at)
      const hit = new Set<number>()
      for (const [place, bit] of flips) {
        const at = place % bytes.length
        const line = ends.findIndex(end => at <= end)
        hit.add(line)
        // Without its newline a line takes the next one along.
        if (bytes[at] === 10) hit.add(line + 1)
        bytes[at]! ^= 1 << bit
      }
      writeFileSync(path, bytes)
      const r = rig(t, {}, dataDir)
      const report = await r.delivery.replay({})
      assert.deepEqual([report.state, report.error], ['done', undefined])
      const stored = [...r.destination.docs.values()].map(text => (JSON.parse(text) as { n: number }).n)
      for (let n = 0; n < count; n++)
        if (!hit.has(n)) assert.ok(stored.includes(n), `letter ${n} of ${flips.join(' ')}`)
      assert.deepEqual(await r.letters(), [])
      const aside = existsSync(unreadablePath(dataDir, 'out')) ? readFileSync(unreadablePath(dataDir, 'out')).length : 0
      assert.ok(report.done + report.unreadable > 0 && report.unreadable > 0 === aside > 0)
      await r.delivery.close()
      rmSync(dataDir, { recursive: true, force: true })
    }),
    { numRuns: 60 }
  )
})

test('letters written while others are dropped, with files rotating and written anew, are all there once', async t => {
  const { dataDir, keep } = keeper(t, { bounds: { max_bytes: 200_000, when_full: 'block' } })
  const total = 600
  let written = 0
  const writer = async (): Promise<void> => {
    while (written < total) {
      const from = written
      written += 3
      await keep.write([refusal(from), refusal(from + 1), refusal(from + 2)])
    }
  }
  const writing = writer()
  let over = false
  void writing.then(() => (over = true))
  while (!over) {
    const ids = Array.from({ length: total / 2 }, (_, n) => `f-${2 * n}`)
    assert.equal((await keep.drop({ ids })).state, 'done')
  }
  await writing
  await keep.drop({ ids: Array.from({ length: total / 2 }, (_, n) => `f-${2 * n}`) })
  const left = (await Array.fromAsync(readDeadLetters(dataDir, 'out'))).map(l => l.offset)
  assert.deepEqual(
    left,
    Array.from({ length: total / 2 }, (_, n) => 2 * n + 1)
  )
  assert.equal(keep.numbers.letters, total / 2)
})
