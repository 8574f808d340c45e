// What a feed leaves behind when it is stopped in the midst of its work.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
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
