// Runs every input of THE LIST through the same life: stopped anywhere, started again, slow outputs, several outputs.
// What was not settled comes again; nothing is missing.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { catalog } from '../src/agent/components.ts'
import type { Batch, Context, Emit, Input } from '../src/core/component.ts'
import { readFields } from '../src/core/field.ts'
import { silentLog } from '../src/core/log.ts'
import { openStateFile } from '../src/core/state-file.ts'
import { memoryState } from '../src/core/state.ts'
import { file } from '../src/input/file.ts'
import { journald } from '../src/input/journald.ts'
import { StdinInput } from '../src/input/stdin.ts'
import { addToJournal, noJournal } from './lib/real/journal.ts'
import { context } from './lib/step.ts'

const LINES = Array.from({ length: 3000 }, (_, i) => `line ${i} ${'é'.repeat(i % 7)}`)
const BYTES = Buffer.from(`${LINES.join('\n')}\n`)

interface Rig {
  /** What it reads holds LINES. */
  prepare(dir: string): void | Promise<void>
  build(dir: string, ctx: Context): Input
  /** False when what was read is gone. */
  readonly resumes: boolean
  /** Why it can't be run on this machine. */
  missing?(): Promise<string | undefined>
}

const RIGS: Readonly<Record<string, Rig>> = {
  file: {
    resumes: true,
    prepare: dir => writeFileSync(join(dir, 'a.log'), BYTES),
    build: (dir, ctx) => {
      const given = { paths: [join(dir, '*.log')], read_bytes: '4KiB', start_at: 'beginning' }
      const options = readFields(file.fields, given, (path, message) => assert.fail(`${path} ${message}`))
      return file.build(options!, ctx)
    }
  },
  journald: {
    resumes: true,
    missing: noJournal,
    prepare: dir =>
      addToJournal(
        join(dir, 'journal'),
        LINES.map(MESSAGE => ({ MESSAGE }))
      ),
    build: (dir, ctx) => {
      const given = { directory: join(dir, 'journal') }
      const options = readFields(journald.fields, given, (path, message) => assert.fail(`${path} ${message}`))
      return journald.build(options!, ctx)
    }
  },
  stdin: {
    resumes: false,
    prepare: () => {},
    build: (_dir, ctx) => {
      const chunks = Array.from({ length: Math.ceil(BYTES.length / 4000) }, (_, i) =>
        BYTES.subarray(i * 4000, (i + 1) * 4000)
      )
      return new StdinInput(Readable.from(chunks, { objectMode: false }), 1024, undefined, ctx)
    }
  }
}

function linesOf({ bytes, bounds, count, events }: Batch): string[] {
  if (events !== undefined) return events.map(event => event['message'] as string)
  return Array.from({ length: count }, (_, i) => bytes.toString('utf8', bounds[i * 2], bounds[i * 2 + 1]))
}

interface World {
  readonly dir: string
  readonly rig: Rig
}

/** undefined, and the test is skipped, where the input can't be run. */
async function world(t: TestContext, rig: Rig): Promise<World | undefined> {
  const missing = await rig.missing?.()
  if (missing !== undefined) return void t.skip(missing)
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  await rig.prepare(dir)
  return { dir, rig }
}

/** One life of the input, to its end or until `emit` aborts. What is in its state then is what the next life finds. */
async function live(
  { dir, rig }: World,
  outputs: readonly string[],
  emit: (batch: Batch, stop: () => void) => Promise<void> | void
): Promise<void> {
  const kept = rig.resumes ? openStateFile(join(dir, 'state.db'), silentLog) : undefined
  const state = kept ?? memoryState()
  const input = rig.build(dir, context({ name: 'in', state, outputs, once: true, dataDir: dir, configDir: dir }))
  const abort = new AbortController()
  let busy = false
  const watched: Emit = async batch => {
    assert.equal(busy, false, 'one batch of a source at a time')
    assert.equal(batch.source.input, 'in')
    assert.equal(rig.resumes, batch.source.id !== '', 'only what can be read again has an identity')
    busy = true
    try {
      await emit(batch, () => abort.abort())
    } finally {
      busy = false
    }
  }
  await input.run(watched, abort.signal)
  assert.equal(input.finite, true, 'under --once it comes to an end')
  state.commit()
  kept?.close()
}

test('every input of the list is run here', () => {
  const listed = catalog.units.inputs.definitions.map(d => d.name as string)
  assert.deepEqual(
    listed.filter(name => RIGS[name] === undefined),
    [],
    'a new input needs a rig'
  )
})

for (const [name, rig] of Object.entries(RIGS)) {
  test(`${name}: read to its end, every line is there once and in order, at its offset`, async t => {
    const got: string[] = []
    const w = await world(t, rig)
    if (w === undefined) return
    let last = -1
    await live(w, ['out'], batch => {
      const { bytes, bounds, offset, count, events, offsets } = batch
      assert.equal(count, events?.length ?? bounds.length / 2)
      for (let i = 0; i < count; i++) {
        if (offsets !== undefined) assert.ok(offsets[i]! > last, 'each entry has an offset of its own')
        last = offsets?.[i] ?? last
        if (events !== undefined) continue
        const line = bytes.subarray(bounds[i * 2], bounds[i * 2 + 1])
        const at = offset + bounds[i * 2]!
        assert.deepEqual(BYTES.subarray(at, at + line.length), line)
      }
      got.push(...linesOf(batch))
      batch.settle('out')
    })
    assert.deepEqual(got, LINES)
  })

  for (const stopAt of [1, 2, 3, 5, 9, 20]) {
    test(`${name}: stopped in batch ${stopAt} and started again, no line is missing`, async t => {
      const w = await world(t, rig)
      if (w === undefined) return
      const got: string[] = []
      const settled: string[] = []
      let batches = 0
      await live(w, ['out'], (batch, stop) => {
        const lines = linesOf(batch)
        got.push(...lines)
        if (++batches === stopAt) return stop()
        settled.push(...lines)
        batch.settle('out')
      })
      assert.deepEqual(got, LINES.slice(0, got.length), 'what was read has no gap')
      if (!rig.resumes) return
      const again: string[] = []
      await live(w, ['out'], batch => {
        again.push(...linesOf(batch))
        batch.settle('out')
      })
      assert.deepEqual(again, LINES.slice(settled.length), 'what was not settled comes again, and nothing else')
    })
  }

  test(`${name}: a line moves on only when every output has settled it`, async t => {
    if (!rig.resumes) return t.skip('it can not be read again')
    const w = await world(t, rig)
    if (w === undefined) return
    let batches = 0
    let slow = 0
    await live(w, ['quick', 'slow'], batch => {
      batch.settle('quick')
      if (++batches > 2) return
      slow += batch.count
      batch.settle('slow')
    })
    const again: string[] = []
    await live(w, ['quick', 'slow'], batch => {
      again.push(...linesOf(batch))
      batch.settle('quick')
      batch.settle('slow')
    })
    assert.deepEqual(again, LINES.slice(slow))
    await live(w, ['quick', 'slow'], () => assert.fail('nothing is left'))
  })

  test(`${name}: answers that come in another order lose nothing`, async t => {
    if (!rig.resumes) return t.skip('it can not be read again')
    const w = await world(t, rig)
    if (w === undefined) return
    const held: Batch[] = []
    const texts: string[][] = []
    await live(w, ['out'], batch => {
      // Its bytes are the input's own once this has returned.
      texts.push(linesOf(batch))
      held.push(batch)
      if (held.length === 6) for (const i of [5, 1, 3, 0, 4]) held[i]!.settle('out')
    })
    const again: string[] = []
    await live(w, ['out'], batch => {
      again.push(...linesOf(batch))
      batch.settle('out')
    })
    const first = texts.slice(0, 2).flat().length
    assert.deepEqual(again.slice(-(LINES.length - first)), LINES.slice(first), 'the third was never settled')
    assert.ok(again.length >= LINES.length - first && again.length <= LINES.length)
  })

  test(`${name}: it ends when the agent stops while an output takes nothing`, async t => {
    const w = await world(t, rig)
    if (w === undefined) return
    await live(w, ['out'], (_batch, stop) => {
      stop()
      // As the wiring does: the offer that waits is given up.
      return Promise.reject(new Error('stopping'))
    })
  })
}
