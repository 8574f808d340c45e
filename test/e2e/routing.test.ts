// Routing by the program itself: each output gets what is for it, also after it was down, and under the same identities.
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { accept, refuse, startFakeElasticsearch } from '../lib/fake-elasticsearch.ts'
import { until } from '../lib/real/process.ts'
import { startYarder } from '../lib/real/yarder.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const linesOf = (path: string): Record<string, unknown>[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line) as Record<string, unknown>)
    : []

const numbers = (lines: readonly Record<string, unknown>[]): unknown[] => lines.map(line => line['n'])

test('each output gets what its condition and level let through, in its own form', async t => {
  const folder = folderOf(t)
  const yarder = await startYarder(t, {
    folder,
    config: `
agent: { data_dir: state }
admin: { listen: 127.0.0.1:0 }
inputs:
  app: { type: file, paths: [app.log], start_at: beginning, poll: 20ms, pipeline: [{ json: {} }], fields: { shop: one } }
outputs:
  all: { type: file, path: all.ndjson }
  errors: { type: file, path: errors.ndjson, level: err, drop_fields: [host, secret.key], fields: { shop: two, on_call: true } }
  slow: { type: file, path: slow.ndjson, when: { ms: { gte: 500 } } }
`
  })
  const levels = ['info', 'error', 'WARN', 'fatal']
  const log = Array.from({ length: 400 }, (_, n) => ({ n, level: levels[n % 4], ms: n * 2, secret: { key: 1, id: n } }))
  appendFileSync(join(folder, 'app.log'), log.map(line => `${JSON.stringify(line)}\n`).join(''))
  await until('all records', () => linesOf(join(folder, 'all.ndjson')).length === 400)
  await until('the errors', () => linesOf(join(folder, 'errors.ndjson')).length >= 200)
  await until('the slow ones', () => linesOf(join(folder, 'slow.ndjson')).length >= 150)
  const errors = linesOf(join(folder, 'errors.ndjson'))
  assert.deepEqual(
    numbers(errors),
    log.filter(l => ['error', 'fatal'].includes(l.level!)).map(l => l.n)
  )
  assert.deepEqual(
    [errors[0]!['host'], errors[0]!['secret'], errors[0]!['fields']],
    [undefined, { id: 1 }, { shop: 'two', on_call: true }]
  )
  assert.deepEqual(
    numbers(linesOf(join(folder, 'slow.ndjson'))),
    log.filter(l => l.ms >= 500).map(l => l.n)
  )
  const first = linesOf(join(folder, 'all.ndjson'))[0]!
  assert.deepEqual([first['fields'], first['secret']], [{ shop: 'one' }, { key: 1, id: 0 }])
  assert.equal(await yarder.metric('yarder_output_filtered_total{output="errors"}'), 200)
  assert.equal(await yarder.metric('yarder_output_filtered_total{output="slow"}'), 250)
  assert.equal((await yarder.end()).code, 0)
})

test('an output that was down gets by its second reading what it wants, and no more', async t => {
  const folder = folderOf(t)
  const fake = await startFakeElasticsearch()
  t.after(() => fake.down())
  fake.otherwise(refuse(503))
  await startYarder(t, {
    folder,
    config: `
agent: { data_dir: state }
admin: { listen: 127.0.0.1:0 }
inputs:
  app: { type: file, paths: [app.log], start_at: beginning, poll: 20ms, pipeline: [{ json: {} }] }
outputs:
  all: { type: file, path: all.ndjson }
  even:
    type: elasticsearch
    hosts: ['${fake.url}']
    index: even
    when: { parity: even }
    batch: { max_events: 50, timeout: 10ms }
    backoff: { init: 50ms, max: 100ms }
`
  })
  const count = 30_000
  for (let from = 0; from < count; from += 3000) {
    const part = Array.from({ length: 3000 }, (_, i) => from + i)
    const text = part.map(n => `${JSON.stringify({ n, parity: n % 2 === 0 ? 'even' : 'odd' })}\n`).join('')
    appendFileSync(join(folder, 'app.log'), text)
  }
  await until('the output that works to have all', () => linesOf(join(folder, 'all.ndjson')).length === count, 60_000)
  assert.equal(fake.count(), 0)
  fake.otherwise(accept())
  await until('the other to have caught up', () => fake.count() >= count / 2, 60_000)
  // What follows shows that it is through with what was before.
  appendFileSync(join(folder, 'app.log'), `${JSON.stringify({ n: count, parity: 'even' })}\n`)
  await until('the last', () => fake.docs.some(doc => (doc.source as { n: number }).n === count), 30_000)
  assert.equal(fake.count(), count / 2 + 1)
  assert.ok(fake.docs.every(doc => (doc.source as { n: number }).n % 2 === 0))
})
