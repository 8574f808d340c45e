// Registries built by hand after the layouts that Filebeat writes; the file input then goes on from what was adopted.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { openStateFile } from '../../core/state-file.ts'
import { applyAdopt, planAdopt } from './adopt.ts'
import type { AdoptingInput, AdoptPlan } from './adopt.ts'
import { readFilebeat } from './filebeat.ts'
import { Rig } from './rig.ts'

const LINE = 16
const lines = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `line ${String(from + i).padStart(10, '0')}`)
const textOf = (from: number, to: number): string =>
  lines(from, to)
    .map(l => `${l}\n`)
    .join('')

interface Beat {
  readonly rig: Rig
  readonly registry: string
  /** Path in the logs' folder. */
  log(name: string): string
  /** Adds a change to log.json. */
  set(key: string, value: unknown): void
  remove(key: string): void
  adopt(options?: Record<string, unknown>, more?: Partial<AdoptingInput>): Promise<AdoptPlan>
}

/** Seconds since the epoch, as Filebeat writes a time; a second from now, since it is written after the file. */
const stamp = (ms = Date.now() + 1000): [number, number] => [(ms % 1000) * 1e6, Math.floor(ms / 1000)]
const native = (path: string): string => `native::${statSync(path).ino}-${statSync(path).dev}`
const logKey = (path: string): string => `filebeat::logs::${native(path)}`
const streamKey = (path: string): string => `filestream::app-logs::${native(path)}`

function logValue(path: string, offset: number, source = path): unknown {
  const { ino: inode, dev: device } = statSync(path)
  const id = native(path)
  return {
    id,
    prev_id: '',
    source,
    timestamp: stamp(),
    ttl: -1,
    type: 'log',
    FileStateOS: { inode, device },
    identifier_name: 'native',
    offset
  }
}

const streamValue = (source: string, offset: number | null, identity = 'native', at = stamp()): unknown => ({
  cursor: offset === null ? null : { offset },
  meta: { source, identifier_name: identity },
  ttl: 1_800_000_000_000,
  updated: at
})

function filebeat(t: TestContext, first = 1): Beat {
  const rig = new Rig(t)
  mkdirSync(rig.logs)
  const registry = join(rig.dir, 'registry', 'filebeat')
  mkdirSync(registry, { recursive: true })
  writeFileSync(join(registry, 'meta.json'), '{"version":"1"}')
  let id = first
  const write = (op: string, data: unknown): void =>
    appendFileSync(join(registry, 'log.json'), `${JSON.stringify({ op, id: id++ })}\n${JSON.stringify(data)}\n`)
  return {
    rig,
    registry,
    log: name => join(rig.logs, name),
    set: (k, v) => write('set', { k, v }),
    remove: k => write('remove', { k }),
    async adopt(options = {}, more = {}) {
      rig.options = options
      const input = {
        name: 'in',
        outputs: rig.outputs,
        exclude: [],
        startAt: 'end',
        maxLineBytes: 1024,
        ignoreOlder: 0
      } as const
      const paths = (options['paths'] as string[] | undefined) ?? [`${rig.logs}/*.log`]
      const plan = await planAdopt(readFilebeat(registry), [{ ...input, paths, ...more }], rig.dir)
      const state = openStateFile(join(rig.dir, 'state.db'), rig.log)
      applyAdopt(state, plan, Date.now())
      state.close()
      rig.start()
      await rig.poll(4)
      return plan
    }
  }
}

const ago = (path: string, seconds: number): void => {
  const at = Date.now() / 1000 - seconds
  utimesSync(path, at, at)
}
const how = (plan: AdoptPlan): string[] =>
  plan.files.map(f => `${f.path.split('/').at(-1)} ${f.offset} ${f.how}`).sort()

test('log and filestream positions are gone on from, with the newest of each file', async t => {
  const { rig, log, set, adopt } = filebeat(t)
  for (const name of ['a.log', 'b.log']) writeFileSync(log(name), textOf(0, 100))
  set(logKey(log('a.log')), logValue(log('a.log'), 10 * LINE))
  set(logKey(log('a.log')), logValue(log('a.log'), 60 * LINE))
  set(streamKey(log('b.log')), streamValue(log('b.log'), null))
  set(streamKey(log('b.log')), streamValue(log('b.log'), 90 * LINE))
  const plan = await adopt()
  assert.deepEqual(how(plan), ['a.log 960 filebeat', 'b.log 1440 filebeat'])
  assert.deepEqual(rig.texts.sort(), [...lines(60, 100), ...lines(90, 100)].sort())
  appendFileSync(log('a.log'), textOf(100, 105))
  await rig.poll(2)
  assert.equal(rig.got.length, 55)
})

test('what lies in a checkpoint counts, older changes in the log do not, removed ones are gone', async t => {
  const { rig, registry, log, set, remove, adopt } = filebeat(t, 6)
  for (const name of ['a.log', 'b.log', 'c.log']) writeFileSync(log(name), textOf(0, 50))
  const row = (name: string, offset: number): object => ({
    _key: streamKey(log(name)),
    ...(streamValue(log(name), offset) as object)
  })
  writeFileSync(join(registry, '3.json'), JSON.stringify([row('c.log', 0)]))
  writeFileSync(
    join(registry, '7.json'),
    `[${JSON.stringify(row('a.log', 320))},\n${JSON.stringify(row('b.log', 160))}\n]`
  )
  writeFileSync(join(registry, 'active.dat'), join(registry, '7.json'))
  set(streamKey(log('a.log')), streamValue(log('a.log'), 16))
  set(streamKey(log('a.log')), streamValue(log('a.log'), 32))
  set(streamKey(log('a.log')), streamValue(log('a.log'), 480))
  remove(streamKey(log('b.log')))
  set('journald::none', { cursor: { version: 1 } })
  appendFileSync(join(registry, 'log.json'), '{"op":"set","id":11}\n{"k":"filestr')
  ago(log('b.log'), 3600)
  ago(log('c.log'), 3600)
  const plan = await adopt()
  assert.deepEqual(how(plan), ['a.log 480 filebeat', 'b.log 800 unknown', 'c.log 800 unknown'])
  assert.deepEqual(rig.texts, lines(30, 50))
  const { notes } = readFilebeat(registry)
  assert.match(notes.join('\n'), /1 entries are not of files/)
  assert.match(notes.join('\n'), /damaged; what follows is ignored|cut and was ignored/)
})

test('after a gap in the numbers nothing is believed, as in Filebeat', t => {
  const { registry, log, set } = filebeat(t)
  writeFileSync(log('a.log'), textOf(0, 50))
  set(streamKey(log('a.log')), streamValue(log('a.log'), 160))
  const late = { k: streamKey(log('a.log')), v: streamValue(log('a.log'), 320) }
  appendFileSync(join(registry, 'log.json'), `{"op":"set","id":3}\n${JSON.stringify(late)}\n`)
  const { entries, notes } = readFilebeat(registry)
  assert.deepEqual(
    entries.map(e => e.offset),
    [160]
  )
  assert.match(notes[0]!, /change 2 is missing/)
})

test('a renamed file goes on under its new name, and the new one from its first byte', async t => {
  const { rig, log, set, adopt } = filebeat(t)
  writeFileSync(log('a.log'), textOf(0, 100))
  set(logKey(log('a.log')), logValue(log('a.log'), 70 * LINE))
  renameSync(log('a.log'), log('a.log.1'))
  writeFileSync(log('a.log'), textOf(200, 220))
  const plan = await adopt()
  assert.deepEqual(how(plan), ['a.log 0 new', 'a.log.1 1120 filebeat'])
  assert.deepEqual(rig.texts.sort(), [...lines(70, 100), ...lines(200, 220)])
  assert.ok(rig.got.every(g => g.path === log('a.log')))
})

test('a file that was cut is read from its first byte, and told', async t => {
  const { rig, log, set, adopt } = filebeat(t)
  writeFileSync(log('a.log'), textOf(0, 100))
  set(logKey(log('a.log')), logValue(log('a.log'), 100 * LINE))
  writeFileSync(log('a.log'), textOf(100, 110))
  const plan = await adopt()
  assert.deepEqual(how(plan), ['a.log 0 unfit'])
  assert.match(plan.files[0]!.note!, /Filebeat was at 1600, the file has 160 bytes: it was cut since/)
  assert.deepEqual(rig.texts, lines(100, 110))
})

test('an offset in the midst of a line goes on at the next one', async t => {
  const { rig, log, set, adopt } = filebeat(t)
  writeFileSync(log('a.log'), textOf(0, 100))
  set(logKey(log('a.log')), logValue(log('a.log'), 50 * LINE + 5))
  const plan = await adopt()
  assert.match(plan.files[0]!.note!, /805 is in the midst of a line; the next one begins at 816/)
  assert.deepEqual(rig.texts, lines(51, 100))
})

test('a fingerprint finds its file under any name and inode', async t => {
  const { rig, log, set, adopt } = filebeat(t)
  writeFileSync(log('b.log'), textOf(0, 100))
  writeFileSync(log('short.log'), textOf(500, 510))
  ago(log('short.log'), 3600)
  const sum = createHash('sha256').update(textOf(0, 100).slice(0, 1024)).digest('hex')
  set(`filestream::app::fingerprint::${sum}`, streamValue(log('a.log'), 80 * LINE, 'fingerprint'))
  const plan = await adopt()
  assert.deepEqual(how(plan), ['b.log 1280 filebeat', 'short.log 0 new'])
  assert.deepEqual(rig.texts.sort(), [...lines(80, 100), ...lines(500, 510)])
})

test('a position by path counts for the file there; one by inode only when the file can be the same', async t => {
  const { rig, log, set, adopt } = filebeat(t)
  for (const name of ['path.log', 'same.log', 'other.log']) writeFileSync(log(name), textOf(0, 100))
  writeFileSync(log('other.log'), 'much longer lines of another file\n'.repeat(60))
  set(`filestream::app::path::${log('path.log')}`, streamValue(log('path.log'), 90 * LINE, 'path'))
  set('filestream::app::native::1-1', streamValue(log('same.log'), 95 * LINE))
  set('filestream::app::native::2-1', streamValue(log('other.log'), 99 * LINE))
  const plan = await adopt()
  assert.deepEqual(how(plan), ['other.log 0 unfit', 'path.log 1440 filebeat', 'same.log 1520 filebeat'])
  assert.equal(rig.texts.filter(l => l.startsWith('line')).length, 15)
  assert.equal(rig.got.length, 75)
})

test('an inode that was used again for a younger file is not mistaken for the old one', async t => {
  const { rig, log, set, adopt } = filebeat(t)
  writeFileSync(log('a.log'), '')
  // So that its birth is told from its last change.
  await t.waitFor(() => {
    appendFileSync(log('a.log'), '')
    utimesSync(log('a.log'), 1e9, 1e9)
    const st = statSync(log('a.log'))
    assert.notEqual(st.birthtimeMs, st.ctimeMs)
  })
  writeFileSync(log('a.log'), textOf(0, 100))
  set(streamKey(log('a.log')), streamValue(log('a.log'), 50 * LINE, 'native', stamp(Date.now() - 3_600_000)))
  const plan = await adopt()
  assert.deepEqual(how(plan), ['a.log 0 unfit'])
  assert.deepEqual(rig.texts, lines(0, 100))
})

test('what no input reads and what is gone is told; entries of several inputs of Filebeat count once', async t => {
  const { log, set, adopt, rig, registry } = filebeat(t)
  writeFileSync(log('a.log'), textOf(0, 10))
  writeFileSync(log('a.txt'), textOf(0, 10))
  set(streamKey(log('a.log')), streamValue(log('a.log'), 80, 'native', stamp(Date.now() - 1000)))
  set(`filestream::second::${native(log('a.log'))}`, streamValue(log('a.log'), 96))
  set(streamKey(log('a.txt')), streamValue(log('a.txt'), 16))
  set('filestream::app-logs::native::3-3', streamValue(log('gone.log'), 16))
  const plan = await adopt()
  assert.deepEqual(how(plan), ['a.log 96 filebeat'])
  assert.deepEqual(plan.strangers, [log('a.txt')])
  assert.deepEqual(plan.gone, [log('gone.log')])
  assert.match(readFilebeat(registry).notes[0]!, /two positions, 80 and 96; the newer one counts/)
  assert.deepEqual(rig.texts, lines(6, 10))
})

test('a file that Filebeat did not know and that is old is as start_at and ignore_older say', async t => {
  for (const [startAt, ignoreOlder, wanted] of [
    ['end', 0, 'b.log 800 unknown'],
    ['beginning', 0, 'b.log 0 unknown'],
    ['beginning', 600_000, 'b.log 800 unknown']
  ] as const) {
    const { log, set, adopt } = filebeat(t)
    for (const name of ['a.log', 'b.log']) writeFileSync(log(name), textOf(0, 50))
    ago(log('b.log'), 3600)
    set(streamKey(log('a.log')), streamValue(log('a.log'), 800))
    assert.deepEqual(how(await adopt({}, { startAt, ignoreOlder })), ['a.log 800 filebeat', wanted])
  }
})

test('the one file of Filebeat 6 and the data.json of 7.0 are read, and what is none is refused', async t => {
  const { log, rig } = filebeat(t)
  writeFileSync(log('a.log'), textOf(0, 10))
  const { ino: inode, dev: device } = statSync(log('a.log'))
  const rows = [
    {
      source: log('a.log'),
      offset: 48,
      timestamp: '2019-03-04T05:06:07.89+01:00',
      ttl: -1,
      type: 'log',
      meta: null,
      FileStateOS: { inode, device }
    }
  ]
  const old = join(rig.dir, 'old')
  mkdirSync(join(old, 'registry', 'filebeat'), { recursive: true })
  writeFileSync(join(old, 'one'), JSON.stringify(rows))
  writeFileSync(join(old, 'registry', 'filebeat', 'data.json'), JSON.stringify(rows))
  writeFileSync(join(old, 'registry', 'filebeat', 'meta.json'), '{"version":"0"}')
  for (const path of [join(old, 'one'), old]) {
    const { entries, updated } = readFilebeat(path)
    assert.deepEqual(entries[0]!.identity, { kind: 'native', dev: device, ino: inode })
    assert.equal(entries[0]!.offset, 48)
    assert.equal(updated, Date.parse('2019-03-04T04:06:07.890Z'))
  }
  const refusal = (path: string, message: RegExp): void =>
    assert.throws(() => readFilebeat(path), { code: 'USAGE', message })
  refusal(join(old, 'none'), /does not exist; it is usually/)
  refusal(rig.logs, /is no registry of Filebeat/)
  writeFileSync(join(old, 'one'), 'no JSON')
  refusal(join(old, 'one'), /reading .* as a registry/)
  writeFileSync(join(old, 'one'), '[]')
  refusal(join(old, 'one'), /has no position of a file/)
})

test('a registry of a version that is not known is refused', t => {
  const { registry, log, set } = filebeat(t)
  writeFileSync(log('a.log'), textOf(0, 10))
  set(streamKey(log('a.log')), streamValue(log('a.log'), 16))
  writeFileSync(join(registry, 'meta.json'), '{"version":"2"}')
  assert.throws(() => readFilebeat(registry), {
    code: 'USAGE',
    message: /says version "2" of the registry; only 1 is known/
  })
})
