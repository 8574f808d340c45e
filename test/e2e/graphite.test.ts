// The numbers of the agent in whisper files: through a real StatsD and a real carbon, and to carbon directly.
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { noCarbon, startCarbon } from '../lib/real/carbon.ts'
import { run, until } from '../lib/real/process.ts'
import { startStatsd } from '../lib/real/statsd.ts'
import { agentFolder, startYarder } from '../lib/real/yarder.ts'

const skip = (await noCarbon()) ?? false

/** The program of the case study: it logs at four levels, and one of its calls raises. */
const APP = `
import logging, sys
logging.basicConfig(filename=sys.argv[1], level=logging.DEBUG,
                    format='%(asctime)s %(name)s %(levelname)s %(message)s')
log = logging.getLogger('shop.orders')
log.debug('connecting')
log.info('order 17 taken')
log.warning('stock of 4711 is low')
try:
    {}['price']
except KeyError:
    log.exception('order 17 failed')
log.info('order 18 taken')
`

const sum = (values: readonly number[]): number => values.reduce((total, n) => total + n, 0)

test(
  "the book's case study: an app's exception is a counter in Graphite, through StatsD, and its lines are shipped",
  { skip },
  async t => {
    const carbon = await startCarbon(t)
    const statsd = await startStatsd(t, { flushMs: 1000, carbonPort: carbon.port })
    const folder = agentFolder(t)
    const log = join(folder, 'app.log')
    writeFileSync(log, '')
    const config = `
agent: { data_dir: ${folder}/data, region: us-east-1, environment: prod }
admin: { listen: '127.0.0.1:0' }
inputs:
  app:
    type: file
    paths: ['${log}']
    start_at: beginning
    poll: 100ms
    multiline: { preset: python }
    pipeline:
      - auto
      - regex: { pattern: '\\n(?<exception>[\\w.]+): [^\\n]*$' }
        when: { level: ERROR }
outputs: { out: { type: file, path: ${folder}/out.ndjson } }
metrics:
  log_lines_total: { type: counter, help: Records., labels: { level: level } }
  exceptions_total: { type: counter, help: Exceptions., when: { exception: { exists: true } }, labels: { class: exception } }
exporters:
  statsd: { port: ${statsd.port}, prefix: '{secret}.{region}.{environment}.app1', secret: letmein, flush: 500ms }
`
    const yarder = await startYarder(t, { folder, config })
    const script = join(folder, 'app.py')
    writeFileSync(script, APP)
    await run(['python3', script, log])

    const base = 'stats.counters.letmein.us-east-1.prod.app1'
    const exceptions = await until(
      'the exception in Graphite',
      async () => {
        const values = await carbon.fetch(`${base}.exceptions_total.KeyError.count`)
        return sum(values) > 0 ? values : undefined
      },
      60_000
    )
    assert.equal(sum(exceptions), 1)
    const levels = { DEBUG: 1, INFO: 2, WARNING: 1, ERROR: 1 }
    for (const [level, count] of Object.entries(levels)) {
      const name = `${base}.log_lines_total.${level}.count`
      await until(`${level} in Graphite`, async () => sum(await carbon.fetch(name)) === count, 60_000)
      assert.equal(await yarder.metric(`log_lines_total{level="${level}"}`), count)
    }
    const bad = await carbon.fetch('stats.counters.statsd.bad_lines_seen.count')
    assert.ok(bad.length > 0)
    assert.equal(sum(bad), 0)
    assert.equal((await yarder.end()).code, 0)
    const shipped = readFileSync(join(folder, 'out.ndjson'), 'utf8').trimEnd().split('\n')
    const records = shipped.map(line => JSON.parse(line) as { level: string; message: string; exception?: string })
    assert.deepEqual(
      records.map(record => record.level),
      ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'INFO']
    )
    assert.match(records[3]!.message, /order 17 failed\nTraceback \(most recent call last\):\n[^]*KeyError: 'price'$/)
    assert.ok(!yarder.log().includes('letmein'), 'the secret is in no log')
  }
)

test('carbon itself keeps the totals that /metrics shows', { skip }, async t => {
  const carbon = await startCarbon(t)
  const folder = agentFolder(t)
  const log = join(folder, 'app.log')
  writeFileSync(log, 'a line\n'.repeat(1000))
  const config = `
agent: { data_dir: ${folder}/data, region: eu, environment: prod }
admin: { listen: '127.0.0.1:0' }
inputs: { app: { type: file, paths: ['${log}'], start_at: beginning, poll: 100ms } }
outputs: { out: { type: file, path: ${folder}/out.ndjson } }
metrics: { lines_total: { type: counter, help: Lines., labels: { app: { const: shop.web } } } }
exporters: { graphite: { port: ${carbon.port}, prefix: '{region}.{environment}.web01', flush: 1s } }
`
  const yarder = await startYarder(t, { folder, config })
  const name = 'eu.prod.web01.lines_total.shop_web'
  await until('1000 lines in Graphite', async () => (await carbon.fetch(name)).at(-1) === 1000, 60_000)
  appendFileSync(log, 'a line\n'.repeat(5))
  await until('the rest in Graphite', async () => (await carbon.fetch(name)).at(-1) === 1005, 60_000)
  assert.equal(await yarder.metric('lines_total{'), 1005)
  const values = await carbon.fetch(name)
  assert.deepEqual(
    values,
    values.toSorted((a, b) => a - b),
    'a total never falls'
  )
  assert.equal((await yarder.end()).code, 0)
})
