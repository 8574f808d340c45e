// Holds that alerts, dashboard and data view of examples/ speak only of metrics, labels, fields and commands that exist,
// and that docs/metrics.md names them all. UPDATE_GOLDEN=1 writes that page anew.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { parse } from 'yaml'
import { declaredMetrics } from './lib/declared.ts'
import type { DeclaredMetric } from './lib/declared.ts'
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

/** Labels by the name that Prometheus stores. */
async function stored(t: TestContext): Promise<Declared> {
  const found = new Map<string, ReadonlySet<string>>([['up', new Set()]])
  for (const { name, type, labels } of await declaredMetrics(t)) {
    if (type !== 'histogram') found.set(name, new Set(labels))
    else for (const suffix of ['_bucket', '_sum', '_count']) found.set(`${name}${suffix}`, new Set([...labels, 'le']))
  }
  return found
}

test('every metric and label of the alerts and of the dashboard exists', async t => {
  const known = await stored(t)
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

test('docs/metrics.md names every metric there is, with its labels, and no other', async t => {
  const row = (m: DeclaredMetric): string =>
    `| \`${m.name}\` | ${m.type} | ${m.labels.map(label => `\`${label}\``).join(' ')} | ${m.help} |`
  const all = await declaredMetrics(t)
  for (const file of globSync('src/**/*.ts', { cwd: root })) {
    if (file.endsWith('.test.ts')) continue
    for (const [, name = ''] of read(file).matchAll(/'((?:yarder|probe)_\w+)'/g))
      assert.ok(
        all.some(metric => metric.name === name),
        `${name} of ${file} is missing; test/lib/declared.ts needs a unit that declares it`
      )
  }
  const table = (is: (name: string) => boolean): string =>
    ['| Metric | Type | Labels | |', '|---|---|---|---|', ...all.filter(({ name }) => is(name)).map(row)].join('\n')
  const isHost = (name: string): boolean => name.startsWith('yarder_host_')
  const isOwn = (name: string): boolean => !isHost(name)
  const page = `# Metrics of yarder

What is on \`/metrics\` besides the metrics that the configuration makes out of records.
Some have no series before their first event. Times are in seconds, sizes in bytes.

## The agent

${table(isOwn)}

## The host, with \`host_metrics: { enabled: true }\`

What a host does not have (swap, pressure, inodes of some file systems) is left out.

${table(isHost)}
`
  const file = join(root, 'docs/metrics.md')
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, page)
  const hint = 'docs/metrics.md is not up to date; run: UPDATE_GOLDEN=1 node --test test/examples-numbers.test.ts'
  assert.equal(readFileSync(file, 'utf8'), page, hint)
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
