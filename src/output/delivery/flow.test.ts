// What a delivery does when more comes than goes: `when_full` and `rate_limit`.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { makeRecords } from '../../../test/lib/records.ts'
import type { Output, Parcel, Sent } from '../../core/component.ts'
import { silentInstruments } from '../../core/instruments.ts'
import { silentLog } from '../../core/log.ts'
import { partDocuments } from '../../core/parcel.ts'
import { Delivery } from '../delivery.ts'
import type { DeliveryOptions } from '../delivery.ts'

/** A destination that answers when it is told to. */
class Gate implements Output {
  readonly taken: number[] = []
  readonly open: (() => void)[] = []
  held = true

  async send(parcel: Parcel): Promise<Sent> {
    if (this.held) await new Promise<void>(resolve => this.open.push(resolve))
    for (const part of parcel.parts)
      for (const text of partDocuments(part).toString('utf8').trimEnd().split('\n'))
        this.taken.push((JSON.parse(text) as { n: number }).n)
    return { retry: [], rejected: [] }
  }

  release(): void {
    this.held = false
    for (const go of this.open.splice(0)) go()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

function rig(t: TestContext, more: Partial<DeliveryOptions>) {
  const dataDir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  const clock = manualClock()
  const gate = new Gate()
  const errors: Record<string, unknown>[] = []
  const dropped: number[] = []
  const log = { ...silentLog, error: (data: object) => void errors.push(data as Record<string, unknown>) }
  const instruments: typeof silentInstruments = {
    ...silentInstruments,
    counter: (name, help, labels) =>
      name === 'yarder_output_dropped_total'
        ? { add: n => void dropped.push(n) }
        : silentInstruments.counter(name, help, labels)
  }
  const delivery = new Delivery({
    type: 'gate',
    output: gate,
    options: {
      backoff: { init: 1000, max: 60_000 },
      batch: { max_events: 10, max_bytes: 100_000, timeout: 0 },
      in_flight: 1,
      queue_bytes: 1e9,
      queue_events: 30,
      ...more
    },
    context: { name: 'out', log, clock, instruments, dataDir }
  })
  t.after(() => delivery.close())
  delivery.start()
  const settled: number[] = []
  let n = 0
  const offer = (count: number, input = 'app'): { taken: Promise<void>; first: number } => {
    const first = n
    const docs = Array.from({ length: count }, () => ({ n: n++ }))
    const offsets = docs.map(d => d.n)
    const records = makeRecords({ docs, offsets, sourceId: 'f', input, settle: () => void settled.push(first) })
    return { taken: delivery.offer(records), first }
  }
  return { delivery, gate, clock, errors, dropped, settled, offer }
}

const from = (first: number, past: number): number[] => Array.from({ length: past - first }, (_, i) => first + i)
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

test('drop_newest: what comes while the queue is full is left out, counted and settled; the rest arrives in order', async t => {
  const r = rig(t, { when_full: 'drop_newest' })
  for (let i = 0; i < 5; i++) await r.offer(10).taken
  assert.equal(r.delivery.full, false, 'nobody waits for it')
  assert.deepEqual(r.dropped, [10, 10])
  assert.deepEqual(r.settled, [30, 40])
  assert.deepEqual(r.errors, [{ records: 10, when_full: 'drop_newest' }], 'told once, not for each')
  r.gate.release()
  await t.waitFor(() => assert.equal(r.gate.taken.length, 30))
  assert.deepEqual(r.gate.taken, from(0, 30))
  await t.waitFor(() =>
    assert.deepEqual(
      [...r.settled].sort((a, b) => a - b),
      [0, 10, 20, 30, 40]
    )
  )
})

test('drop_oldest: what has waited longest is left out, but nothing that is under way; the newest arrives', async t => {
  const r = rig(t, { when_full: 'drop_oldest' })
  await turn()
  for (let i = 0; i < 6; i++) await r.offer(10).taken
  assert.equal(r.delivery.full, false)
  assert.equal(
    r.dropped.reduce((a, b) => a + b),
    40
  )
  assert.deepEqual(r.settled, [10, 20, 30, 40], 'the first is under way')
  r.gate.release()
  await t.waitFor(() => assert.equal(r.gate.taken.length, 20))
  assert.deepEqual(r.gate.taken, [...from(0, 10), ...from(50, 60)])
})

for (const when_full of ['block', 'detach'] as const)
  test(`${when_full}: nothing is dropped, and room is told when there is some`, async t => {
    const r = rig(t, { when_full })
    for (let i = 0; i < 2; i++) await r.offer(10).taken
    const third = r.offer(10).taken
    assert.equal(r.delivery.full, true)
    assert.equal(r.delivery.detaches, when_full === 'detach')
    let waiting = true
    void third.then(() => (waiting = false))
    await turn()
    assert.equal(waiting, true)
    r.gate.release()
    await third
    await t.waitFor(() => assert.deepEqual(r.gate.taken, from(0, 30)))
    assert.deepEqual(r.dropped, [])
  })

test('rate_limit: a second of records goes at once, the rest as fast as it allows, in order and never more', async t => {
  const r = rig(t, { rate_limit: { unit: 'records', perSecond: 10 }, queue_events: 1000 })
  r.gate.release()
  await r.offer(50).taken
  for (let ms = 0; ms <= 4000; ms += 100) {
    await r.clock.advance(ms === 0 ? 0 : 100)
    assert.ok(r.gate.taken.length <= 10 + ms / 100, `${r.gate.taken.length} after ${ms} ms`)
    if (ms % 1000 === 0) assert.ok(r.gate.taken.length >= 10 + ms / 100 - 2, `${r.gate.taken.length} after ${ms} ms`)
  }
  await r.clock.advance(300)
  assert.deepEqual(r.gate.taken, from(0, 50))
})

test('rate_limit: a stop does not wait for it', async t => {
  const r = rig(t, { rate_limit: { unit: 'records', perSecond: 0.001 }, queue_events: 1000 })
  r.gate.release()
  await r.offer(50).taken
  assert.equal(await r.delivery.drain(10_000), true)
  assert.deepEqual(r.gate.taken, from(0, 50))
})

test('withdraw: what waits of an input is forgotten, what is under way is settled as ever, other inputs are untouched', async t => {
  const r = rig(t, { queue_events: 1000 })
  await r.offer(10).taken
  await r.offer(10).taken
  await r.offer(10, 'other').taken
  let over = false
  const withdrawn = r.delivery.withdraw('app').then(() => (over = true))
  await turn()
  assert.equal(over, false, 'something is under way')
  r.gate.release()
  await withdrawn
  await t.waitFor(() => assert.deepEqual(r.settled, [0, 20]))
  assert.deepEqual(r.gate.taken, [...from(0, 10), ...from(20, 30)])
  assert.equal(r.delivery.unacknowledged, 0)
  await r.offer(5).taken
  await t.waitFor(() => assert.deepEqual(r.settled, [0, 20, 30]))
})
