// Holds `yarder positions` to its word with the real agent: what is sent again arrives, what isn't does not, nothing else stirs.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startFakeElasticsearch } from './lib/fake-elasticsearch.ts'

const program = join(import.meta.dirname, '../bin/yarder')
const PATIENCE = { timeout: 30_000, interval: 50 }
const HEAD = 'admin: { enabled: false }\nagent: { data_dir: state, environment: TEST }\n'

class Place {
  readonly dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  #t: TestContext
  #child: ChildProcess | undefined
  #more: NodeJS.ProcessEnv = {}
  stderr = ''

  constructor(t: TestContext, config: string) {
    this.#t = t
    t.after(async () => {
      await this.#end('SIGKILL')
      rmSync(this.dir, { recursive: true, force: true })
    })
    writeFileSync(join(this.dir, 'yarder.yaml'), HEAD + config)
  }

  path(name: string): string {
    return join(this.dir, name)
  }

  get #env(): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], TZ: 'UTC', ...this.#more }
  }

  async start(more: NodeJS.ProcessEnv = {}): Promise<void> {
    this.stderr = ''
    this.#more = more
    const child = spawn(program, ['run', '-c', 'yarder.yaml'], { cwd: this.dir, env: this.#env })
    child.stderr.on('data', (chunk: Buffer) => void (this.stderr += chunk.toString()))
    this.#child = child
    await this.#t.waitFor(() => assert.match(this.stderr, /Started\./), PATIENCE)
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined) return
    const ended = once(child, 'exit')
    if (child.exitCode === null) child.kill(signal)
    else return
    await ended
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  /** Runs a `yarder positions` command; its status, and what it said on both. */
  async positions(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
    const child = spawn(program, ['positions', ...argv, '-c', 'yarder.yaml'], { cwd: this.dir, env: this.#env })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => void (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => void (err += chunk.toString()))
    const [status] = (await once(child, 'close')) as [number]
    return { status, out, err }
  }

  /** The messages in a file that an output wrote, in order. */
  sent(name: string): string[] {
    if (!existsSync(this.path(name))) return []
    const text = readFileSync(this.path(name), 'utf8')
    return text
      .split('\n')
      .slice(0, -1)
      .map(line => (JSON.parse(line) as { message: string }).message)
  }

  async until(name: string, count: number): Promise<string[]> {
    await this.#t.waitFor(() => assert.equal(this.sent(name).length, count), PATIENCE)
    return this.sent(name)
  }
}

const lines = (from: number, to: number, word = 'line'): string[] =>
  Array.from({ length: to - from }, (_, i) => `${word} ${String(from + i).padStart(10, '0')}`)
const textOf = (from: number, to: number, word = 'line'): string =>
  lines(from, to, word)
    .map(l => `${l}\n`)
    .join('')
const LINE = 16

const input = (name: string, output: string, more = ''): string =>
  `  ${name}: { type: file, paths: ['${name}/*.log'], start_at: beginning, poll: 100ms, outputs: ${output}${more} }\n`

interface Listed {
  input: string
  id: string
  path: string
  at?: string
  size: number
  read: number
  lag: number
  acked: Record<string, number>
  state: string
}

const listed = (out: string): Listed[] =>
  out
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line) as Listed)

/** What is missing and what came more than once. */
function compare(got: readonly string[], wanted: readonly string[]): { gaps: number; doubles: number } {
  const times = new Map<string, number>()
  for (const line of got) times.set(line, (times.get(line) ?? 0) + 1)
  const doubles = got.length - times.size
  return { gaps: wanted.filter(line => !times.has(line)).length, doubles }
}

test('the comparison counts gaps and doubles', () => {
  assert.deepEqual(compare(['a', 'b', 'a'], ['a', 'b', 'c', 'd']), { gaps: 2, doubles: 1 })
})

test('set while the agent runs: one input sends again, the others do not notice', async t => {
  const it = new Place(
    t,
    `inputs:\n${input('a', '[one]')}${input('b', '[two]')}outputs:\n  one: { type: file, path: one.ndjson }\n  two: { type: file, path: two.ndjson }\n`
  )
  for (const name of ['a', 'b']) {
    mkdirSync(it.path(name))
    writeFileSync(it.path(`${name}/x.log`), textOf(0, 3000))
  }
  await it.start()
  await it.until('one.ndjson', 3000)
  await it.until('two.ndjson', 3000)
  const before = listed((await it.positions('ls')).out)
  assert.deepEqual(
    before.map(p => [p.input, p.path, p.read, p.lag, p.acked]),
    [
      ['a', it.path('a/x.log'), 3000 * LINE, 0, { one: 3000 * LINE }],
      ['b', it.path('b/x.log'), 3000 * LINE, 0, { two: 3000 * LINE }]
    ]
  )
  // The other input is written to all the while.
  let written = 3000
  const writer = setInterval(() => appendFileSync(it.path('b/x.log'), textOf(written, (written += 50))), 5)
  t.after(() => clearInterval(writer))
  const dry = await it.positions('set', '--input', 'a', '--path', 'a/x.log', '--to', '2000', '--dry-run')
  assert.equal(dry.status, 0, dry.err)
  assert.match(dry.out, /a\/x\.log: would be moved from 48000 to 2000\n {4}46000 bytes are sent again to one\n/)
  const set = await it.positions('set', '--input', 'a', '--path', 'a/x.log', '--to', '-1601')
  assert.equal(set.status, 0, set.err)
  assert.match(
    set.out,
    /moved from 48000 to 46400\n {4}46399 is in the midst of a line; the next one begins at 46400\n/
  )
  const one = await it.until('one.ndjson', 3100)
  assert.deepEqual(one.slice(3000), lines(2900, 3000))
  appendFileSync(it.path('a/x.log'), textOf(3000, 3010))
  assert.deepEqual((await it.until('one.ndjson', 3110)).slice(3100), lines(3000, 3010))
  clearInterval(writer)
  assert.deepEqual(await it.until('two.ndjson', written), lines(0, written))
  const told = it.stderr.split('\n').find(line => line.includes('Positions were changed by hand.')) ?? ''
  assert.ok(told.includes(it.path('a/x.log')) && told.includes('48000') && told.includes('46400'), told)
  assert.doesNotMatch(it.stderr, /may be sent again|do not add up/)
  const after = listed((await it.positions('ls', '--input', 'b')).out)
  assert.equal(after[0]!.id, before[1]!.id)
  await it.stop()
  assert.deepEqual(compare(it.sent('two.ndjson'), lines(0, written)), { gaps: 0, doubles: 0 })
})

test('into Elasticsearch the same ids change nothing, and new ids add everything once more', async t => {
  const fake = await startFakeElasticsearch()
  t.after(() => fake.stop())
  const it = new Place(
    t,
    `inputs:\n${input('a', '[es]')}outputs:\n  es: { type: elasticsearch, hosts: ['${fake.url}'], batch: { timeout: 50ms } }\n`
  )
  mkdirSync(it.path('a'))
  writeFileSync(it.path('a/x.log'), textOf(0, 1000))
  await it.start()
  await t.waitFor(() => assert.equal(fake.count(), 1000), PATIENCE)
  const bulks = fake.requests.length
  assert.equal((await it.positions('set', '--input', 'a', '--all', '--to', '0')).status, 0)
  const acked = async (): Promise<void> => {
    const [position] = listed((await it.positions('ls')).out)
    assert.deepEqual([position!.lag, position!.acked], [0, { es: 1000 * LINE }])
  }
  await t.waitFor(() => assert.ok(fake.requests.length > bulks), PATIENCE)
  await t.waitFor(acked, PATIENCE)
  assert.equal(fake.count(), 1000, 'answered 409')
  const anew = await it.positions('set', '--input', 'a', '--all', '--to', '0', '--new-ids')
  assert.equal(anew.status, 0, anew.err)
  assert.match(anew.out, /moved from 16000 to 0, with new ids/)
  await t.waitFor(() => assert.equal(fake.count(), 2000), PATIENCE)
  const reset = await it.positions('reset', '--input', 'a', '--path', 'a/*', '--yes')
  assert.match(
    reset.out,
    /x\.log: forgotten \(was at 16000\)\n {4}read from its first byte as a new file, with new ids\n/
  )
  await t.waitFor(() => assert.equal(fake.count(), 3000), PATIENCE)
  await t.waitFor(acked, PATIENCE)
})

test('without an agent the state file is read unchanged and edited under its lock', async t => {
  const it = new Place(t, `inputs:\n${input('a', '[one]')}outputs:\n  one: { type: file, path: one.ndjson }\n`)
  mkdirSync(it.path('a'))
  const none = await it.positions('ls')
  assert.equal(none.status, 1)
  assert.match(none.err, /state\/state\.db: there is none; no agent has run here/)
  assert.equal(existsSync(it.path('state')), false)
  writeFileSync(it.path('a/x.log'), textOf(0, 2000))
  await it.start()
  await it.until('one.ndjson', 2000)
  await it.stop()
  const bytes = (): string[] =>
    readdirSync(it.path('state')).map(f => readFileSync(it.path(`state/${f}`)).toString('hex'))
  const before = bytes()
  const ls = await it.positions('ls', '--path', 'a/*')
  assert.deepEqual(
    listed(ls.out).map(p => [p.read, p.size, p.state]),
    [[32_000, 32_000, 'live']]
  )
  assert.match(ls.err, /no agent answers; this is what .*state\.db says \(format 1\)/)
  assert.equal(listed((await it.positions('ls', '--path', 'b/*')).out).length, 0)
  assert.deepEqual(bytes(), before)
  const set = await it.positions('set', '--input', 'a', '--all', '--to', 'end')
  assert.equal(set.status, 2)
  assert.match(set.err, /^yarder positions set: nothing can be moved: .*x\.log: it is at 32000 already\n$/)
  assert.equal((await it.positions('set', '--input', 'a', '--all', '--to', '16000')).status, 0)
  await it.start()
  assert.deepEqual((await it.until('one.ndjson', 3000)).slice(2000), lines(1000, 2000))
})

test('for one output of two: the other gets nothing again', async t => {
  const outputs = 'outputs:\n  one: { type: file, path: one.ndjson }\n  two: { type: file, path: two.ndjson }\n'
  const it = new Place(t, `inputs:\n${input('a', '[one, two]')}${outputs}`)
  mkdirSync(it.path('a'))
  writeFileSync(it.path('a/x.log'), textOf(0, 5000))
  await it.start()
  await it.until('one.ndjson', 5000)
  await it.until('two.ndjson', 5000)
  const set = await it.positions('set', '--input', 'a', '--all', '--to', '16000', '--output', 'two')
  assert.match(set.out, /moved from 80000 to 16000\n {4}64000 bytes are sent again to two\n$/)
  assert.deepEqual((await it.until('two.ndjson', 9000)).slice(5000), lines(1000, 5000))
  appendFileSync(it.path('a/x.log'), textOf(5000, 5100))
  assert.deepEqual((await it.until('two.ndjson', 9100)).slice(9000), lines(5000, 5100))
  assert.deepEqual(await it.until('one.ndjson', 5100), lines(0, 5100))
})

test('names are those of the moment: what logrotate renamed since the last look is shown and meant by its new name', async t => {
  const it = new Place(
    t,
    "inputs:\n  c: { type: file, paths: ['c/*'], start_at: beginning, poll: 1m, watch: false }\noutputs:\n  one: { type: file, path: one.ndjson }\n"
  )
  mkdirSync(it.path('c'))
  const name = (n: number): string => it.path(`c/c.log.${n}`)
  for (const n of [1, 2]) writeFileSync(name(n), textOf(n * 100, n * 100 + 100))
  await it.start()
  await it.until('one.ndjson', 200)
  renameSync(name(2), name(3))
  renameSync(name(1), name(2))
  const shown = listed((await it.positions('ls')).out).map(p => [p.path, p.at])
  assert.deepEqual(shown, [
    [name(1), name(2)],
    [name(2), name(3)]
  ])
  const dry = await it.positions('reset', '--input', 'c', '--path', name(2))
  assert.deepEqual(dry.out.match(/^.*: would be forgotten \(was at 1600\)$/gm), [
    `${name(2)}: would be forgotten (was at 1600)`
  ])
  const stranger = await it.positions('set', '--input', 'c', '--path', name(1), '--to', '0')
  assert.equal(stranger.status, 2)
  assert.match(stranger.err, /no position at .*c\.log\.1; it has .*c\.log\.2, .*c\.log\.3\n$/)
  const set = await it.positions('set', '--input', 'c', '--path', name(2), '--to', '0')
  assert.match(set.out, /c\.log\.2: moved from 1600 to 0\n/)
  assert.deepEqual((await it.until('one.ndjson', 300)).slice(200), lines(100, 200))
})

test('a command that names a data directory never touches the agent of another', async t => {
  const config = `inputs:\n${input('a', '[one]')}outputs:\n  one: { type: file, path: one.ndjson }\n`
  const it = new Place(t, config)
  mkdirSync(it.path('a'))
  mkdirSync(it.path('run'))
  writeFileSync(it.path('a/x.log'), textOf(0, 10))
  await it.start({ RUNTIME_DIRECTORY: it.path('run') })
  await it.until('one.ndjson', 10)
  assert.equal(listed((await it.positions('ls')).out).length, 1)
  const other = await it.positions('set', '--input', 'a', '--all', '--to', '0', '--data-dir', 'other')
  assert.equal(other.status, 1)
  assert.match(other.err, /other\/state\.db: there is none; no agent has run here/)
  assert.equal((await it.positions('set', '--input', 'a', '--all', '--to', '0')).status, 0)
  await it.until('one.ndjson', 20)
})

test('a damaged state is told and left as it is', async t => {
  const it = new Place(t, `inputs:\n${input('a', '[one]')}outputs:\n  one: { type: file, path: one.ndjson }\n`)
  mkdirSync(it.path('a'))
  writeFileSync(it.path('a/x.log'), textOf(0, 10))
  await it.start()
  await it.until('one.ndjson', 10)
  await it.stop()
  writeFileSync(it.path('state/state.db'), 'no database\n'.repeat(1000))
  const ls = await it.positions('ls')
  assert.match(ls.err, /the state file is damaged: .*not a database/)
  const set = await it.positions('set', '--input', 'a', '--all', '--to', '0')
  assert.equal(set.status, 1)
  assert.match(set.err, /state\.db is damaged .*; a start of the agent mends it/)
  assert.match(readFileSync(it.path('state/state.db'), 'latin1'), /^no database/)
})

test('what cannot be right is refused with exit 2, and nothing changes', async t => {
  const it = new Place(t, `inputs:\n${input('a', '[one]')}outputs:\n  one: { type: file, path: one.ndjson }\n`)
  mkdirSync(it.path('a'))
  writeFileSync(it.path('a/x.log'), textOf(0, 10))
  await it.start()
  await it.until('one.ndjson', 10)
  const refusals: [string[], RegExp][] = [
    [['set', '--input', 'b', '--all', '--to', '0'], /"b" is not a file input of the running agent/],
    [['set', '--input', 'a', '--path', '/nowhere', '--to', '0'], /has no position at \/nowhere; it has .*x\.log/],
    [
      ['set', '--input', 'a', '--all', '--to', '161'],
      /161 is beyond the end of .*x\.log, which has 160 bytes; --to end is 160/
    ],
    [
      ['set', '--input', 'a', '--all', '--to', 'ten'],
      /--to must be an offset such as 0 or 4096, "end", or "-10MB"; got "ten"/
    ],
    [
      ['set', '--input', 'a', '--all', '--to', '0', '--output', 'on'],
      /"on" is not an output that a has positions for; did you mean "one"/
    ],
    [['set', '--input', 'a', '--all', '--since', 'once'], /--since must be a time such as "2026-11-21 00:00"/],
    [['set', '--input', 'a', '--all', '--since', '2099-01-01'], /nothing of it arrived since 2099-01-01T00:00:00.000Z/],
    [['set', '--input', 'a', '--to', '0'], /either --path PATH .* or --all/],
    [['set', '--all', '--to', '0'], /needs --input NAME/],
    [['reset', '--input', 'a', '--all'], /nothing was changed; add --yes to do it/]
  ]
  for (const [argv, message] of refusals) {
    const { status, err } = await it.positions(...argv)
    assert.equal(status, 2, `${argv.join(' ')}: ${err}`)
    assert.match(err, message)
  }
  appendFileSync(it.path('a/x.log'), textOf(10, 11))
  assert.deepEqual(await it.until('one.ndjson', 11), lines(0, 11))
})

test('a flood is skipped while the output is down: what was read and not sent does not arrive, later lines do', async t => {
  const fake = await startFakeElasticsearch()
  t.after(() => fake.stop())
  const it = new Place(
    t,
    `inputs:\n${input('a', '[es]')}outputs:\n  es: { type: elasticsearch, hosts: ['${fake.url}'], batch: { timeout: 50ms }, backoff: { init: 100ms, max: 200ms } }\n`
  )
  mkdirSync(it.path('a'))
  writeFileSync(it.path('a/x.log'), textOf(0, 10))
  await it.start()
  await t.waitFor(() => assert.equal(fake.count(), 10), PATIENCE)
  await fake.down()
  appendFileSync(it.path('a/x.log'), textOf(10, 2000))
  await t.waitFor(() => assert.match(it.stderr, /ECONNREFUSED/), PATIENCE)
  const set = await it.positions('set', '--input', 'a', '--all', '--to', 'end')
  assert.equal(set.status, 0, set.err)
  appendFileSync(it.path('a/x.log'), textOf(2000, 2010))
  await fake.up()
  await t.waitFor(() => assert.equal(fake.count(), 20), PATIENCE)
  assert.deepEqual(
    fake.docs.map(d => d.source['message']),
    [...lines(0, 10), ...lines(2000, 2010)]
  )
})

test(
  'root does not make files in the data directory of another user',
  { skip: process.getuid?.() !== 0 && 'needs root' },
  async t => {
    const it = new Place(t, `inputs:\n${input('a', '[one]')}outputs:\n  one: { type: file, path: one.ndjson }\n`)
    mkdirSync(it.path('a'))
    writeFileSync(it.path('a/x.log'), textOf(0, 10))
    await it.start()
    await it.until('one.ndjson', 10)
    await it.stop()
    chownSync(it.path('state'), 12_345, 12_345)
    const set = await it.positions('set', '--input', 'a', '--all', '--to', '0')
    assert.equal(set.status, 2)
    assert.match(set.err, /state belongs to user 12345; run this as that user: sudo -u '#12345' yarder/)
  }
)

test('adopt: the agent goes on exactly where Filebeat was, rotated files included', async t => {
  const it = new Place(
    t,
    `inputs:\n  logs: { type: file, paths: ['logs/*.log'], poll: 100ms }\noutputs:\n  one: { type: file, path: one.ndjson }\n`
  )
  mkdirSync(it.path('logs'))
  mkdirSync(it.path('beat/registry/filebeat'), { recursive: true })
  const log = (name: string): string => it.path(`logs/${name}`)
  let id = 0
  const entry = (path: string, offset: number): void => {
    const { ino, dev } = statSync(path)
    const now = Date.now()
    const v = {
      cursor: { offset },
      meta: { source: path, identifier_name: 'native' },
      ttl: 1_800_000_000_000,
      updated: [(now % 1000) * 1e6, Math.floor(now / 1000)]
    }
    const data = { k: `filestream::my-logs::native::${ino}-${dev}`, v }
    const text = `${JSON.stringify({ op: 'set', id: ++id })}\n${JSON.stringify(data)}\n`
    appendFileSync(it.path('beat/registry/filebeat/log.json'), text)
  }
  writeFileSync(it.path('beat/registry/filebeat/meta.json'), '{"version":"1"}')
  // Filebeat ships ten files of 1000 lines, each to another place, and is stopped.
  const wanted: string[] = []
  const shipped: string[] = []
  for (let n = 0; n < 10; n++) {
    const word = `f${n}`
    writeFileSync(log(`${n}.log`), textOf(0, 1000, word))
    const line = word.length + 12
    const upTo = n * 111
    entry(log(`${n}.log`), Math.min(1000, upTo) * line)
    shipped.push(...lines(0, upTo, word))
    wanted.push(...lines(upTo, 1000, word))
  }
  // Between the two: lines come, a file is rotated, and a new one begins.
  appendFileSync(log('0.log'), textOf(1000, 1500, 'f0'))
  wanted.push(...lines(1000, 1500, 'f0'))
  renameSync(log('1.log'), log('1.log.1'))
  writeFileSync(log('1.log'), textOf(5000, 5300, 'f1'))
  wanted.push(...lines(5000, 5300, 'f1'))
  writeFileSync(log('new.log'), textOf(0, 200, 'new'))
  wanted.push(...lines(0, 200, 'new'))
  const dry = await it.positions('adopt', 'beat', '--dry-run')
  assert.equal(existsSync(it.path('state')), false)
  assert.match(dry.out, /\nwould take over 10 of 10 positions\n$/)
  const adopt = await it.positions('adopt', 'beat/registry/filebeat')
  assert.equal(adopt.status, 0, adopt.err)
  assert.match(adopt.out, /\ntook over 10 of 10 positions\n$/)
  assert.match(adopt.out, /logs: .*\/1\.log\.1 at 1554 of 14000: goes on where Filebeat was\n/)
  assert.match(
    adopt.out,
    /logs: .*\/new\.log at 0 of .*: from its first byte \(written since Filebeat last said where it was\)\n/
  )
  // And between this and the start.
  appendFileSync(log('1.log.1'), textOf(1000, 1100, 'f1'))
  wanted.push(...lines(1000, 1100, 'f1'))
  renameSync(log('2.log'), log('2.log.1'))
  writeFileSync(log('2.log'), textOf(7000, 7400, 'f2'))
  wanted.push(...lines(7000, 7400, 'f2'))
  writeFileSync(log('late.log'), textOf(0, 100, 'late'))
  wanted.push(...lines(0, 100, 'late'))
  await it.start()
  await it.until('one.ndjson', wanted.length)
  appendFileSync(log('0.log'), textOf(1500, 2000, 'f0'))
  wanted.push(...lines(1500, 2000, 'f0'))
  const got = await it.until('one.ndjson', wanted.length)
  assert.deepEqual(compare([...shipped, ...got], [...shipped, ...wanted]), { gaps: 0, doubles: 0 })
  const again = await it.positions('adopt', 'beat')
  assert.equal(again.status, 1)
  assert.match(again.err, /process \d+ holds it/)
  await it.stop()
  const late = await it.positions('adopt', 'beat')
  assert.equal(late.status, 2)
  assert.match(late.err, /the input logs has positions already, and these count/)
})

test('adopt: a position that fits no longer is called so, and where none fits the exit status is 1', async t => {
  const it = new Place(
    t,
    `inputs:\n  logs: { type: file, paths: ['logs/*.log'] }\noutputs:\n  one: { type: file, path: one.ndjson }\n`
  )
  mkdirSync(it.path('logs'))
  const source = it.path('logs/a.log')
  writeFileSync(source, textOf(0, 10))
  mkdirSync(it.path('beat/filebeat'), { recursive: true })
  writeFileSync(it.path('beat/filebeat/meta.json'), '{"version":"1"}')
  // Of another inode, and no line begins there.
  const v = { cursor: { offset: 7 }, meta: { source, identifier_name: 'native' }, ttl: 1, updated: [0, 1] }
  writeFileSync(
    it.path('beat/filebeat/log.json'),
    `${JSON.stringify({ op: 'set', id: 1 })}\n${JSON.stringify({ k: 'filestream::x::native::1-1', v })}\n`
  )
  for (const argv of [['--dry-run'], []]) {
    const { status, out, err } = await it.positions('adopt', 'beat', ...argv)
    assert.equal(status, 1)
    assert.match(out, /a\.log at 0 of \d+: from its first byte \(Filebeat's position 7 is of another file/)
    assert.doesNotMatch(out, /not there any more/)
    assert.match(out, / over 0 of 1 positions\n$/)
    assert.match(err, /no position of Filebeat fits a file that an input reads/)
  }
})

test('adopt: where the registry and the inputs have no file in common, nothing is changed and the exit status is 2', async t => {
  const it = new Place(
    t,
    `inputs:\n  logs: { type: file, paths: ['logs/*.log'] }\noutputs:\n  one: { type: file, path: one.ndjson }\n`
  )
  mkdirSync(it.path('logs'))
  writeFileSync(it.path('logs/a.log'), textOf(0, 10))
  mkdirSync(it.path('beat/filebeat'), { recursive: true })
  writeFileSync(it.path('beat/filebeat/meta.json'), '{"version":"1"}')
  const registry = it.path('beat/filebeat/log.json')
  const v = {
    cursor: { offset: 1 },
    meta: { source: '/srv/other.log', identifier_name: 'native' },
    ttl: 1,
    updated: [0, 1]
  }
  writeFileSync(
    registry,
    `${JSON.stringify({ op: 'set', id: 1 })}\n${JSON.stringify({ k: 'filestream::x::native::1-1', v })}\n`
  )
  for (const argv of [['--dry-run'], []]) {
    const { status, out, err } = await it.positions('adopt', 'beat', ...argv)
    assert.deepEqual([status, out], [2, ''])
    assert.match(
      err,
      /^yarder positions adopt: no file of the registry is read by an input, .*; it knows \/srv\/other\.log$/m
    )
    assert.equal(existsSync(it.path('state')), false)
  }
})

test('completion knows the command with what belongs to it', () => {
  const { stdout } = spawnSync(program, ['completion', 'bash'], { encoding: 'utf8' })
  assert.match(stdout, / positions\) words='ls set reset adopt .*--new-ids.*' ;;/)
})
