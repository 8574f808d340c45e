import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { buildCheck, checkFaults, runCheck } from '../../../test/lib/check.ts'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { createStore } from '../../metrics/store.ts'
import { createShared } from '../shared.ts'
import type { Runner } from '../run.ts'
import { processCheck } from './process.ts'

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Ends the process with the test. */
async function own(t: TestContext, child: ChildProcess): Promise<void> {
  await once(child, 'spawn')
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  })
}

/** Starts a copy of sleep under this name. */
async function start(t: TestContext, name: string): Promise<ChildProcess> {
  const file = join(folder(t), name)
  copyFileSync('/bin/sleep', file)
  const child = spawn(file, ['300'])
  await own(t, child)
  return child
}

test('a process is found by its whole name, short or long', async t => {
  const short = `y${process.pid}`
  const long = `yarder-test-with-a-long-name-${process.pid}`
  await start(t, short)
  await start(t, long)
  for (const name of [short, long]) {
    const run = await runCheck(processCheck, { process: name })
    assert.deepEqual([run.state, run.message], ['ok', `1 process called ${name}`])
    assert.ok(run.values!['memory_bytes']! > 0 && run.values!['age_seconds']! < 60)
  }
  for (const part of [short.slice(0, -1), long.slice(0, 15), long.slice(0, -1)])
    assert.equal((await runCheck(processCheck, { process: part })).reason, 'missing', part)
})

test('neither the agent nor a process that has the name among its arguments counts', async t => {
  // The book's `ps | grep apache` finds the grep.
  const name = `apache${process.pid}`
  await own(t, spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', name]))
  const before = process.title
  process.title = name
  t.after(() => {
    process.title = before
  })
  const run = await runCheck(processCheck, { process: name })
  assert.deepEqual(
    [run.state, run.reason, run.message],
    ['critical', 'missing', `0 processes called ${name}, expected at least 1`]
  )
})

test('too few and too many are critical', async t => {
  const name = `z${process.pid}`
  await start(t, name)
  await start(t, name)
  const count = async (min: number, max?: number): Promise<string> =>
    (await runCheck(processCheck, { process: name, min, ...(max === undefined ? {} : { max }) })).reason
  assert.deepEqual(
    [await count(1), await count(2, 2), await count(3), await count(0, 1)],
    ['ok', 'ok', 'count', 'count']
  )
  assert.equal((await runCheck(processCheck, { process: 'no-such', min: 0, max: 0 })).state, 'ok')
})

test('zombies do not count, and odd names are read right', async t => {
  const proc = folder(t)
  const add = (pid: string, stat: string, cmdline: string): void => {
    mkdirSync(join(proc, pid))
    writeFileSync(join(proc, pid, 'stat'), stat)
    writeFileSync(join(proc, pid, 'comm'), `${stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))}\n`)
    writeFileSync(join(proc, pid, 'cmdline'), cmdline)
  }
  add('11', '11 (nginx) Z 1 11', '')
  add('12', '12 (nginx) S 1 12', 'nginx: worker process\0')
  add('13', '13 (a) b) R 1 13', '/opt/a) b\0-x\0')
  add('14', '14 (kworker/0:1) I 2 0', '')
  mkdirSync(join(proc, '15'))
  writeFileSync(join(proc, 'uptime'), '100.00 50.00\n')
  const count = async (name: string): Promise<number> =>
    (await runCheck(processCheck, { process: name, min: 0, proc })).values!['count']!
  assert.deepEqual([await count('nginx'), await count('a) b'), await count('b')], [1, 1, 0])
  assert.equal((await runCheck(processCheck, { process: 'x', proc: join(proc, 'gone') })).state, 'unknown')
})

test('what it uses is judged: memory, processor, open files and age', async t => {
  const name = `busy${process.pid}`
  const file = join(folder(t), name)
  copyFileSync(process.execPath, file)
  const work = 'const f = []; for (let i = 0; i < 50; i++) f.push(require("fs").openSync("/dev/null")); for (;;);'
  const child = spawn(file, ['-e', work], { stdio: 'ignore' })
  await own(t, child)
  const options = {
    process: name,
    memory_warning: '1KiB',
    cpu_critical: 1,
    descriptors_warning: 40,
    age_warning: '1h:'
  }
  const runner = buildCheck(processCheck, options)
  const { signal } = new AbortController()
  const run = await t.waitFor(
    async () => {
      const result = await runner.run(signal)
      assert.ok(result.values!['descriptors']! > 50 && result.values!['cpu_percent']! > 1)
      return result
    },
    { timeout: 20_000, interval: 100 }
  )
  assert.deepEqual([run.state, run.reason], ['critical', 'limit'])
  assert.match(run.message, /^busy\d+ uses [\d.]+ % of a processor, expected at most 1; /)
  assert.match(run.message, /holds [\d.]+ MiB of memory, expected at most 1KiB/)
  assert.match(run.message, /has \d+ files open, expected at most 40/)
  assert.match(run.message, /started \d+ s ago, expected at least 1h/)
  assert.equal((await runCheck(processCheck, { process: name, descriptors_warning: 4000 })).state, 'ok')
})

test('open files that are not the agent’s to see are unknown, not few', async t => {
  if (process.getuid?.() === 0) return t.skip('root sees all')
  const run = await runCheck(processCheck, { process: 'systemd', min: 0, descriptors_warning: 10 })
  if (run.values!['count'] === 0) return t.skip('no process of another user is known')
  assert.deepEqual([run.state, run.reason], ['unknown', 'permission'])
})

test('a path is no name', () => {
  assert.match(checkFaults(processCheck, { process: '/usr/sbin/nginx' })[0] ?? '', /must be a name without a path/)
})

test('checks of one agent share a walk; none misses what runs, or finds a process that has ended since', async t => {
  const name = `s${process.pid}`
  const clock = manualClock()
  const around = { clock, agent: { metrics: createStore(), watch: () => () => {}, shared: createShared(clock) } }
  const look = (process: string, min: number): Runner => buildCheck(processCheck, { process, min }, 10_000, around)
  const [one, other, needed] = [look(name, 0), look('no-such', 0), look(name, 1)]
  const count = async (runner: Runner): Promise<number> =>
    (await runner.run(new AbortController().signal)).values!['count']!
  assert.deepEqual([await count(other), await count(one)], [0, 0])
  const child = await start(t, name)
  assert.equal(await count(one), 0, 'the walk was before')
  assert.equal(await count(needed), 1, 'who would be missed is looked for anew')
  await clock.advance(5000)
  assert.equal(await count(one), 1)
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
  assert.deepEqual([await count(one), await count(needed)], [0, 0])
})
