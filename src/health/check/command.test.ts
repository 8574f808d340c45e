import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { checkFaults, runCheck } from '../../../test/lib/check.ts'
import { command } from './command.ts'

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A script, since the tests need programs that do odd things; the check itself never sees a shell. */
function script(t: TestContext, text: string): string {
  const file = join(folder(t), 'plugin')
  writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  return file
}

/** True while a process of this number lives and is no zombie. */
function lives(pid: string): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid.trim()}/stat`, 'latin1'))
  } catch {
    return false
  }
}

/** Waits for a fact about the machine, which tells nobody when it changes. */
async function until(fact: () => boolean): Promise<void> {
  for (const end = performance.now() + 5000; !fact();) {
    assert.ok(performance.now() < end, 'it has not come about')
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

test('the exit status is the state, as with Nagios plugins', async t => {
  for (const [status, state] of [
    [0, 'ok'],
    [1, 'warning'],
    [2, 'critical'],
    [3, 'unknown'],
    [127, 'unknown']
  ] as const) {
    const run = await runCheck(command, { command: [script(t, `echo said; exit ${status}`)] })
    assert.deepEqual([run.state, run.reason], [state, status === 0 ? 'ok' : 'exit'])
    assert.equal(run.message, status === 127 ? 'exit status 127: said' : 'said')
  }
  const killed = await runCheck(command, { command: [script(t, 'kill -9 $$')] })
  assert.deepEqual([killed.state, killed.message], ['unknown', 'ended by SIGKILL'])
})

test('the first line is the message and performance data are values', async t => {
  const text = `echo "DISK OK - free space: / 3326 MB | /=2643MB;5948;5958;0;5968 'a b'=1.5s;2 load=-0.25 bad=U"; echo more`
  const run = await runCheck(command, { command: [script(t, text)] })
  assert.equal(run.message, 'DISK OK - free space: / 3326 MB')
  assert.deepEqual({ ...run.values }, { '/': 2643 * 1024 ** 2, 'a b': 1.5, load: -0.25 })
})

test('no plugin can bring more than 50 numbers, and milliseconds are seconds', async t => {
  const text = 'printf "OK | rta=1.5ms;"\nfor i in $(seq 1000); do printf " n$i=$i"; done'
  const { values = {} } = await runCheck(command, { command: [script(t, text)] })
  assert.deepEqual([Object.keys(values).length, values['rta'], values['n49']], [50, 0.0015, 49])
})

test("the book's pair: sleep 3 with a limit of 4 s passes, with 1 s it times out and is killed", async () => {
  const [passes, fails] = await Promise.all([
    runCheck(command, { command: ['sleep', '3'] }, 4000),
    runCheck(command, { command: ['sleep', '3'] }, 1000)
  ])
  assert.deepEqual([passes.state, passes.message], ['ok', 'exit status 0'])
  assert.ok(passes.seconds >= 3 && passes.seconds < 4, String(passes.seconds))
  assert.deepEqual([fails.state, fails.reason, fails.message], ['critical', 'timeout', 'timed out after 1 second'])
  assert.ok(fails.seconds >= 0.999 && fails.seconds < 2.5, String(fails.seconds))
  assert.match(fails.error?.stack ?? '', /timed out after 1 second\n\s+at /)
})

test('at the limit the whole group dies: children, and those who ignore signals', async t => {
  const dir = folder(t)
  const file = script(
    t,
    `trap '' TERM INT HUP\nsleep 300 &\necho $! > ${dir}/child\necho $$ > ${dir}/self\nwait\nsleep 300`
  )
  const run = await runCheck(command, { command: [file] }, 500)
  assert.equal(run.reason, 'timeout')
  for (const name of ['self', 'child']) {
    const pid = readFileSync(join(dir, name), 'utf8')
    await until(() => !lives(pid))
  }
})

test('a program that leaves a child with its output open ends when it ends', async t => {
  const dir = folder(t)
  const run = await runCheck(command, { command: [script(t, `sleep 300 &\necho $! > ${dir}/child\necho done`)] })
  assert.deepEqual([run.state, run.message], ['ok', 'done'])
  assert.ok(run.seconds < 3, String(run.seconds))
  const pid = readFileSync(join(dir, 'child'), 'utf8')
  await until(() => !lives(pid))
})

test('10 MB of output neither block it nor are kept', async t => {
  const run = await runCheck(command, { command: [script(t, 'head -c 10000000 /dev/zero | tr "\\0" x; exit 1')] })
  assert.deepEqual([run.state, run.message.length], ['warning', 500])
})

test('an argument is an argument: no shell ever reads it', async t => {
  const dir = folder(t)
  const victim = join(dir, 'important')
  writeFileSync(victim, '')
  const argument = `some_dir && rm -rf ${victim}; $(rm ${victim}) \`rm ${victim}\``
  const run = await runCheck(command, { command: ['echo', argument] })
  assert.equal(run.message, argument)
  assert.ok(existsSync(victim))
  assert.deepEqual(checkFaults(command, { command: 'ls | wc -l' }), [
    'command: must be a list, the program and each argument an item, got "ls | wc -l"; no shell reads it'
  ])
})

test('a program that is not there is unknown, not an end of the agent', async () => {
  const run = await runCheck(command, { command: ['/no/such/plugin', '-x'] })
  assert.deepEqual([run.state, run.reason], ['unknown', 'start'])
  assert.match(run.message, /^starting \/no\/such\/plugin: .*ENOENT/)
})

test('it gets a bare environment and what its options add', async t => {
  process.env['YARDER_TEST_SECRET'] = 'x'
  t.after(() => delete process.env['YARDER_TEST_SECRET'])
  const run = await runCheck(command, { command: [script(t, 'echo "$YARDER_TEST_SECRET,$A"')], env: { A: 'b' } })
  assert.equal(run.message, ',b')
})
