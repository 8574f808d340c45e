import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Batch, FileLedger } from '../../core/component.ts'
import { Audit, Ledger } from './ledger.ts'
import type { Position } from './ledger.ts'
import { Rig } from './rig.ts'

const NOTHING: FileLedger = { seen: 0, skipped: 0, acked: 0, waiting: 0, unread: 0, leftOut: 0, lost: 0 }
const position = (more: Partial<Position>): Position => ({
  size: 0,
  expected: 0,
  read: 0,
  acked: 0,
  over: false,
  ...more
})

function batch(offset: number, length: number, records: readonly [number, number, cut?: 1][] = [[0, length]]): Batch {
  return {
    source: { input: 'in', id: 'a', path: '/a', constants: {} },
    arrival: 0,
    count: records.length,
    bytes: Buffer.alloc(length),
    bounds: Uint32Array.from(records.flatMap(([start, end]) => [start, end])),
    offset,
    cut: Uint8Array.from(records.map(([, , cut]) => cut ?? 0)),
    settle() {}
  }
}

function rig(t: TestContext, options: Record<string, unknown> = {}): Rig {
  const r = new Rig(t, { start_at: 'beginning', ...options })
  mkdirSync(r.logs)
  return r
}

/** The ledger of the only stream, or of the one with this state. */
const of = (r: Rig, state?: string): FileLedger =>
  r.input.describe().files.find(file => state === undefined || file.state === state)!.ledger!

test('bytes go from unread over waiting to acknowledged', () => {
  const ledger = new Ledger(0)
  assert.deepEqual(ledger.balance(position({ size: 100 })), { ...NOTHING, seen: 100, unread: 100 })
  ledger.due(60)
  ledger.hand(batch(0, 60))
  const read = position({ size: 100, read: 60 })
  assert.deepEqual(ledger.balance(read), { ...NOTHING, seen: 100, waiting: 60, unread: 40 })
  const acked = position({ size: 100, read: 60, acked: 60 })
  assert.deepEqual(ledger.balance(acked), { ...NOTHING, seen: 100, acked: 60, unread: 40 })
  assert.equal(ledger.fault(acked), undefined)
})

test('rests of cut lines and holes are left out, whether they are settled yet or not', () => {
  const ledger = new Ledger(0)
  ledger.due(60)
  ledger.hand(
    batch(0, 60, [
      [0, 9],
      [10, 15, 1],
      [40, 50, 1]
    ])
  )
  ledger.leaveOut(60, 70)
  const parts = { ...NOTHING, seen: 70, leftOut: 25 + 10 + 10 }
  assert.deepEqual(ledger.balance(position({ size: 70, read: 70 })), { ...parts, waiting: 25 })
  assert.deepEqual(ledger.balance(position({ size: 70, read: 70, acked: 70 })), { ...parts, acked: 25 })
})

test('in the midst of a turn nothing is wrong', () => {
  const ledger = new Ledger(0)
  ledger.due(60)
  assert.equal(ledger.fault(position({ size: 60, read: 60 })), undefined)
  ledger.hand(batch(0, 20))
  assert.equal(ledger.fault(position({ size: 60, read: 60 })), undefined)
  ledger.hand(batch(20, 40))
  assert.equal(ledger.fault(position({ size: 60, read: 60 })), undefined)
})

test('whatever does not add up is found, once', () => {
  const wrong = (name: string, at: Partial<Position>, act: (ledger: Ledger) => void = () => {}): void => {
    const ledger = new Ledger(0)
    ledger.due(50)
    ledger.hand(batch(0, 50))
    assert.equal(ledger.fault(position({ size: 100, read: 50, acked: 20 })), undefined)
    act(ledger)
    const now = position({ size: 100, read: 50, acked: 50, ...at })
    assert.equal(ledger.fault(now)?.what, name)
    assert.equal(ledger.fault(now), undefined, 'it is told once')
  }
  wrong('the parts are not the whole', { read: 60 })
  wrong('the parts are not the whole', {}, ledger => ledger.leaveOut(50, 55))
  wrong('the parts are not the whole', { over: true })
  wrong('more was acknowledged than was read', { acked: 51 })
  wrong('what was acknowledged went back', { acked: 19 })
  const overlapping = new Ledger(0)
  overlapping.hand(
    batch(0, 50, [
      [0, 5, 1],
      [60, 5, 1]
    ])
  )
  assert.equal(overlapping.fault(position({ size: 50, read: 50, acked: 50 }))?.what, 'a part is below nothing')
})

test('what was read and never reached an output that was behind is lost, not acknowledged, and counts once', () => {
  const ledger = new Ledger(0)
  ledger.due(100)
  ledger.hand(batch(0, 100))
  ledger.miss(40, 90)
  ledger.miss(60, 100)
  const at = position({ size: 100, read: 100, acked: 100 })
  assert.deepEqual(ledger.balance(at), { ...NOTHING, seen: 100, acked: 40, lost: 60 })
  const next = new Ledger(100)
  next.restore(ledger.row())
  assert.deepEqual(next.balance(at), { ...NOTHING, seen: 100, acked: 40, lost: 60 })
  assert.equal(next.fault(at), undefined)
})

test('a violation is told with all numbers and counted, and the agent goes on', () => {
  const said: unknown[] = []
  let counted = 0
  const instruments = { counter: () => ({ add: (n: number) => void (counted += n) }) }
  const log = { error: (data: unknown, message: string) => void said.push([message, data]) }
  const audit = new Audit({ name: 'in', log, instruments } as never)
  const ledger = new Ledger(10)
  const account = { id: 'x', path: '/a.log', ledger, position: () => position({ size: 100, read: 60, acked: 20 }) }
  audit.look(account)
  audit.look(account)
  assert.equal(counted, 1)
  const parts = { seen: 100, skipped: 10, acked: 10, waiting: -10, unread: 40, leftOut: 0, lost: 0 }
  const rest = { size: 100, read: 60, acked_to: 20, over: false }
  const data = { path: '/a.log', id: 'x', fault: 'the parts are not the whole', ...parts, ...rest }
  assert.deepEqual(said, [['The bytes of a file do not add up.', data]])
})

test('a file that is read: each byte is where it belongs, over a restart as well', async t => {
  const r = rig(t, { max_line_bytes: 16 }).start()
  const path = join(r.logs, 'a.log')
  writeFileSync(path, `one\n${'x'.repeat(30)}\nunterminated`)
  r.settles = false
  await r.poll()
  const parts = { ...NOTHING, seen: 47, leftOut: 15, unread: 12 }
  assert.deepEqual(of(r), { ...parts, waiting: 20 })
  for (const batch of r.held) batch.settle('out')
  assert.deepEqual(of(r), { ...parts, acked: 20 })
  await r.stop()
  r.start()
  await r.poll()
  assert.deepEqual(of(r), { ...parts, acked: 20 })
})

test('what is left out before a position that was set back is not counted twice', async t => {
  const r = rig(t, { max_line_bytes: 16 }).start()
  writeFileSync(join(r.logs, 'a.log'), `${'x'.repeat(30)}\n`)
  await r.poll()
  await r.stop()
  r.start()
  const [[id, row]] = [...r.state.entries('input/in')] as [[string, { pos: object }]]
  r.state.set('input/in', id, { ...row, pos: { out: 0 } })
  await r.input.close()
  r.state.set('input/in', id, { ...row, pos: { out: 0 } })
  await r.startAgain().poll()
  assert.deepEqual(of(r), { ...NOTHING, seen: 31, acked: 16, leftOut: 15 })
})

test('a start at the end skips what stood there', async t => {
  const r = rig(t, { start_at: 'end' })
  writeFileSync(join(r.logs, 'a.log'), 'before\n')
  await r.start().poll()
  appendFileSync(join(r.logs, 'a.log'), 'after\n')
  await r.poll()
  assert.deepEqual(of(r), { ...NOTHING, seen: 13, skipped: 7, acked: 6 })
})

test('what was gone unread is lost, on the books as well; what follows has books of its own', async t => {
  const r = rig(t).start()
  const path = join(r.logs, 'a.log')
  writeFileSync(path, 'one\n')
  await r.poll()
  appendFileSync(path, 'two\nthree\n')
  await r.input.look(true)
  truncateSync(path)
  writeFileSync(path, 'x\n')
  await r.finish()
  assert.deepEqual(of(r, 'done'), { ...NOTHING, seen: 14, acked: 4, lost: 10 })
  assert.deepEqual(of(r, 'idle'), { ...NOTHING, seen: 2, acked: 2 })
})

test('a deleted file that was read and not acknowledged before a crash is not forgotten silently', async t => {
  const r = rig(t, { close_removed: '1s' }).start()
  const path = join(r.logs, 'a.log')
  writeFileSync(path, 'one\n')
  r.settles = false
  await r.poll()
  rmSync(path)
  await r.poll(6)
  assert.equal(r.input.describe().files[0]?.state, 'done')
  r.state.commit()
  await r.kill()
  r.state.close()
  r.settles = true
  await r.start().finish()
  assert.deepEqual(r.lost, { deleted: 4 })
})

test('a rotated file that was read in its compressed copy and not acknowledged before a crash is read again', async t => {
  const { gzipSync } = await import('node:zlib')
  const r = rig(t).start()
  const path = join(r.logs, 'a.log')
  writeFileSync(path, 'one\n')
  await r.poll()
  await r.stop()
  appendFileSync(path, 'two\n')
  renameSync(path, `${path}.1`)
  writeFileSync(`${path}.1.gz`, gzipSync('one\ntwo\n'))
  rmSync(`${path}.1`)
  r.settles = false
  await r.start().finish()
  assert.deepEqual(r.texts, ['one', 'two'])
  r.state.commit()
  await r.kill()
  r.state.close()
  r.settles = true
  await r.start().finish()
  assert.deepEqual(r.texts, ['one', 'two', 'two'])
  assert.deepEqual(r.lost, {})
  assert.deepEqual(of(r), { ...NOTHING, seen: 8, acked: 8 })
})

test('each part is a series per file, and all series go when the input does', async t => {
  const r = rig(t).start()
  const path = join(r.logs, 'a.log')
  writeFileSync(path, 'one\nunterminated')
  await r.poll()
  const parts = (): Record<string, number> => {
    const name = `yarder_input_ledger_bytes{in,${path},`
    const all = [...r.scrape()].filter(([key]) => key.startsWith(name))
    return Object.fromEntries(all.map(([key, value]) => [key.slice(name.length, -1), value]))
  }
  assert.deepEqual(parts(), { skipped: 0, acked: 4, waiting: 0, unread: 12, left_out: 0, lost: 0 })
  assert.equal(r.scrape().get(`yarder_input_seen_bytes{in,${path}}`), 16)
  await r.input.close()
  assert.deepEqual([...r.scrape().keys()], [])
})
