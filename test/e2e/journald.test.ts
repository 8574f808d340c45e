// The running agent on real journal files: killed, with an output down, over rotation and deletion, with all that a field can be.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import type { SpawnSyncReturns } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startFakeElasticsearch } from '../lib/fake-elasticsearch.ts'
import { addToJournal, FROM, noJournal } from '../lib/real/journal.ts'
import type { JournalFields } from '../lib/real/journal.ts'
import { until } from '../lib/real/process.ts'
import { agentFolder, PROGRAM, startYarder } from '../lib/real/yarder.ts'
import type { Yarder } from '../lib/real/yarder.ts'

type Document = Record<string, unknown>

interface Rig {
  readonly folder: string
  readonly journal: string
  start(): Promise<Yarder>
  /** Reloads the running agent, with these options of the input, and answers when it says that it has. */
  reload(yarder: Yarder, input?: string): Promise<void>
  /** What the file output has. */
  shipped(): Document[]
}

const numbered = (from: number, count: number, more: JournalFields = {}): JournalFields[] =>
  Array.from({ length: count }, (_, i) => ({
    MESSAGE: `line ${from + i}`,
    PRIORITY: String((from + i) % 8),
    SYSLOG_IDENTIFIER: 'app',
    _PID: '4711',
    _SYSTEMD_UNIT: i % 2 === 0 ? 'app-a.service' : 'app-b.service',
    ...more
  }))

async function rig(t: TestContext, options: { input?: string; outputs?: string } = {}): Promise<Rig | undefined> {
  const missing = await noJournal()
  if (missing !== undefined) return void t.skip(missing)
  const folder = agentFolder(t)
  const journal = join(folder, 'journal')
  mkdirSync(journal)
  const configWith = (input: string): string => `
agent: { data_dir: ${folder}/data, shutdown_timeout: 2s }
admin: { listen: '127.0.0.1:0' }
inputs:
  journal:
    type: journald
    directory: ${journal}
    start_at: beginning
    pipeline: [{ dissect: { mapping: 'line %{n}' } }, { convert: { n: integer } }]
    ${input}
metrics: { lines_total: { type: counter, help: Lines. } }
outputs:
  records: { type: file, path: ${folder}/records.ndjson }
  ${options.outputs ?? ''}
`
  const config = configWith(options.input ?? '')
  return {
    folder,
    journal,
    start: () => startYarder(t, { folder, config }),
    async reload(yarder, input = options.input ?? '') {
      writeFileSync(join(folder, 'yarder.yaml'), configWith(input))
      const count = (): number => yarder.log().split('Configuration reloaded.').length
      const before = count()
      process.kill(yarder.pid, 'SIGHUP')
      await until(`the reload (${yarder.log().slice(-500)})`, () => count() > before)
    },
    shipped: () => documentsIn(join(folder, 'records.ndjson'))
  }
}

function documentsIn(path: string): Document[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .flatMap(line => (line === '' ? [] : [JSON.parse(line) as Document]))
  } catch (error) {
    // Not yet made, or its last line is being written.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

const sorted = (documents: readonly Document[]): number[] =>
  documents.map(doc => doc['n'] as number).toSorted((a, b) => a - b)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

test('killed three times in 20,000 entries with one output down: each is there once for both, and counted once', async t => {
  const fake = await startFakeElasticsearch()
  t.after(() => fake.down())
  await fake.down()
  const elastic = `elastic: { type: elasticsearch, hosts: ['${fake.url}'], timeout: 1s, backoff: { init: 20ms, max: 200ms }, batch: { timeout: 20ms, max_events: 200 } }`
  const r = await rig(t, { outputs: elastic })
  if (r === undefined) return
  await addToJournal(r.journal, numbered(0, 20_000))
  let yarder = await r.start()
  for (const until_ of [1000, 6000, 12_000]) {
    await until(`${until_} records`, () => r.shipped().length > until_)
    await yarder.end('SIGKILL')
    yarder = await r.start()
  }
  await until('all in the file', () => new Set(sorted(r.shipped())).size === 20_000, 60_000)
  await fake.up()
  await addToJournal(r.journal, numbered(20_000, 500), { from: FROM + 30e6 })
  await until(`all in the output that was down (${fake.count()})`, () => fake.count() >= 20_500, 60_000)
  await until('the counter', async () => (await yarder.metric('lines_total')) >= 20_500)
  assert.equal(await yarder.metric('lines_total'), 20_500, 'each line is counted once')
  assert.deepEqual(sorted(fake.docs.map(doc => doc.source)), upTo(20_500), 'a record has one identity')
  assert.equal(new Set(sorted(r.shipped())).size, 20_500)
  const { code } = await yarder.end()
  assert.equal(code, 0)
})

test('an entry becomes a record with the names of ECS, its own time, and bytes of any kind', async t => {
  const r = await rig(t)
  if (r === undefined) return
  await addToJournal(r.journal, [
    {
      MESSAGE: 'line 7',
      PRIORITY: '3',
      SYSLOG_FACILITY: '3',
      SYSLOG_IDENTIFIER: 'app',
      _PID: '42',
      _COMM: 'node',
      _SYSTEMD_UNIT: 'app.service',
      _HOSTNAME: 'other.example',
      _MACHINE_ID: 'c'.repeat(32),
      MY_FIELD: 'x=1'
    },
    { MESSAGE: 'first\n\n  second', RAW: Buffer.from([0, 10, 61, 255]) },
    { MESSAGE: 'é'.repeat(600_000), COREDUMP: Buffer.alloc(1_000_000, 65) },
    { MESSAGE: 'the last' }
  ])
  const yarder = await r.start()
  await until('four records', () => r.shipped().length === 4)
  const [plain, lines, large] = r.shipped()
  assert.equal(plain!['@timestamp'], new Date(FROM / 1000).toISOString())
  assert.equal(plain!['n'], 7)
  assert.deepEqual(plain!['log'], {
    level: 'err',
    syslog: { severity: { code: 3 }, facility: { code: 3 }, appname: 'app' }
  })
  assert.deepEqual(plain!['process'], { pid: 42, name: 'node' })
  assert.deepEqual(plain!['systemd'], { unit: 'app.service' })
  assert.deepEqual(plain!['host'], { name: 'other.example', hostname: 'other.example', id: 'c'.repeat(32) })
  assert.deepEqual((plain!['journald'] as Document)['custom'], { my_field: 'x=1' })
  assert.equal(lines!['message'], 'first\n\n  second')
  assert.deepEqual((lines!['journald'] as Document)['custom'], { raw: '\u0000\n=\ufffd' })
  assert.equal((large!['message'] as string).length, 512 * 1024)
  assert.ok((large!['tags'] as string[]).includes('_truncated'))
  assert.equal(((large!['journald'] as Document)['custom'] as Document)['coredump'], 'A'.repeat(16 * 1024))
  assert.equal(await yarder.metric('yarder_input_cut_lines_total{input="journal"}'), 1)
  await yarder.end()
})

test('it goes on over new files, other boots and a deletion of what was read, and no entry is left out or repeated', async t => {
  const r = await rig(t)
  if (r === undefined) return
  await addToJournal(r.journal, numbered(0, 100))
  const first = await r.start()
  await until('the first file', () => r.shipped().length === 100)
  await addToJournal(r.journal, numbered(100, 100), { file: 'b', boot: 'b'.repeat(32), from: FROM + 1e9 })
  await until('the second file, while it follows', () => r.shipped().length === 200)
  rmSync(join(r.journal, 'a.journal'))
  await addToJournal(r.journal, numbered(200, 100), { file: 'c', boot: 'c'.repeat(32), from: FROM + 2e9 })
  await until('the third file, after a deletion', () => r.shipped().length === 300)
  await first.end()

  // Stopped: the entry up to which was read is deleted, and others follow.
  rmSync(join(r.journal, 'b.journal'))
  rmSync(join(r.journal, 'c.journal'))
  await addToJournal(r.journal, numbered(300, 100), { file: 'd', boot: 'd'.repeat(32), from: FROM + 3e9 })
  const second = await r.start()
  await until('what is left', () => r.shipped().length === 400)
  await second.said('The journal has deleted the entry')
  assert.deepEqual(sorted(r.shipped()), upTo(400))
  await second.end()
  const third = await r.start()
  await addToJournal(r.journal, numbered(400, 1), { file: 'd', boot: 'd'.repeat(32), from: FROM + 4e9 })
  await until('one more', () => r.shipped().length > 400)
  assert.deepEqual(sorted(r.shipped()), upTo(401), 'the last entry is not repeated')
  assert.doesNotMatch(third.log(), /has deleted/)
  await third.end()
})

test('units by pattern and by name, priorities and matches choose entries', async t => {
  for (const [input, fits] of [
    ["units: ['app-?']", (n: number) => n % 8 !== 9],
    ["units: ['*-b']", (n: number) => n % 2 === 1],
    ['units: [app-a]', (n: number) => n % 2 === 0],
    ['units: [app-a, app-b.service]\n    priority: err', (n: number) => n % 8 <= 3],
    ['identifiers: [app]\n    matches: [PRIORITY=2, PRIORITY=5]', (n: number) => n % 8 === 2 || n % 8 === 5]
  ] as const) {
    const r = await rig(t, { input })
    if (r === undefined) return
    await addToJournal(r.journal, numbered(0, 40))
    const wanted = upTo(40).filter(fits)
    const yarder = await r.start()
    await until(input, () => r.shipped().length >= wanted.length)
    assert.deepEqual(sorted(r.shipped()), wanted, input)
    await yarder.end('SIGKILL')
  }
})

test('a journalctl that dies is told and started again behind the last entry, and a stop leaves none', async t => {
  const r = await rig(t)
  if (r === undefined) return
  await addToJournal(r.journal, numbered(0, 100))
  const yarder = await r.start()
  await until('the first part', () => r.shipped().length === 100)
  const [child] = childrenOf(yarder.pid)
  process.kill(child!, 'SIGKILL')
  await yarder.said('journalctl: killed by SIGKILL')
  await addToJournal(r.journal, numbered(100, 100), { from: FROM + 1e9 })
  // What the agent says about it is a record, too.
  const lines = (): Document[] => r.shipped().filter(({ input }) => (input as Document)['type'] === 'journald')
  await until('the second part', () => lines().length >= 200)
  assert.deepEqual(sorted(lines()), upTo(200))
  const [next] = childrenOf(yarder.pid)
  assert.notEqual(next, child)
  const { code, ms } = await yarder.end()
  assert.deepEqual([code, ms < 4000], [0, true])
  assert.throws(() => process.kill(next!, 0), { code: 'ESRCH' })
})

test('a reload in the midst of reading: with other options it goes on from its cursors, with the same ones nothing stops', async t => {
  const r = await rig(t)
  if (r === undefined) return
  await addToJournal(r.journal, numbered(0, 10_000))
  const yarder = await r.start()
  await until('the first records', () => r.shipped().length > 500)
  const [first] = childrenOf(yarder.pid)
  await r.reload(yarder)
  assert.deepEqual(childrenOf(yarder.pid), [first], 'it reads on')
  await r.reload(yarder, 'tags: [changed]')
  const [second] = childrenOf(yarder.pid)
  assert.notEqual(second, first)
  await addToJournal(r.journal, numbered(10_000, 10), { from: FROM + 30e6 })
  const lines = (): Document[] => r.shipped().filter(({ input }) => (input as Document)['type'] === 'journald')
  await until('all of them', () => lines().length >= 10_010)
  assert.deepEqual(sorted(lines()), upTo(10_010))
  assert.equal(await yarder.metric('lines_total'), 10_010)
  const command = (...words: string[]): SpawnSyncReturns<string> =>
    spawnSync(PROGRAM, [...words, '-c', join(r.folder, 'yarder.yaml')], { encoding: 'utf8' })
  assert.match(command('positions', 'ls').stderr, /^yarder: not listed: journal, which reads the journal/)
  assert.match(command('status').stdout, /reading the journal, up to 2026-11-22T12:00:30/)
  const { code } = await yarder.end()
  assert.equal(code, 0)
})

test('an input that ships nothing is counted once, over a kill and a restart', async t => {
  const r = await rig(t, { input: 'outputs: []' })
  if (r === undefined) return
  await addToJournal(r.journal, numbered(0, 1000))
  const counted = async (yarder: Yarder, count: number): Promise<void> => {
    await until(`${count} lines`, async () => (await yarder.metric('lines_total')) >= count)
    assert.equal(await yarder.metric('lines_total'), count)
  }
  const first = await r.start()
  await counted(first, 1000)
  await first.end('SIGKILL')
  await addToJournal(r.journal, numbered(1000, 10), { from: FROM + 30e6 })
  const second = await r.start()
  await counted(second, 1010)
  await second.end()
  await addToJournal(r.journal, numbered(1010, 1), { from: FROM + 60e6 })
  const third = await r.start()
  await counted(third, 1011)
  await third.end()
})

test('only the last boot, where that is asked for, also when the agent goes on from the one before', async t => {
  const r = await rig(t, { input: 'current_boot_only: true' })
  if (r === undefined) return
  await addToJournal(r.journal, numbered(0, 10))
  const first = await r.start()
  await until('the first boot', () => r.shipped().length === 10)
  await first.end()
  await addToJournal(r.journal, numbered(10, 10), { file: 'b', boot: 'b'.repeat(32), from: FROM + 1e9 })
  await addToJournal(r.journal, numbered(20, 10), { file: 'c', boot: 'c'.repeat(32), from: FROM + 2e9 })
  const second = await r.start()
  await until('the last boot', () => r.shipped().length >= 20)
  assert.deepEqual(sorted(r.shipped()), [...upTo(10), ...upTo(30).slice(20)])
  await second.end()
})

/** Processes that it has started and that are still there. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number)
