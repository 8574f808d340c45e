// Holds `yarder run` as people and systemd meet it: a process with exit statuses, signals, and words on stderr.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startFakeElasticsearch } from './lib/fake-elasticsearch.ts'

const program = join(import.meta.dirname, '../bin/yarder')
const PATIENCE = { timeout: 20_000, interval: 20 }

interface Agent {
  readonly child: ChildProcess
  readonly stdout: string
  readonly stderr: string
  /** Its exit status, once all it said is here; the signal's name when one ended it. */
  readonly ended: Promise<number | string>
  /** Waits until stderr (or stdout) matches; fails when the process ends before. */
  says(pattern: RegExp, where?: 'stdout' | 'stderr'): Promise<string>
}

interface Start {
  /** What it reads; 'open' leaves the pipe open. */
  readonly stdin?: string
  readonly env?: Record<string, string>
}

function folder(t: TestContext, files: Record<string, string> = {}): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return dir
}

/** Starts the program in `dir`, whose folder `state` is its data_dir; stopped when the test ends. */
function yarder(t: TestContext, dir: string, argv: readonly string[], { stdin = '', env = {} }: Start = {}): Agent {
  const child = spawn(program, argv, {
    cwd: dir,
    env: { PATH: process.env['PATH'], STATE_DIRECTORY: join(dir, 'state'), TZ: 'UTC', ...env }
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => void (said.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => void (said.stderr += chunk.toString()))
  child.stdin.on('error', () => {}) // it may end before it has read all
  if (stdin !== 'open') child.stdin.end(stdin)
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    child,
    ended,
    get stdout() {
      return said.stdout
    },
    get stderr() {
      return said.stderr
    },
    async says(pattern, where = 'stderr') {
      let over = false
      void ended.then(() => (over = true))
      let found: string | undefined
      await t.waitFor(() => {
        found = pattern.exec(said[where])?.[0]
        if (found === undefined && over) return
        assert.ok(found !== undefined, `it has not said ${pattern}`)
      }, PATIENCE)
      assert.ok(found !== undefined, `it ended without saying ${pattern}:\n${said.stderr}`)
      return found
    }
  }
}

const STARTED = /Started\..*\n/
const QUIET = 'admin: { enabled: false }\n'

async function metric(address: string, name: string): Promise<string | undefined> {
  const page = await (await fetch(`http://${address}/metrics`)).text()
  return page.split('\n').find(line => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
}

const messages = (ndjson: string): string[] =>
  ndjson
    .split('\n')
    .slice(0, -1)
    .map(line => (JSON.parse(line) as { message: string }).message)

test('a wrong configuration is told whole, with places, and exit is 2', async t => {
  const dir = folder(t, {
    'yarder.yaml':
      'inputs:\n  a: { type: stdni }\n  b: { type: stdin, pipeline: nowhere, outputs: [elastik] }\nagent: { log_levl: info }\n'
  })
  const agent = yarder(t, dir, ['run', '-c', 'yarder.yaml'])
  assert.equal(await agent.ended, 2)
  const lines = agent.stderr.trimEnd().split('\n')
  assert.equal(lines.length, 4, agent.stderr)
  assert.match(lines[0]!, /^yarder\.yaml:2:\d+ inputs\.a\.type: .*did you mean "stdin"\?$/)
  assert.match(lines[1]!, /^yarder\.yaml:3:\d+ inputs\.b\.pipeline: .*"?nowhere"?/)
  assert.match(lines[2]!, /^yarder\.yaml:3:\d+ inputs\.b\.outputs.*elastik/)
  assert.match(lines[3]!, /^yarder\.yaml:4:\d+ agent\.log_levl: unknown option; did you mean "log_level"\?$/)
  assert.equal(agent.stdout, '')
  assert.equal(existsSync(join(dir, 'state')), false, 'nothing was made')
})

test('without a configuration it says where it looked, and exit is 2', async t => {
  const agent = yarder(t, folder(t), ['run', '-c', 'missing.yaml'])
  assert.equal(await agent.ended, 2)
  assert.match(agent.stderr, /^[^\n]*missing\.yaml[^\n]*\n$/)
})

test('standard input is read to its end, and exit is 0', async t => {
  const dir = folder(t, { 'yarder.yaml': `${QUIET}inputs: { in: { type: stdin } }\n` })
  const agent = yarder(t, dir, ['run', '-c', 'yarder.yaml'], { stdin: 'one\ntwo\nthree' })
  assert.equal(await agent.ended, 0, agent.stderr)
  assert.deepEqual(messages(agent.stdout), ['one', 'two', 'three'])
  assert.match(agent.stderr, /everything that was read has arrived/)
})

test('a reader that goes away ends it quietly with exit 0', async t => {
  const dir = folder(t, { 'yarder.yaml': `${QUIET}inputs: { in: { type: stdin } }\n` })
  const many = Array.from({ length: 50_000 }, (_, i) => `line ${i}\n`).join('')
  const agent = yarder(t, dir, ['run', '-c', 'yarder.yaml'], { stdin: many })
  agent.child.stdout!.once('data', () => agent.child.stdout!.destroy())
  assert.equal(await agent.ended, 0, agent.stderr)
  assert.doesNotMatch(agent.stderr, /ERROR|EPIPE|bug|\bat .*\.ts:/)
})

test('a second agent on the same data_dir is refused, and the first is named', async t => {
  const dir = folder(t, { 'yarder.yaml': `${QUIET}inputs: { in: { type: stdin } }\n` })
  const first = yarder(t, dir, ['run', '-c', 'yarder.yaml'], { stdin: 'open' })
  await first.says(STARTED)
  const second = yarder(t, dir, ['run', '-c', 'yarder.yaml'], { stdin: 'x\n' })
  assert.equal(await second.ended, 1)
  assert.match(second.stderr, new RegExp(`^yarder run: using .*/state: process ${first.child.pid} holds it`, 'm'))
  assert.equal(second.stdout, '')
  first.child.stdin!.end('still here\n')
  assert.equal(await first.ended, 0)
  assert.deepEqual(messages(first.stdout), ['still here'])
  assert.equal(statSync(join(dir, 'state')).mode & 0o777, 0o700)
})

test('a start right after SIGKILL needs no cleaning', async t => {
  const dir = folder(t, { 'yarder.yaml': 'admin: { listen: 127.0.0.1:0 }\ninputs: { in: { type: stdin } }\n' })
  const first = yarder(t, dir, ['run', '-c', 'yarder.yaml'], { stdin: 'open' })
  await first.says(STARTED)
  first.child.kill('SIGKILL')
  assert.equal(await first.ended, 'SIGKILL')
  const second = yarder(t, dir, ['run', '-c', 'yarder.yaml'], { stdin: 'x\n' })
  assert.equal(await second.ended, 0, second.stderr)
})

test('an address that is taken is told with the option to set, and exit is 1', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const dir = folder(t, { 'yarder.yaml': `admin: { listen: '127.0.0.1:${port}' }\ninputs: { in: { type: stdin } }\n` })
  const agent = yarder(t, dir, ['run', '-c', 'yarder.yaml'], { stdin: 'open' })
  assert.equal(await agent.ended, 1)
  assert.match(
    agent.stderr,
    new RegExp(`^yarder run: listening on 127\\.0\\.0\\.1:${port}; .*admin\\.listen.*EADDRINUSE`, 'm')
  )
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends it with exit 0, what was read has arrived`, async t => {
    const dir = folder(t, {
      'yarder.yaml': `${QUIET}inputs: { app: { type: file, paths: [app.log], start_at: beginning } }\n`,
      'app.log': 'one\ntwo\n'
    })
    const agent = yarder(t, dir, ['run', '-c', 'yarder.yaml'])
    await agent.says(/"two"/, 'stdout')
    appendFileSync(join(dir, 'app.log'), 'three\n')
    await agent.says(/"three"/, 'stdout')
    agent.child.kill(signal)
    assert.equal(await agent.ended, 0, agent.stderr)
    assert.match(agent.stderr, /Stopped; everything that was read has arrived\./)
    const again = yarder(t, dir, ['run', '--once', '-c', 'yarder.yaml'])
    assert.equal(await again.ended, 0)
    assert.equal(again.stdout, '', 'its position was written')
  })
}

test('SIGTERM ends it within shutdown_timeout although its output is away and its input is full', async t => {
  const fake = await startFakeElasticsearch()
  await fake.down()
  const dir = folder(t, {
    'yarder.yaml': `${QUIET}agent: { shutdown_timeout: 300ms }\ninputs: { in: { type: stdin } }\noutputs:\n  es: { type: elasticsearch, hosts: ['${fake.url}'], batch: { max_bytes: 1KiB } }\n`
  })
  const agent = yarder(t, dir, ['run', '-c', 'yarder.yaml'], { stdin: 'open' })
  agent.child.stdin!.write('x'.repeat(99).concat('\n').repeat(20_000))
  await agent.says(/ECONNREFUSED/)
  agent.child.kill('SIGTERM')
  const started = performance.now()
  assert.equal(await agent.ended, 0, agent.stderr)
  assert.ok(performance.now() - started < 5000, 'it did not wait for the output')
  assert.match(agent.stderr, /Stopped; what was not acknowledged is read again/)
})

test('SIGHUP takes over what changed; a wrong configuration is told and the old one stays', async t => {
  const config = (more: string): string =>
    `admin: { listen: 127.0.0.1:0 }\ninputs:\n  a: { type: file, paths: [a.log], start_at: beginning }\n${more}`
  const dir = folder(t, { 'yarder.yaml': config(''), 'a.log': 'from a\n', 'b.log': 'from b\n' })
  const path = join(dir, 'yarder.yaml')
  const agent = yarder(t, dir, ['run', '-c', 'yarder.yaml'])
  const address = /listen=(\S+)/.exec(await agent.says(STARTED))![1]!
  await agent.says(/"from a"/, 'stdout')
  const NAME = 'yarder_config_last_reload_successful'
  assert.equal(await metric(address, NAME), `${NAME} 1`)

  writeFileSync(path, config('  b: { type: file, pathz: [b.log] }\n'))
  agent.child.kill('SIGHUP')
  await agent.says(/\[ERROR\].*refused; the old one stays in force.*yarder\.yaml:4:\d+ inputs\.b\.pathz/)
  assert.equal(await metric(address, NAME), `${NAME} 0`)
  appendFileSync(join(dir, 'a.log'), 'a goes on\n')
  await agent.says(/"a goes on"/, 'stdout')
  assert.equal((await fetch(`http://${address}/health`)).status, 200)

  writeFileSync(path, config('  b: { type: file, paths: [b.log], start_at: beginning, tags: [new] }\n'))
  agent.child.kill('SIGHUP')
  await agent.says(/Configuration reloaded\./)
  await agent.says(/"from b"/, 'stdout')
  assert.equal(await metric(address, NAME), `${NAME} 1`)
  appendFileSync(join(dir, 'a.log'), 'a still goes on\n')
  await agent.says(/"a still goes on"/, 'stdout')
  agent.child.kill('SIGTERM')
  assert.equal(await agent.ended, 0)
  // The refusal, an error of the agent's own, went the way of all records.
  const [own, ...lines] = messages(agent.stdout).sort((x, y) => Number(/^[a-z]/.test(x)) - Number(/^[a-z]/.test(y)))
  assert.match(own!, /old one stays in force/)
  assert.deepEqual(lines.sort(), ['a goes on', 'a still goes on', 'from a', 'from b'])
})

test('the running agent answers on its control socket: status and levels, for a while', async t => {
  const dir = folder(t, { 'yarder.yaml': `${QUIET}inputs: { in: { type: stdin } }\n` })
  const agent = yarder(t, dir, ['run', '-c', 'yarder.yaml'], { stdin: 'open' })
  agent.child.stdin!.write('one\n')
  await agent.says(/"one"/, 'stdout')
  const ask = async (...argv: string[]): Promise<{ status: number | string; stdout: string; stderr: string }> => {
    const asked = yarder(t, dir, [...argv, '--data-dir', join(dir, 'state')])
    return { status: await asked.ended, stdout: asked.stdout, stderr: asked.stderr }
  }
  const status = await ask('status')
  assert.equal(status.status, 0, status.stderr)
  const told = JSON.parse(status.stdout) as {
    pid: number
    state: string
    inputs: { name: string }[]
    outputs: { name: string }[]
  }
  assert.equal(told.pid, agent.child.pid)
  assert.equal(told.state, 'green')
  assert.deepEqual([told.inputs.map(i => i.name), told.outputs.map(o => o.name)], [['in'], ['stdout']])
  assert.equal(statSync(join(dir, 'state/yarder.sock')).mode & 0o777, 0o600)

  const level = async (): Promise<number | undefined> => {
    const { stdout } = await ask('log-level')
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { subsystem: string; level: number })
    return rows.find(row => row.subsystem === 'output')?.level
  }
  const before = await level()
  const changed = await ask('log-level', 'output', '20', '--for', '2s')
  assert.equal(changed.status, 0, changed.stderr)
  assert.match(changed.stdout, /"subsystem":"output","level":20,"until":\d+/)
  await t.waitFor(async () => assert.equal(await level(), before), PATIENCE)

  agent.child.stdin!.end()
  assert.equal(await agent.ended, 0)
  const gone = await ask('status')
  assert.equal(gone.status, 1)
  assert.match(gone.stderr, /^yarder status: .*no agent runs there/)
})

test('with files and no configuration it prints them and leaves nothing behind', async t => {
  const dir = folder(t, { 'a.log': 'WARN: one\n', 'b.log': 'two\n' })
  const tmp = folder(t)
  const agent = yarder(t, dir, ['run', '--once', 'a.log', 'b.log'], { env: { TMPDIR: tmp } })
  assert.equal(await agent.ended, 0, agent.stderr)
  assert.deepEqual(messages(agent.stdout).sort(), ['WARN: one', 'two'])
  assert.equal(existsSync(join(dir, 'state')), false)
  assert.deepEqual(readdirSync(tmp), [])
})

test('a folder is no log, and what is not there cannot be read to its end', async t => {
  const dir = folder(t)
  const told = async (...argv: string[]): Promise<[number | string, string, string]> => {
    const it = yarder(t, dir, ['run', ...argv])
    return [await it.ended, it.stdout, it.stderr]
  }
  assert.deepEqual(await told('.'), [2, '', 'yarder run: . is a folder; name its files: yarder run *.log\n'])
  assert.deepEqual(await told('gone.log', '--once'), [1, '', 'yarder run: gone.log: there is no such file\n'])
})
