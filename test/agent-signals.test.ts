// Holds what signals do to a running agent: a reload of all it reads, and an end that does not wait.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startFakeElasticsearch } from './lib/fake-elasticsearch.ts'

const PATIENCE = { timeout: 20_000, interval: 20 }

interface Running {
  readonly child: ChildProcess
  readonly dir: string
  readonly ended: Promise<number | string>
  readonly stderr: string
  says(pattern: RegExp): Promise<void>
}

function run(t: TestContext, config: string, files: Record<string, string> = {}): Running {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  for (const [name, text] of Object.entries({ 'yarder.yaml': config, ...files })) writeFileSync(join(dir, name), text)
  const child = spawn(join(import.meta.dirname, '../bin/yarder'), ['run', '-c', 'yarder.yaml'], {
    cwd: dir,
    env: { PATH: process.env['PATH'], STATE_DIRECTORY: join(dir, 'state') }
  })
  let [said, over] = ['', false]
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => void (said += chunk.toString()))
  const ended = once(child, 'close').then(([code, signal]) => {
    over = true
    return (code ?? signal) as number | string
  })
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(dir, { recursive: true, force: true })
  })
  return {
    child,
    dir,
    ended,
    get stderr() {
      return said
    },
    async says(pattern) {
      await t.waitFor(() => assert.ok(over || pattern.test(said), `it has not said ${pattern}`), PATIENCE)
      assert.match(said, pattern)
    }
  }
}

test('a reload that changes the only input is no end: the agent reads on', async t => {
  const config = (more: string): string =>
    `admin: { enabled: false }\ninputs:\n  a: { type: file, paths: [a.log], start_at: beginning${more} }\n`
  const it = run(t, config(''), { 'a.log': 'first line\n' })
  await it.says(/first line/)
  writeFileSync(join(it.dir, 'yarder.yaml'), config(', tags: [x]'))
  it.child.kill('SIGHUP')
  await it.says(/Configuration reloaded\./)
  appendFileSync(join(it.dir, 'a.log'), 'second line\n')
  await it.says(/second line/)
  it.child.kill('SIGTERM')
  assert.equal(await it.ended, 0)
})

test('a reload that would open standard input again is refused, and it is read on', async t => {
  const config = (more: string): string => `admin: { enabled: false }\ninputs: { in: { type: stdin${more} } }\n`
  const it = run(t, config(''))
  it.child.stdin!.write('first line\n')
  await it.says(/first line/)
  writeFileSync(join(it.dir, 'yarder.yaml'), config(', tags: [x]'))
  it.child.kill('SIGHUP')
  await it.says(/refused; the old one stays in force.*inputs\.in reads a stream/)
  it.child.stdin!.end('second line\n')
  assert.equal(await it.ended, 0)
  await it.says(/"second line"/)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`a second ${signal} while it drains ends it at once, with a line that says so`, async t => {
    const fake = await startFakeElasticsearch()
    await fake.down()
    const it = run(
      t,
      `agent: { shutdown_timeout: 10m }\nadmin: { enabled: false }\noutputs:\n  es: { type: elasticsearch, hosts: ['${fake.url}'] }\ninputs:\n  a: { type: file, paths: [a.log], start_at: beginning }\n`,
      { 'a.log': 'one\n' }
    )
    await it.says(/ECONNREFUSED/)
    it.child.kill('SIGTERM')
    await it.says(/Stopping/)
    it.child.kill(signal)
    assert.equal(await it.ended, 1)
    await it.says(new RegExp(`Ended at once by a second signal; what was not acknowledged.*signal=${signal}`))
  })
}
