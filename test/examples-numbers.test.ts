// Holds that alerts, dashboard and data view of examples/ speak only of metrics, labels, fields and commands that exist.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Metric } from 'prom-client'
import { Histogram, Registry } from 'prom-client'
import { parse } from 'yaml'
import { Agent } from '../src/agent/agent.ts'
import { catalog } from '../src/agent/components.ts'
import { loadText } from '../src/config/load.ts'
import { systemClock } from '../src/core/clock.ts'
import { createLog } from '../src/service/log.ts'
import { readExposition } from './lib/exposition.ts'
import { promqlFaults } from './lib/promql.ts'
import type { Declared } from './lib/promql.ts'
import { PROGRAM } from './lib/real/yarder.ts'
import { cli } from './lib/world.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly annotations: { readonly summary: string; readonly description: string }
}

const alerts = (parse(read('examples/prometheus/alerts.yaml')) as { groups: Array<{ rules: Alert[] }> }).groups.flatMap(
  group => group.rules
)

const CONFIG = `
admin: { listen: 127.0.0.1:0 }
inputs: { app: { type: file, paths: [app.log], start_at: beginning, pipeline: [{ json: {} }] } }
metrics: { requests_total: { type: counter, help: Requests. } }
outputs:
  elastic: { type: elasticsearch, hosts: ['http://127.0.0.1:9'] }
  file: { type: file, path: out.ndjson }
checks: { closed: { type: tcp, address: '127.0.0.1:9', every: 1h } }
exporters: { statsd: { host: 127.0.0.1, port: 9, prefix: p } }
`

/** What an agent with a unit of each kind declares, what it has on its page, and the metrics of the made-up host. */
async function declared(t: TestContext): Promise<Declared> {
  const found = new Map<string, Set<string>>([['up', new Set()]])
  const metrics: Metric[] = []
  const register = Registry.prototype.registerMetric
  t.mock.method(Registry.prototype, 'registerMetric', function (this: Registry, metric: Metric) {
    metrics.push(metric)
    register.call(this, metric)
  })
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const { checked, problems } = loadText(`agent: { data_dir: ${dir} }\n${CONFIG}`, catalog, {})
  assert.deepEqual(problems, [])
  const writer = { write: () => {}, flush: () => Promise.resolve() }
  const agent = new Agent({
    checked,
    configDir: dir,
    env: {},
    logs: createLog({ format: 'text', level: 'info', environment: 'TEST', writer, journal: false, terminal: true }),
    clock: systemClock,
    version: '0',
    once: false
  })
  await agent.start()
  await agent.stop()
  rmSync(dir, { recursive: true, force: true })
  for (const metric of metrics) {
    // They are whole only now: a metric registers itself before it knows its buckets.
    const { name, labelNames } = metric as unknown as { name: string; labelNames: string[] }
    const suffixes = metric instanceof Histogram ? ['_bucket', '_sum', '_count'] : ['']
    for (const suffix of suffixes)
      found.set(`${name}${suffix}`, new Set(suffix === '_bucket' ? [...labelNames, 'le'] : labelNames))
  }
  for (const family of readExposition(Buffer.from(read('test/golden/host/metrics.txt')), 'text'))
    for (const { name, labels } of family.samples) found.set(name, new Set(Object.keys(labels)))
  return found
}

test('every metric and label of the alerts and of the dashboard exists', async t => {
  const known = await declared(t)
  assert.deepEqual(promqlFaults('rate(yarder_output_sent_total{output="x"}[5m]) > 0', known, ['output']), [])
  const wrong = 'sum by (file) (rate(yarder_output_gone_total[5m])) / yarder_output_in_flight{host="x"}'
  assert.deepEqual(promqlFaults(wrong, known, ['path']), [
    'no metric yarder_output_gone_total',
    'yarder_output_in_flight has no label host',
    'no metric of it has a label file',
    'no metric of it has a label path'
  ])

  assert.ok(alerts.length >= 12)
  for (const { alert, expr, annotations } of alerts) {
    const words = `${annotations.summary} ${annotations.description}`
    const used = [...words.matchAll(/\$labels\.(\w+)/g)].map(match => match[1]!)
    assert.deepEqual(promqlFaults(expr, known, used), [], alert)
  }

  const dashboard = JSON.parse(read('examples/grafana/yarder.json')) as {
    panels: Array<{ title: string; type: string; targets?: Array<{ expr: string; legendFormat: string }> }>
  }
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')
  assert.ok(panels.length > 30)
  for (const { title, targets = [] } of panels) {
    assert.ok(targets.length > 0, title)
    for (const { expr, legendFormat } of targets) {
      const used = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(match => match[1]!)
      assert.deepEqual(promqlFaults(expr, known, used), [], title)
    }
  }
})

test('every command of yarder that an alert names exists, with its options', async () => {
  const words = alerts.flatMap(({ annotations }) => [annotations.summary, annotations.description]).join('\n')
  const commands = new Set([...words.matchAll(/`(?:sudo )?yarder ([^`]+)`/g)].map(match => match[1]!))
  assert.ok(commands.size > 8)
  for (const command of commands) {
    const [name = '', second = '', ...more] = command.split(' ')
    const sub = ['dlq', 'positions'].includes(name) || (name === 'check' && second !== '') ? [second] : []
    const { status, stdout } = await cli([name, ...sub, '--help'])
    assert.equal(status, 0, command)
    assert.ok(stdout.startsWith(`Usage: yarder ${[name, ...sub].join(' ')}`), command)
    for (const option of [second, ...more].filter(word => word.startsWith('-')))
      assert.match(stdout, new RegExp(`^  (?:-., )?${option}\\b|^  ${option},`, 'm'), command)
  }
})

test('every alert says what to type, and is tested', () => {
  const tests = (
    parse(read('examples/prometheus/alerts.test.yaml')) as {
      tests: Array<{ name: string; alert_rule_test: Array<{ alertname: string; exp_alerts?: unknown[] }> }>
    }
  ).tests.flatMap(({ alert_rule_test }) => alert_rule_test)
  for (const { alert, annotations } of alerts) {
    assert.match(annotations.summary, /`[^`]+`/, alert)
    const mine = tests.filter(({ alertname }) => alertname === alert)
    assert.ok(
      mine.some(one => (one.exp_alerts ?? []).length > 0),
      `${alert} is shown to fire`
    )
    assert.ok(
      mine.some(one => (one.exp_alerts ?? []).length === 0),
      `${alert} is shown not to fire`
    )
  }
})

/** Paths of all fields of a document: `host.name`. */
function* paths(document: object, prefix = ''): Generator<string> {
  for (const [name, value] of Object.entries(document) as Array<[string, unknown]>) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) yield* paths(value, `${prefix}${name}.`)
    else yield `${prefix}${name}`
  }
}

test('every field of the data view and its searches is in the documents of the shipped examples', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  mkdirSync(join(dir, 'logs'))
  cpSync(join(root, 'examples/logs'), join(dir, 'logs'), { recursive: true })
  appendFileSync(join(dir, 'logs/access.log'), 'no line of an access log\n')
  const [config = ''] = read('examples/quickstart.yaml').split(/^outputs:/m)
  writeFileSync(join(dir, 'c.yaml'), `${config}outputs: { out: { type: stdout } }\nadmin: { enabled: false }\n`)
  const run = spawn(PROGRAM, ['run', '--once', '-c', join(dir, 'c.yaml')], { env: { ...process.env, QUICKSTART: dir } })
  let out = ''
  run.stdout.on('data', (text: Buffer) => (out += text.toString()))
  await once(run, 'close')
  const documents = out.split('\n').filter(line => line.startsWith('{'))
  assert.ok(documents.length > 10)
  const known = new Set(documents.flatMap(line => [...paths(JSON.parse(line) as object)]))

  const objects = read('examples/kibana/yarder.ndjson')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as { id: string; attributes: Record<string, unknown>; references: { id: string }[] })
  for (const { id, attributes, references } of objects) {
    for (const field of fieldsOf(attributes)) assert.ok(known.has(field), `${id}: no document has ${field}`)
    for (const { id: other } of references)
      assert.ok(
        objects.some(o => o.id === other),
        `${id} refers to ${other}`
      )
  }
  assert.ok(objects.flatMap(({ attributes }) => fieldsOf(attributes)).length > 30)
  assert.ok(!known.has('status'), 'not every name is taken for a field')
})

/** Fields that a saved object of Kibana names. */
function fieldsOf(attributes: Record<string, unknown>): string[] {
  const { timeFieldName, fieldAttrs = '{}', fieldFormatMap = '{}', columns = [], sort = [] } = attributes
  const source = (attributes['kibanaSavedObjectMeta'] as { searchSourceJSON: string } | undefined)?.searchSourceJSON
  const { query } = JSON.parse(source ?? '{"query":{"query":""}}') as { query: { query: string } }
  return [
    ...(timeFieldName === undefined ? [] : [String(timeFieldName)]),
    ...[fieldAttrs, fieldFormatMap].flatMap(map => Object.keys(JSON.parse(String(map)) as object)),
    ...(columns as string[]),
    ...(sort as string[][]).map(([field = '']) => field),
    ...[...query.query.matchAll(/([\w.@]+)\s*(?::|>=|<=|<|>)/g)].map(match => match[1]!)
  ]
}
