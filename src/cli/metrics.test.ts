import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { debianPackage } from '../../test/lib/real/debian.ts'
import { buildMetric } from '../../test/lib/metric.ts'
import { cursorAt } from '../../test/lib/step.ts'
import { cli } from '../../test/lib/world.ts'
import { startControl } from '../agent/admin.ts'
import { listMetrics } from '../agent/metric-list.ts'
import { memoryState } from '../core/state.ts'
import { lintMetric } from '../metrics/lint.ts'
import { createLogMetrics } from '../metrics/from-logs/set.ts'
import { createStore } from '../metrics/store.ts'

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return dir
}

function config(t: TestContext, text: string): string {
  const path = join(folder(t), 'yarder.yaml')
  writeFileSync(path, text)
  return path
}

test('list prints each metric of the running agent with its series, and says which one is full', async t => {
  const dir = folder(t)
  const store = createStore()
  const made = [
    buildMetric('hits_total', { type: 'counter', help: 'Hits.', labels: { path: 'path' }, max_series: 2 }),
    buildMetric('took_seconds', { type: 'histogram', help: 'Took.', value: 'took', labels: { path: 'path' } }),
    buildMetric('recent_seconds', { type: 'summary', help: 'Recent.', value: 'took' })
  ]
  const metrics = createLogMetrics(made, store.instruments)
  const state = memoryState()
  metrics.open(state)
  store.addSource(metrics.families)
  for (const path of ['/a', '/b', '/c'])
    for (const observe of metrics.observersOf('x')) observe({ path, took: 1 }, cursorAt())
  for (const metric of made) metric.keep(state)
  const source = { store, status: () => assert.fail('not asked') }
  const actions = { 'metrics-list': async () => ({ metrics: await listMetrics(store) }) }
  const control = await startControl(source, join(dir, 'yarder.sock'), actions)
  t.after(() => control.close())
  const env = { RUNTIME_DIRECTORY: dir }
  const { status, stdout } = await cli(['metrics', 'list'], { env, terminal: true })
  assert.equal(status, 0)
  assert.equal(
    stdout,
    [
      'METRIC          TYPE       SERIES    HELP',
      'hits_total      counter    2 (full)  Hits.',
      'recent_seconds  summary    1         Recent.',
      'took_seconds    histogram  3         Took.',
      ''
    ].join('\n')
  )
  const lines = (await cli(['metrics', 'list', '--all', '--json'], { env })).stdout.trimEnd().split('\n')
  const all = lines.map(line => JSON.parse(line) as { name: string; series: number; overflowing: boolean })
  assert.deepEqual(
    all.find(({ name }) => name === 'hits_total'),
    { name: 'hits_total', type: 'counter', help: 'Hits.', series: 2, overflowing: true }
  )
  assert.equal(all.find(({ name }) => name === 'yarder_metrics_series')!.series, 3)
})

test('without an agent list says where it looked', async t => {
  const { status, stderr } = await cli(['metrics', 'list', '--data-dir', folder(t)])
  assert.equal(status, 1)
  assert.match(stderr, /^yarder metrics list: asking the agent: .*yarder\.sock: ENOENT, no agent runs there/)
})

test('lint tells each fault at its place, and nothing of a good configuration', async t => {
  const bad = config(
    t,
    `agent: { region: eu }
metrics:
  app_wait_milliseconds: { type: gauge, help: Wait., value: w }
  app_latency: { type: histogram, help: Latency., value: took, unit: ms, labels: { httpPath: path } }
exporters:
  statsd: { prefix: '{environment}.{region}' }
`
  )
  const found = await cli(['metrics', 'lint', '-c', bad])
  assert.equal(found.status, 1)
  const messages = found.stdout
    .trimEnd()
    .split('\n')
    .map(line => line.replace(/^.*yarder\.yaml:/, ''))
  assert.deepEqual(messages, [
    '3:3 metrics.app_wait_milliseconds: use base unit "seconds" instead of "milliseconds"',
    "4:3 metrics.app_latency: label names should be written in 'snake_case' not 'camelCase'",
    '4:3 metrics.app_latency: its values are seconds, which its name does not say: end it in _seconds',
    '6:21 exporters.statsd.prefix: the prefix "{environment}.{region}" lacks {host}: names of different hosts become one',
    '6:21 exporters.statsd.prefix: the prefix "{environment}.{region}" is out of order: region, then environment, then host'
  ])
  const good = config(
    t,
    `agent: { region: eu }
metrics:
  app_requests_total: { type: counter, help: Requests. }
  app_took_seconds: { type: histogram, help: Took., value: took, unit: ms }
exporters: { statsd: {} }
`
  )
  assert.deepEqual(await cli(['metrics', 'lint', '-c', good]), {
    status: 0,
    stdout: 'all is well named; metrics: 2, exporters: 1\n',
    stderr: ''
  })
  assert.equal((await cli(['metrics', 'lint', '-c', config(t, 'x: 1\n')])).status, 2)
})

test('names of production, web and database servers fit the scheme, others are told why not', async () => {
  const good = [
    'us-east-1.prod.web01.nginx.requests',
    'us-east-1.staging.db-02.postgres.commits_total',
    'eu.dev.app1.web.api.aws.s3.write.Counter'
  ]
  assert.deepEqual(await cli(['metrics', 'lint', ...good]), {
    status: 0,
    stdout: 'all is well named; StatsD names: 3\n',
    stderr: ''
  })
  const { status, stdout } = await cli(['metrics', 'lint', 'Prod.Web 1', 'eu.prod..x.y', 'eu.undefined.web01.x'])
  assert.equal(status, 1)
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    'Prod.Web 1 (StatsD name): has 2 of at least 4 parts: region.environment.host.name',
    'Prod.Web 1 (StatsD name): "Prod" is not in lower case',
    'Prod.Web 1 (StatsD name): "Web 1" has more than letters, digits, _ and -',
    'eu.prod..x.y (StatsD name): part 3 is empty',
    'eu.undefined.web01.x (StatsD name): "undefined" is what a missing value leaves'
  ])
})

test('names without dots are judged as those of Prometheus, and each fault says so', async () => {
  const { status, stdout } = await cli(['metrics', 'lint', 'foo_ms', 'barCount', 'app_total_bytes', '2x', 'x.y'])
  assert.equal(status, 1)
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    'foo_ms (Prometheus name): metric names should not contain abbreviated units',
    "barCount (Prometheus name): metric names should be written in 'snake_case' not 'camelCase'",
    'app_total_bytes (Prometheus name): a counter ends in _total, behind the unit',
    '2x (Prometheus name): must be of letters, digits, "_" and ":", and not begin with a digit',
    'x.y (StatsD name): has 2 of at least 4 parts: region.environment.host.name'
  ])
  assert.deepEqual(await cli(['metrics', 'lint', 'app_sent_bytes_total', 'app_took_seconds', 'eu.prod.web01.hits']), {
    status: 0,
    stdout: 'all is well named; Prometheus names: 2, StatsD names: 1\n',
    stderr: ''
  })
})

const skip = (await debianPackage(['prometheus'])) ?? false

test('what lint says of a name, promtool says in the same words', { skip }, () => {
  const names = [
    'app_wait_milliseconds',
    'app_size_kibibytes',
    'app_age_hours',
    'app_rate_megabits',
    'app_wait_ms',
    'app_gauge_x',
    'app_histogram',
    'appWait',
    'app_wait_seconds',
    'app_speed_meters',
    'app_b',
    'app_s_x',
    'app_weight_pounds',
    'app_x'
  ]
  for (const label of ['path', 'httpPath'])
    for (const name of names) {
      const input = `# HELP ${name} Help.\n# TYPE ${name} gauge\n${name}{${label}="x"} 1\n`
      const { stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })
      const said = `${stdout}${stderr}`
        .split('\n')
        .filter(line => line !== '')
        .map(line => line.slice(name.length + 1))
      const ours = [...lintMetric({ name, type: 'gauge', labels: [label] })]
      assert.deepEqual(ours.toSorted(), said.toSorted(), name)
    }
})
