import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { freemem, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkFaults, runCheck } from '../../../test/lib/check.ts'
import { memory } from './memory.ts'

test('it agrees with the system on the memory of this host', async () => {
  const { state, message, values = {} } = await runCheck(memory, { warning: '100%', critical: '100%' })
  assert.equal(state, 'ok')
  assert.match(message, /^\d+\.\d % of the memory is in use$/)
  assert.equal(values['total_bytes'], totalmem())
  // Node says "free" for the same number, a moment later.
  const near = Math.abs(values['available_bytes']! - freemem())
  assert.ok(near < totalmem() / 10, String(near))
})

test('memory and swap are judged each by its limits', async t => {
  const proc = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(proc, { recursive: true }))
  const is = (available: number, swapFree: number, swapTotal = 1000): void =>
    writeFileSync(
      join(proc, 'meminfo'),
      `MemTotal:        1000 kB\nMemFree:           10 kB\nMemAvailable:    ${available} kB\nSwapTotal:  ${swapTotal} kB\nSwapFree:   ${swapFree} kB\n`
    )
  const look = async (): Promise<string> => {
    const { state, reason, message } = await runCheck(memory, { proc, swap_warning: '50%' })
    return `${state} ${reason}: ${message}`
  }
  is(500, 900)
  assert.equal(await look(), 'ok ok: 50.0 % of the memory is in use')
  is(80, 900)
  assert.equal(await look(), 'warning limit: 92.0 % of the memory is in use, expected at most 90%')
  is(40, 400)
  assert.equal(
    await look(),
    'critical limit: 96.0 % of the memory is in use, expected at most 95%; 60.0 % of the swap is in use, expected at most 50%'
  )
  is(500, 0, 0)
  assert.equal(await look(), 'ok ok: 50.0 % of the memory is in use')
  writeFileSync(join(proc, 'meminfo'), '')
  assert.match(await look(), /^unknown error: .*meminfo says nothing about memory$/)
})

test('a warning above the critical is told', () => {
  assert.deepEqual(checkFaults(memory, { warning: '96%' }), ['warning: must not be above critical'])
})
