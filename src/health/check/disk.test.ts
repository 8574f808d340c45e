import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { buildCheck, checkFaults, runCheck } from '../../../test/lib/check.ts'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { disk } from './disk.ts'

test('it agrees with df on space and inodes', async () => {
  const run = await runCheck(disk, { path: tmpdir() })
  const df = (what: string): number =>
    Number(
      execFileSync('df', ['-B1', `--output=${what}`, tmpdir()], { encoding: 'utf8' })
        .split('\n')[1]!
        .replace('%', '')
    )
  const close = (a: number, b: number, within: number, what: string): void =>
    assert.ok(Math.abs(a - b) <= within, `${what}: ${a} and ${b}`)
  const { values = {} } = run
  close(values['used_percent']!, df('pcent'), 1.1, 'percent')
  close(values['available_bytes']!, df('avail'), df('avail') / 100, 'available')
  close(values['used_bytes']!, df('used'), df('used') / 100 + 1e6, 'used')
  const inodes = df('ipcent')
  if (Number.isFinite(inodes)) close(values['inodes_used_percent']!, inodes, 1.1, 'inodes')
})

test('the limits decide, and the message says how full it is', async () => {
  const state = async (warning: string, critical: string): Promise<string> => {
    const run = await runCheck(disk, { path: '/', warning, critical })
    return `${run.state} ${run.reason} ${/^\/ is \d+\.\d % full(, expected at most 0%)?$/.test(run.message)}`
  }
  assert.equal(await state('100%', '100%'), 'ok ok true')
  assert.equal(await state('0%', '100%'), 'warning space true')
  assert.equal(await state('0%', '0%'), 'critical space true')
  const inodes = await runCheck(disk, { path: '/', warning: '100%', critical: '100%', inodes_warning: '0%' })
  assert.deepEqual([inodes.state, inodes.reason], ['warning', 'inodes'])
})

test('a path that is not there is critical', async () => {
  const run = await runCheck(disk, { path: '/no/such/mount' })
  assert.deepEqual([run.state, run.reason], ['critical', 'missing'])
})

test('percentages are written as such, and in order', () => {
  for (const warning of [85, '101%'])
    assert.deepEqual(checkFaults(disk, { path: '/', warning }), [
      `warning: must be a range such as "85%" (at most) or "85%:" (at least), got ${JSON.stringify(warning)}`
    ])
  assert.deepEqual(checkFaults(disk, { path: '/', warning: '96%' }), ['warning: must not be above critical'])
  assert.deepEqual(checkFaults(disk, { path: '/', full_within_warning: '1h', full_within_critical: '2h' }), [
    'full_within_warning: must not be below full_within_critical'
  ])
})

/** A small file system of its own; undefined for those who may not mount. */
function smallDisk(t: TestContext): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  let mounted = false
  t.after(() => {
    if (mounted) execFileSync('umount', [dir])
    rmSync(dir, { recursive: true })
  })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'yarder-test', dir], { stdio: 'pipe' })
    mounted = true
  } catch {
    return undefined
  }
  return dir
}

test('a disk that fills is told before it is full, and when it is', async t => {
  const dir = smallDisk(t)
  if (dir === undefined) return t.skip('only root may mount')
  const clock = manualClock()
  const options = { path: dir, full_within_warning: '24h', full_within_critical: '30m', trend_over: '10m' }
  const runner = buildCheck(disk, options, 5000, { clock })
  const { signal } = new AbortController()
  const look = async (kib: number): Promise<string> => {
    appendFileSync(join(dir, 'log'), Buffer.alloc(kib * 1024, 'x'))
    const { state, reason, message } = await runner.run(signal)
    await clock.advance(60_000)
    return `${state} ${reason}: ${message.replace(dir, 'DISK')}`
  }
  const words: string[] = []
  for (let minute = 0; minute < 6; minute++) words.push(await look(8))
  // 8 KiB a minute, and some 4 MiB to fill: over eight hours.
  assert.match(words[0]!, /^ok ok: DISK is 0\.2 % full$/)
  assert.match(words[5]!, /^warning space: DISK will be full in 8\.\d hours at this rate$/)
  let last = ''
  for (let minute = 0; minute < 5; minute++) last = await look(300)
  assert.match(last, /^critical space: DISK will be full in 0\.\d hours at this rate$/)
  assert.throws(() => appendFileSync(join(dir, 'log'), Buffer.alloc(5_000_000)), /ENOSPC/)
  const full = await runner.run(signal)
  assert.match(full.message, /is 100\.0 % full, expected at most 95%/)
})

test('a disk that the kernel made read-only is critical, unless it may be', async t => {
  const dir = smallDisk(t)
  if (dir === undefined) return t.skip('only root may mount')
  assert.equal((await runCheck(disk, { path: dir })).state, 'ok')
  execFileSync('mount', ['-o', 'remount,ro', dir])
  const run = await runCheck(disk, { path: dir })
  assert.deepEqual([run.state, run.reason, run.message], ['critical', 'read_only', `${dir} is mounted read-only`])
  assert.equal((await runCheck(disk, { path: dir, read_only: true })).state, 'ok')
})
