// Starting, waiting for and ending real programs.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { exclusively, freePort, run, start, until } from './process.ts'

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'yarder-process-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

test('a program that ignores SIGTERM is killed, and its own child with it', async t => {
  const logFile = join(await folder(t), 'log')
  const script = 'trap "" TERM; sleep 600 & echo child $!; while :; do wait; done'
  const shell = await start(['/bin/sh', '-c', script], { logFile })
  t.after(() => shell.stop(0))
  const child = Number(await until('the child', async () => /child (\d+)/.exec(await readFile(logFile, 'utf8'))?.[1]))
  await shell.stop(50)
  await until('both to be gone', () => [shell.pid, child].every(gone), 5_000)
})

test('a program that ended by itself is told with the end of its log', async t => {
  const logFile = join(await folder(t), 'log')
  const shell = await start(['/bin/sh', '-c', 'echo no such luck; exit 3'], { logFile })
  await until('its end', () => shell.child.exitCode !== null)
  assert.throws(() => shell.check(), /ended with 3: no such luck/)
  await shell.stop()
})

test('a failing command rejects with its status and output', async () => {
  await assert.rejects(run(['/bin/sh', '-c', 'echo out; echo err >&2; exit 4']), /status 4: out\nerr/)
  assert.equal(await run(['/bin/echo', 'a b']), 'a b\n')
})

test('waiting for what never comes ends with its name', async () => {
  await assert.rejects(
    until('the moon', () => false, 60),
    /waited 60 ms for the moon/
  )
})

test('two tasks of one name run one after the other', async () => {
  const name = `self-test-${await freePort()}`
  const order: string[] = []
  let release = (): void => undefined
  const held = new Promise<void>(resolve => (release = resolve))
  const first = exclusively(name, async () => {
    order.push('first in')
    await held
    order.push('first out')
  })
  await until('the first to hold the lock', () => order.length === 1)
  const second = exclusively(name, async () => order.push('second in'))
  await exclusively(`${name}-other`, async () => order.push('another name'))
  release()
  await Promise.all([first, second])
  assert.deepEqual(order, ['first in', 'another name', 'first out', 'second in'])
})

function gone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}
