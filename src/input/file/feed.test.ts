// What a feed leaves behind when it is stopped in the midst of its work.
import assert from 'node:assert/strict'
import { mkdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Batch } from '../../core/component.ts'
import { Rig } from './rig.ts'

const AGAIN = 'warn What was on its way when the agent ended may be sent again; Elasticsearch takes it once.'
/** More than one batch. */
const LINES = Array.from({ length: 10_000 }, (_, i) => `line ${i}`)

for (const [when, batches] of [
  ['while a chunk was read', 0],
  ['between the batches of a chunk', 1]
] as const) {
  test(`lines that a stop ${when} kept from being handed out come next time, and are not said to come again`, async t => {
    const r = new Rig(t, { start_at: 'beginning' })
    mkdirSync(r.logs)
    writeFileSync(join(r.logs, 'a.log'), LINES.map(line => `${line}\n`).join(''))
    r.start()
    const stop = new AbortController()
    const emit = async (batch: Batch): Promise<void> => {
      await r.emit(batch)
      stop.abort()
    }
    await r.input.look(true)
    const fed = r.input.feed(emit, stop.signal)
    if (batches === 0) stop.abort()
    await fed
    const before = r.got.length
    assert.ok(batches === 0 ? before === 0 : before > 0 && before < LINES.length, `${before} lines were handed out`)
    r.balanced()
    await r.stop()
    await r.start().poll()
    assert.deepEqual(r.texts, LINES)
    assert.ok(!r.said.includes(AGAIN), r.said.join('\n'))
  })
}

for (const count of [10, LINES.length])
  test(`a batch that a stop refused, as while it waited for rate_limit, comes next time and is not said to come again: ${count} lines`, async t => {
    const all = LINES.slice(0, count)
    const r = new Rig(t, { start_at: 'beginning' })
    mkdirSync(r.logs)
    writeFileSync(join(r.logs, 'a.log'), all.map(line => `${line}\n`).join(''))
    r.start()
    const stop = new AbortController()
    await r.input.look(true)
    const refuse = (): Promise<void> => {
      stop.abort()
      return Promise.reject(stop.signal.reason as Error)
    }
    await r.input.feed(refuse, stop.signal)
    r.balanced()
    await r.stop()
    await r.start().poll()
    assert.deepEqual(r.texts, all)
    assert.ok(!r.said.includes(AGAIN), r.said.join('\n'))
  })

test('a copy whose last chunk a stop kept back is read on next time', async t => {
  const r = new Rig(t, { start_at: 'beginning' })
  mkdirSync(r.logs)
  const path = join(r.logs, 'a.log')
  const [first, rest] = [LINES.slice(0, 5000), LINES.slice(5000)].map(all => all.map(line => `${line}\n`).join(''))
  writeFileSync(path, first!)
  await r.start().poll()
  await r.stop()
  unlinkSync(path)
  writeFileSync(`${path}.1.gz`, gzipSync(`${first}${rest}`))
  r.start()
  const stop = new AbortController()
  const emit = async (batch: Batch): Promise<void> => {
    await r.emit(batch)
    stop.abort()
  }
  // It is looked for when it has been out of sight for a while.
  for (let look = 0; look < 5 && !stop.signal.aborted; look++) {
    await r.input.look(true)
    await r.input.feed(emit, stop.signal)
    r.skew += 1000
  }
  assert.ok(r.got.length > 5000 && r.got.length < LINES.length, `${r.got.length} lines were handed out`)
  await r.stop()
  await r.start().poll(3)
  assert.deepEqual(r.texts, LINES)
})
