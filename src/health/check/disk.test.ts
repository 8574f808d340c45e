import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { checkFaults, runCheck } from '../../../test/lib/check.ts'
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
    return `${run.state} ${run.reason} ${/^\/ is \d+\.\d % full$/.test(run.message)}`
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
  assert.deepEqual(checkFaults(disk, { path: '/', warning: 85 }), [
    'warning: must be a percentage such as "85%", got 85'
  ])
  assert.deepEqual(checkFaults(disk, { path: '/', warning: '101%' }), [
    'warning: must be a percentage such as "85%", got "101%"'
  ])
  assert.deepEqual(checkFaults(disk, { path: '/', warning: '96%' }), ['warning: must not be above critical'])
})
