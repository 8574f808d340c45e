import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCheck } from '../../../test/lib/check.ts'
import { load } from './load.ts'

test('it agrees with the system on the load of this host', async () => {
  const { values = {} } = await runCheck(load, { warning: '1000', critical: '1000' })
  const [, , quarter] = loadavg()
  assert.ok(Math.abs(values['load15']! - quarter!) < 0.2, `${values['load15']} and ${quarter}`)
})

test('each average can be chosen, whole or for each processor', async t => {
  const proc = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(proc, { recursive: true }))
  const cores = availableParallelism()
  writeFileSync(join(proc, 'loadavg'), `${cores * 5} ${cores * 3} ${cores} 2/209 11994\n`)
  const look = async (options: Record<string, unknown>): Promise<string> => {
    const { state, reason, message } = await runCheck(load, { proc, ...options })
    return `${state} ${reason}: ${message}`
  }
  assert.equal(
    await look({ over: '1m' }),
    `critical limit: the load over 1m is 5.00 a processor (${cores * 5} on ${cores}), expected at most 4`
  )
  assert.match(await look({}), /^warning limit: the load over 5m is 3\.00 a processor .*, expected at most 2$/)
  assert.match(await look({ over: '15m' }), /^ok ok: the load over 15m is 1\.00 a processor/)
  assert.equal(
    await look({ per_core: false, warning: cores * 3, critical: 1000 }),
    `ok ok: the load over 5m is ${cores * 3}`
  )
  writeFileSync(join(proc, 'loadavg'), 'x\n')
  assert.match(await look({}), /^unknown error: .*loadavg holds no load$/)
})
