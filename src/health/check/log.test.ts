import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildCheck, checkFaults, runCheck } from '../../../test/lib/check.ts'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { context, cursorAt } from '../../../test/lib/step.ts'
import type { AgentView } from '../../core/component.ts'
import { readFields } from '../../core/field.ts'
import { createStore } from '../../metrics/store.ts'
import { Taps } from '../taps.ts'
import { logCheck } from './log.ts'

function watch(options: Record<string, unknown>) {
  const clock = manualClock()
  const taps = new Taps()
  const agent: AgentView = { metrics: createStore(), watch: (input, see) => taps.watch(input, see) }
  const runner = buildCheck(logCheck, options, 1000, { clock, agent })
  return {
    clock,
    /** Records of an input, as they leave its pipeline. */
    records: (count: number, response = 200, input = 'nginx'): void => {
      for (let i = 0; i < count; i++) taps.of(input)({ message: `GET ${response}`, response }, cursorAt())
    },
    look: async (): Promise<string> => {
      const { state, reason, message } = await runner.run(new AbortController().signal)
      return `${state} ${reason}: ${message}`
    }
  }
}

test('silence is told once the whole time was seen, and not before', async () => {
  const { clock, records, look } = watch({ input: 'nginx', over: '10m', critical: '1:' })
  assert.equal(await look(), 'ok ok: 0 records of nginx in 10 min')
  await clock.advance(9 * 60_000)
  records(5, 200, 'other')
  assert.match(await look(), /^ok/)
  await clock.advance(60_000)
  assert.equal(await look(), 'critical limit: 0 records of nginx in 10 min, expected at least 1')
  records(1)
  assert.equal(await look(), 'ok ok: 1 records of nginx in 10 min')
  await clock.advance(10 * 60_000 - 1)
  assert.match(await look(), /^ok/)
  await clock.advance(1)
  assert.match(await look(), /^critical/)
})

test('a part of all records is judged over its time, and the last record that counted is shown', async () => {
  const { clock, records, look } = watch({
    input: 'nginx',
    when: { response: { gte: 500 } },
    take: 'percent',
    over: '5m',
    warning: 1,
    critical: 5
  })
  await look()
  records(10, 503)
  assert.equal(await look(), 'ok ok: 10 records of nginx in 5 min are too few to judge')
  records(90)
  await clock.advance(60_000)
  assert.equal(
    await look(),
    'critical limit: 10.0 % of 100 records of nginx in 5 min, expected at most 5; the last: GET 503'
  )
  records(400)
  assert.match(await look(), /^warning limit: 2\.0 % of 500 records/)
  await clock.advance(5 * 60_000)
  records(30)
  assert.equal(await look(), 'ok ok: 0.0 % of 30 records of nginx in 5 min')
})

test('too many are told at once, as a count or a rate, of one input or of all', async () => {
  const { clock, records, look } = watch({ when: { message: { contains: '500' } }, over: '1m', critical: 3 })
  await look()
  records(2, 500)
  records(2, 500, 'other')
  records(50)
  assert.equal(await look(), 'critical limit: 4 records in 1 min, expected at most 3; the last: GET 500')
  const rate = watch({ take: 'rate', over: '1m', warning: 1 })
  await rate.look()
  await rate.clock.advance(10_000)
  rate.records(20)
  assert.equal(await rate.look(), 'warning limit: 2.00 records a second over 1 min, expected at most 1')
  await clock.advance(0)
})

test('it looks at nothing any more once it is closed, and at nothing at all before its first look', () => {
  const taps = new Taps()
  const agent: AgentView = { metrics: createStore(), watch: (input, see) => taps.watch(input, see) }
  const options = readFields(logCheck.fields, { critical: '1:' }, (path, message) => assert.fail(`${path} ${message}`))!
  const seen: string[] = []
  const counting: AgentView = {
    ...agent,
    watch: (input, see) => {
      seen.push('watch')
      const back = agent.watch(input, see)
      return () => {
        seen.push('back')
        back()
      }
    }
  }
  const check = logCheck.build(options, context({ agent: counting }))
  assert.deepEqual(seen, [])
  void check(new AbortController().signal)
  check.close?.()
  assert.deepEqual(seen, ['watch', 'back'])
})

test('without an agent it is unknown; what judges nothing is refused', async () => {
  const run = await runCheck(logCheck, { critical: '1:' })
  assert.deepEqual([run.state, run.message], ['unknown', 'only a running agent has records; see yarder status'])
  assert.deepEqual(checkFaults(logCheck, { input: 'nginx' }), ['critical: or warning must be given'])
  assert.deepEqual(checkFaults(logCheck, { take: 'percent', critical: 5 }), [
    'when: is needed, for a part of all records'
  ])
})
