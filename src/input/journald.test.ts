import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { addToJournal, FROM, noJournal } from '../../test/lib/real/journal.ts'
import { context } from '../../test/lib/step.ts'
import type { Batch, Context, Emit, Input } from '../core/component.ts'
import { readFields } from '../core/field.ts'
import { silentLog } from '../core/log.ts'
import type { Log } from '../core/log.ts'
import { memoryState } from '../core/state.ts'
import type { State } from '../core/state.ts'
import { journald } from './journald.ts'

function build(given: Record<string, unknown>, over: Partial<Context> = {}): Input {
  const options = readFields(journald.fields, given, (path, message) => assert.fail(`${path} ${message}`))
  return journald.build(options!, context({ name: 'in', outputs: ['out'], ...over }))
}

const faults = (given: Record<string, unknown>): string[] => {
  const out: string[] = []
  readFields(journald.fields, given, (path, message) => out.push(`${path}: ${message}`))
  return out
}

function listen(): { log: Log; lines: string[]; said(what: string): Promise<void> } {
  const lines: string[] = []
  let changed = Promise.withResolvers<void>()
  const hear = (data: object, message: string): void => {
    lines.push(`${message} ${JSON.stringify(data)}`)
    changed.resolve()
    changed = Promise.withResolvers<void>()
  }
  const log: Log = { ...silentLog, error: hear, warn: hear, info: hear, child: () => log }
  const said = async (what: string): Promise<void> => {
    while (!lines.some(line => line.includes(what))) await changed.promise
  }
  return { log, lines, said }
}

async function journal(t: TestContext, count: number): Promise<string | undefined> {
  const missing = await noJournal()
  if (missing !== undefined) return void t.skip(missing)
  const folder = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await addToJournal(
    folder,
    Array.from({ length: count }, (_, i) => ({ MESSAGE: `line ${i}` }))
  )
  return folder
}

test('what would be taken for an option of journalctl is refused', () => {
  assert.equal(faults({ units: ['--output=json'] }).length, 1)
  assert.equal(faults({ identifiers: ['-x'] }).length, 1)
  assert.equal(faults({ matches: ['--file=/x'] }).length, 1)
  assert.equal(faults({ priority: 'loud' }).length, 1)
  assert.deepEqual(faults({ units: ['nginx', 'hello-*'], since: '-1h', matches: ['_UID=0'], priority: 'err' }), [])
})

test('a host without journalctl is told once, with the reason, and the input goes on trying', async t => {
  const { PATH = '' } = process.env
  process.env['PATH'] = '/nonexistent'
  t.after(() => (process.env['PATH'] = PATH))
  const heard = listen()
  const input = build({}, { log: heard.log })
  const abort = new AbortController()
  const ran = input.run(() => assert.fail(), abort.signal)
  await heard.said('The journal cannot be read')
  assert.match(heard.lines.join('\n'), /ENOENT/)
  assert.match(input.describe!().message, /journalctl/)
  abort.abort()
  await ran
  assert.equal(heard.lines.length, 1)
})

test('a journal that breaks again and again is told once, and waits grow', async t => {
  const folder = await journal(t, 1)
  if (folder === undefined) return
  const heard = listen()
  const waits: number[] = []
  const abort = new AbortController()
  const clock = {
    now: () => Date.now(),
    elapsed: () => 0,
    wait: (ms: number) => {
      waits.push(ms)
      if (waits.length === 9) abort.abort()
      return Promise.resolve()
    }
  }
  const input = build({ directory: folder, since: 'no time at all', start_at: 'beginning' }, { log: heard.log, clock })
  await input.run(() => assert.fail(), abort.signal)
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
  assert.equal(heard.lines.length, 1, heard.lines.join('\n'))
  assert.match(heard.lines[0]!, /Failed to parse timestamp/)
})

test('from the end: what stands there is left out, what comes is read, and nothing between two runs is missed', async t => {
  const folder = await journal(t, 5)
  if (folder === undefined) return
  const state = memoryState()
  const got: string[] = []
  async function life(then: () => Promise<void>, enough: number): Promise<void> {
    const abort = new AbortController()
    const opened = Promise.withResolvers<void>()
    const counting = { ...state, commit: () => (opened.resolve(), state.commit()) }
    const input = build({ directory: folder, units: [] }, { state: counting })
    const ran = input.run(batch => {
      got.push(...messages(batch))
      batch.settle('out')
      if (got.length >= enough) abort.abort()
      return Promise.resolve()
    }, abort.signal)
    if (enough === 1) await opened.promise
    await then()
    await ran
    state.commit()
  }
  await life(() => addToJournal(folder, [{ MESSAGE: 'new' }], { from: Date.now() * 1000 }), 1)
  await addToJournal(folder, [{ MESSAGE: 'while away' }], { from: Date.now() * 1000 })
  await life(() => Promise.resolve(), 2)
  assert.deepEqual(got, ['new', 'while away'])
})

test('a damaged file is told once and left out, and the others are read', async t => {
  const folder = await journal(t, 3)
  if (folder === undefined) return
  await addToJournal(folder, [{ MESSAGE: 'of another' }], { file: 'b' })
  truncateSync(join(folder, 'a.journal'), 100_000)
  const heard = listen()
  const got: string[] = []
  const input = build({ directory: folder }, { log: heard.log, once: true })
  await input.run(batch => {
    got.push(...messages(batch))
    batch.settle('out')
    return Promise.resolve()
  }, new AbortController().signal)
  assert.deepEqual(got, ['of another'])
  assert.equal(heard.lines.length, 1, heard.lines.join('\n'))
  assert.match(heard.lines[0]!, /A part of the journal cannot be read and is left out\..*a\.journal/)
})

/** Takes each batch for `a`, `b` and the metrics, as the agent would. */
function takeAll(got: Record<string, string[]>): Emit {
  return batch => {
    const { only, behind = [] } = batch
    if (only === undefined) {
      got['metrics']!.push(...messages(batch))
      batch.counted!(batch.count)
    }
    for (const output of ['a', 'b']) {
      if (only === undefined ? behind.includes(output) : only !== output) continue
      got[output]!.push(...messages(batch))
      batch.settle(output)
    }
    return Promise.resolve()
  }
}

/** Stops while the second batch waits and `b`, which had no room for the first one, has read both on its own. */
async function stopBetween(folder: string, state: State): Promise<Record<string, string[]>> {
  const got: Record<string, string[]> = { a: [], b: [], metrics: [] }
  const take = takeAll(got)
  const stop = new AbortController()
  const both = Promise.withResolvers<void>()
  let wanted = 0
  let nth = 0
  const input = build({ directory: folder, start_at: 'beginning' }, { outputs: ['a', 'b'], metered: true, state })
  await input.run(async batch => {
    if (batch.only !== undefined) {
      await take(batch)
      if (got['b']!.length === wanted) both.resolve()
      return
    }
    if (nth++ === 0) {
      batch.decline!('b')
      return take({ ...batch, behind: ['b'] })
    }
    wanted = got['a']!.length + batch.count
    if (got['b']!.length < wanted) await both.promise
    stop.abort()
    throw new Error('stopping')
  }, stop.signal)
  state.commit()
  return got
}

test('an output that read ahead of the metrics on its own: what it had is counted after a stop, and none has it twice', async t => {
  const folder = await journal(t, 1500)
  if (folder === undefined) return
  const state = memoryState()
  const got = await stopBetween(folder, state)
  assert.deepEqual(got['metrics'], got['a'])
  assert.ok(got['b']!.length > got['a']!.length, 'it is ahead')
  const take = takeAll(got)
  const stop = new AbortController()
  await build({ directory: folder }, { outputs: ['a', 'b'], metered: true, state }).run(async batch => {
    await take(batch)
    if (got['a']!.length >= 1500) stop.abort()
  }, stop.signal)
  const all = Array.from({ length: 1500 }, (_, i) => `line ${i}`)
  assert.deepEqual(got, { a: all, b: all, metrics: all })
})

/** Reads until there are so many messages in all, then runs `then`, and stops. */
async function readUntil(input: Input, got: string[], enough: number, then?: () => Promise<void>): Promise<void> {
  const stop = new AbortController()
  const reached = Promise.withResolvers<void>()
  const ran = input.run(batch => {
    got.push(...messages(batch))
    batch.settle('out')
    if (got.length >= enough) reached.resolve()
    return Promise.resolve()
  }, stop.signal)
  await reached.promise
  await then?.()
  stop.abort()
  await ran
}

test('an entry that was deleted is told as a loss when the journal begins behind it, and not when it goes back further', async t => {
  for (const [deleted, loss] of [
    [['b'], false],
    [['a', 'b'], true]
  ] as const) {
    const folder = await journal(t, 3)
    if (folder === undefined) return
    const state = memoryState()
    const got: string[] = []
    const heard = listen()
    const make = (): Input => build({ directory: folder, start_at: 'beginning' }, { state, log: heard.log })
    await addToJournal(folder, [{ MESSAGE: 'line 3' }], { file: 'b', boot: 'b'.repeat(32), from: FROM + 1e9 })
    const input = make()
    await readUntil(input, got, 4)
    assert.deepEqual(heard.lines, [])
    assert.equal(input.describe!().message, 'reading the journal, up to 2026-11-22T12:16:40.000Z')
    for (const name of deleted) rmSync(join(folder, `${name}.journal`))
    await addToJournal(folder, [{ MESSAGE: 'line 4' }], { file: 'c', boot: 'c'.repeat(32), from: FROM + 2e9 })
    await readUntil(make(), got, 5)
    assert.deepEqual(got, ['line 0', 'line 1', 'line 2', 'line 3', 'line 4'])
    assert.equal(heard.lines.length, 1)
    assert.equal(
      /before they were read is lost.*"until":"2026-11-22T12:33:20/.test(heard.lines[0]!),
      loss,
      heard.lines[0]
    )
    assert.equal(/goes back further/.test(heard.lines[0]!), !loss, heard.lines[0]!)
  }
})

test('the last entry of a quiet unit may be deleted: nothing is lost as long as the journal goes back to the last look', async t => {
  for (const looks of [true, false]) {
    const folder = await journal(t, 0)
    if (folder === undefined) return
    const quiet = { _SYSTEMD_UNIT: 'quiet.service' }
    await addToJournal(folder, [{ ...quiet, MESSAGE: 'first' }])
    await addToJournal(folder, [{ MESSAGE: 'of others' }], { file: 'b', boot: 'b'.repeat(32), from: FROM + 1e9 })
    const state = memoryState()
    const got: string[] = []
    const heard = listen()
    const hour = Promise.withResolvers<void>()
    const looked = Promise.withResolvers<void>()
    let waits = 0
    const clock = {
      now: () => FROM / 1000 + 2e6,
      elapsed: () => 0,
      wait: (_ms: number, signal?: AbortSignal) => {
        // The second wait begins when the look is over.
        if (looks && waits++ === 0) return hour.promise
        looked.resolve()
        return new Promise<void>(resolve => signal?.addEventListener('abort', () => resolve()))
      }
    }
    const make = (): Input =>
      build(
        { directory: folder, start_at: 'beginning', matches: ['_SYSTEMD_UNIT=quiet.service'] },
        { state, log: heard.log, clock }
      )
    await readUntil(make(), got, 1, () => {
      hour.resolve()
      return looks ? looked.promise : Promise.resolve()
    })
    rmSync(join(folder, 'a.journal'))
    await addToJournal(folder, [{ ...quiet, MESSAGE: 'second' }], { file: 'c', boot: 'c'.repeat(32), from: FROM + 3e9 })
    await readUntil(make(), got, 2)
    assert.deepEqual(got, ['first', 'second'])
    assert.equal(heard.lines.length, 1)
    assert.equal(/is lost/.test(heard.lines[0]!), !looks, heard.lines[0]!)
  }
})

const messages = ({ events }: Batch): string[] => events!.map(event => event['message'] as string)
