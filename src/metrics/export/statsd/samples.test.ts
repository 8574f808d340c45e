import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildMetric } from '../../../../test/lib/metric.ts'
import { cursorAt } from '../../../../test/lib/step.ts'
import { memoryState } from '../../../core/state.ts'
import { targetOf } from './lines.ts'
import type { Dialect } from './lines.ts'
import { pack } from './packets.ts'
import { BucketSamples, sampleLine } from './samples.ts'
import { serviceCheckLine } from './service-check.ts'

/** A histogram and the lines of what came to it since the last time. */
function histogram(dialect: Dialect): { observe(took: number, path?: string): void; lines(): string[] } {
  const options = { type: 'histogram', value: 'took', buckets: [1, 2, 4], labels: { path: 'path' } }
  const metric = buildMetric('took_seconds', options)
  const samples = new BucketSamples(sample => targetOf(dialect, 'p', sample))
  const state = memoryState()
  return {
    observe: (took, path = 'x') => metric.observe({ took, path }, cursorAt()),
    lines() {
      metric.keep(state)
      const lines = [...samples.read(metric.family())].map(sampleLine)
      samples.end()
      return lines
    }
  }
}

test('each bucket that grew is one value, with how many it stands for, and nothing is sent twice', () => {
  const { observe, lines } = histogram('datadog')
  for (const took of [0.2, 1.5, 1.6, 1.7, 100]) observe(took)
  assert.deepEqual(lines(), [
    'p.took_seconds:0.5|h|#path:x',
    'p.took_seconds:1.5|h|@0.3333333333333333|#path:x',
    'p.took_seconds:4|h|#path:x'
  ])
  assert.deepEqual(lines(), [])
  observe(3, 'y')
  assert.deepEqual(lines(), ['p.took_seconds:3|h|#path:y'])
})

test('Telegraf gets its tags in the name', () => {
  const { observe, lines } = histogram('telegraf')
  observe(3)
  observe(3)
  assert.deepEqual(lines(), ['p.took_seconds,path=x:3|h|@0.5'])
})

test('a server that cuts the inverse of the rate to an integer comes to the very number', () => {
  const target = { name: 'x', tags: '' }
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 }), count => {
      const line = sampleLine({ value: 1, count, target })
      const rate = count === 1 ? 1 : Number(/\|@(\d+\.\d+)$/.exec(line)![1])
      assert.equal(Math.trunc(1 / rate), count, line)
    }),
    { numRuns: 2000 }
  )
})

test('a service check is a status, a tag and a message whose escapes are the protocol\u2019s', () => {
  const line = (
    state: 'ok' | 'warning' | 'critical' | 'unknown' | 'maintenance',
    message: string
  ): string | undefined => serviceCheckLine('shop.web01', { name: 'nginx up', state, message })
  assert.equal(line('ok', 'fine'), '_sc|shop.web01.check|0|#check:nginx_up')
  assert.equal(line('warning', ''), '_sc|shop.web01.check|1|#check:nginx_up')
  assert.equal(
    line('critical', 'a|b\nm:c\r\nGrüße\u0000'),
    String.raw`_sc|shop.web01.check|2|#check:nginx_up|m:a/b\nm\:c\nGrüße `
  )
  assert.equal(line('unknown', 'x'), '_sc|shop.web01.check|3|#check:nginx_up|m:x')
  assert.equal(line('maintenance', 'x'), undefined)
})

test('any message leaves one line of one datagram', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), message => {
      const line = serviceCheckLine('p', { name: 'n', state: 'critical', message })!
      assert.ok(!/[\u0000-\u001f]/.test(line))
      assert.ok(line.split('|').length <= 5)
      assert.equal(line.slice(line.indexOf('|m:') + 3).includes('m:'), false)
      assert.equal(pack([line]).tooLong, 0)
    })
  )
})
