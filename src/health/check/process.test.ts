import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { checkFaults, runCheck } from '../../../test/lib/check.ts'
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
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  })
}

/** Starts a copy of sleep under this name. */
async function start(t: TestContext, name: string): Promise<void> {
  const file = join(folder(t), name)
  copyFileSync('/bin/sleep', file)
  await own(t, spawn(file, ['300']))
}

test('a process is found by its whole name, short or long', async t => {
  const short = `y${process.pid}`
  const long = `yarder-test-with-a-long-name-${process.pid}`
  await start(t, short)
  await start(t, long)
  for (const name of [short, long]) {
    const run = await runCheck(processCheck, { process: name })
    assert.deepEqual([run.state, run.message], ['ok', `1 process called ${name}`])
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
    writeFileSync(join(proc, pid, 'cmdline'), cmdline)
  }
  add('11', '11 (nginx) Z 1 11', '')
  add('12', '12 (nginx) S 1 12', 'nginx: worker process\0')
  add('13', '13 (a) b) R 1 13', '/opt/a) b\0-x\0')
  add('14', '14 (kworker/0:1) I 2 0', '')
  mkdirSync(join(proc, '15'))
  const count = async (name: string): Promise<number> =>
    (await runCheck(processCheck, { process: name, min: 0, proc })).values!['count']!
  assert.deepEqual([await count('nginx'), await count('a) b'), await count('b')], [1, 1, 0])
  assert.equal((await runCheck(processCheck, { process: 'x', proc: join(proc, 'gone') })).state, 'unknown')
})

test('a path is no name', () => {
  assert.match(checkFaults(processCheck, { process: '/usr/sbin/nginx' })[0] ?? '', /must be a name without a path/)
})
