import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { makeRecords } from '../../test/lib/records.ts'
import { systemClock } from '../core/clock.ts'
import { silentInstruments } from '../core/instruments.ts'
import { silentLog } from '../core/log.ts'
import { DeadLetters, readDeadLetters } from '../output/dead-letter.ts'
import { Delivery, deliveryOptions } from '../output/delivery.ts'
import { deadLetterActions } from './dead-letters.ts'
import type { JobsAnswer } from './dead-letters.ts'

interface Rig {
  readonly dataDir: string
  readonly gate: PromiseWithResolvers<void>
  act(action: string, body: object): Promise<JobsAnswer>
  letters(output: string): Promise<string[]>
}

/** The output `elastic` runs and answers once the gate is open; `old` is no longer configured. Each has two letters. */
async function rig(t: TestContext): Promise<Rig> {
  const dataDir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  for (const output of ['elastic', 'old']) {
    const letters = new DeadLetters({ dataDir, output, clock: systemClock })
    const records = makeRecords({ docs: [{ n: 0 }, { n: 1 }], offsets: [0, 1], sourceId: output })
    const why = { reason: 'no', status: 400, target: 'i', id: undefined }
    await letters.write([
      { records, row: 0, ...why },
      { records, row: 1, ...why }
    ])
    await letters.close()
  }
  const gate = Promise.withResolvers<void>()
  const output = {
    send: async () => {
      await gate.promise
      return { retry: [], rejected: [] }
    },
    close: () => Promise.resolve()
  }
  const context = { name: 'elastic', log: silentLog, clock: systemClock, instruments: silentInstruments, dataDir }
  const delivery = new Delivery({ type: 'memory', output, options: deliveryOptions({}), context })
  delivery.start()
  t.after(() => delivery.close())
  const outlets = {
    names: ['elastic'],
    delivery: (name: string) => (name === 'elastic' ? delivery : undefined)
  }
  const actions = deadLetterActions(() => dataDir, outlets, systemClock)
  return {
    dataDir,
    gate,
    act: async (action, body) => (await actions[action]!({ dataDir, selector: {}, ...body })) as JobsAnswer,
    letters: async output => (await Array.fromAsync(readDeadLetters(dataDir, output))).map(letter => letter.id)
  }
}

async function ended(r: Rig, outputs: string[]): Promise<JobsAnswer> {
  for (;;) {
    const answer = await r.act('dlq-jobs', { outputs })
    if (answer.jobs.every(job => job.state !== 'running')) return answer
    await new Promise(resolve => setImmediate(resolve))
  }
}

test('a replay is started, refused a second time while it runs, and reports its end', async t => {
  const r = await rig(t)
  const { jobs } = await r.act('dlq-replay', { outputs: ['elastic'] })
  assert.deepEqual(
    jobs.map(job => [job.output, job.kind, job.state]),
    [['elastic', 'replay', 'running']]
  )
  await assert.rejects(r.act('dlq-replay', { outputs: ['elastic'] }), { message: /a replay .* is under way/ })
  await assert.rejects(r.act('dlq-drop', {}), { message: /a replay .* is under way/ })
  r.gate.resolve()
  const [job] = (await ended(r, ['elastic'])).jobs
  assert.deepEqual([job!.state, job!.done], ['done', 2])
  assert.deepEqual(await r.letters('elastic'), [])
})

test('letters of an output that is no longer configured can be dropped, not replayed', async t => {
  const r = await rig(t)
  await assert.rejects(r.act('dlq-replay', { outputs: ['elastic', 'old'] }), {
    code: 'USAGE',
    message: /no output "old" .*known are elastic/
  })
  assert.equal((await r.letters('elastic')).length, 2)
  await r.act('dlq-drop', { outputs: ['old'], selector: { ids: ['old-1'] } })
  assert.equal((await ended(r, ['old'])).jobs[0]!.done, 1)
  assert.deepEqual(await r.letters('old'), ['old-0'])
  r.gate.resolve()
  const { jobs } = await r.act('dlq-replay', {})
  assert.deepEqual(
    jobs.map(job => job.output),
    ['elastic']
  )
  await ended(r, ['elastic'])
})

test("an agent leaves another one's letters alone, and knows its own folder by any name", async t => {
  const r = await rig(t)
  const other = await r.act('dlq-drop', { dataDir: tmpdir() })
  assert.deepEqual(other, { jobs: [], elsewhere: r.dataDir })
  const link = `${r.dataDir}-link`
  symlinkSync(r.dataDir, link)
  t.after(() => rmSync(link))
  assert.equal((await r.act('dlq-drop', { dataDir: link })).jobs.length, 2)
  assert.deepEqual(
    (await ended(r, ['elastic', 'old'])).jobs.map(job => job.done),
    [2, 2]
  )
})

test('a replay that is asked to stop ends after what is under way', async t => {
  const r = await rig(t)
  await r.act('dlq-replay', { outputs: ['elastic'] })
  await r.act('dlq-stop', { outputs: ['elastic'] })
  r.gate.resolve()
  const [job] = (await ended(r, ['elastic'])).jobs
  assert.ok(['stopped', 'done'].includes(job!.state))
  assert.equal((await r.letters('elastic')).length, 2 - job!.done)
})
