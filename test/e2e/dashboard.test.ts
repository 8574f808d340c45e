// The shipped dashboard and alerts on a real Prometheus that scrapes a real agent: panels show data, and a loss is told.
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { debianPackage } from '../lib/real/debian.ts'
import { freePort, start, until } from '../lib/real/process.ts'
import { startYarder } from '../lib/real/yarder.ts'

const skip = (await debianPackage(['prometheus'])) ?? false
const examples = join(import.meta.dirname, '../../examples')

/** Of things that did not happen in the test, or that its host does not have. */
const EMPTY = new Set([
  'Until unread lines are rotated away',
  'Records left out a second',
  'Sent again and refused a second',
  'Pressure',
  'Disks: bytes',
  'Disks: operations',
  'Units: processor',
  'Units: memory',
  'Units: tasks'
])

const CONFIG = `
agent: { data_dir: ./data }
admin: { listen: 127.0.0.1:0 }
host_metrics: { enabled: true, every: 1s }
inputs:
  app: { type: file, paths: [app.log], start_at: beginning, poll: 50ms, pipeline: [{ json: {} }] }
outputs: { out: { type: file, path: out.ndjson } }
checks: { page: { type: file, path: app.log, every: 1s } }
`

type Ask = (path: string) => Promise<unknown>

/** A Prometheus with the shipped configuration and alerts, but for the address of the agent and the pace. */
async function startPrometheus(t: TestContext, folder: string, target: string): Promise<Ask> {
  const shipped = readFileSync(join(examples, 'prometheus/prometheus.yaml'), 'utf8')
  const config = shipped
    .replaceAll('15s', '1s')
    .replace(/targets: \[.*\]/, `targets: ['${target}']`)
    .replace('alerts.yaml]', `${join(examples, 'prometheus/alerts.yaml')}]`)
  writeFileSync(join(folder, 'prometheus.yaml'), config)
  const port = await freePort()
  const prometheus = await start(
    [
      'prometheus',
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${port}`
    ],
    { logFile: join(folder, 'prometheus.log') }
  )
  t.after(() => prometheus.stop())
  const ask: Ask = async path => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)
    const { status, data, error } = (await answer.json()) as { status: string; data: unknown; error?: string }
    assert.equal(status, 'success', `${path}: ${error}`)
    return data
  }
  await until('Prometheus to answer', () => {
    prometheus.check()
    return ask('query?query=up').then(
      () => true,
      () => false
    )
  })
  return ask
}

test('every panel of what happened has data, and a check that fails is told with what to type', { skip }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const log = join(folder, 'app.log')
  writeFileSync(log, '')
  const agent = await startYarder(t, { folder, config: CONFIG })
  const ask = await startPrometheus(t, folder, new URL(agent.url).host)
  const query = async (expr: string): Promise<unknown[]> =>
    ((await ask(`query?query=${encodeURIComponent(expr)}`)) as { result: unknown[] }).result
  await until('lines to be counted', async () => {
    appendFileSync(log, '{"a":1}\nno json\n')
    return (await query('rate(yarder_pipeline_failures_total[10s]) > 0')).length > 0
  })

  const { panels } = JSON.parse(readFileSync(join(examples, 'grafana/yarder.json'), 'utf8')) as {
    panels: Array<{ title: string; targets?: Array<{ expr: string }> }>
  }
  const bare: string[] = []
  for (const { title, targets = [] } of panels) {
    for (const { expr } of targets) {
      const asked = expr.replaceAll('$instance', '.*').replaceAll(/\$__(?:rate_interval|range)/g, '10s')
      if ((await query(asked)).length === 0) bare.push(title)
    }
  }
  assert.deepEqual(
    bare.filter(title => !EMPTY.has(title)),
    []
  )

  rmSync(log)
  interface Firing {
    readonly state: string
    readonly labels: Record<string, string>
    readonly annotations: { readonly summary: string }
  }
  let firing: Firing | undefined
  await until('the alert', async () => {
    const { alerts } = (await ask('alerts')) as { alerts: Firing[] }
    firing = alerts.find(({ labels, state }) => state === 'firing' && labels['alertname'] === 'YarderCheckFailing')
    return firing !== undefined
  })
  assert.equal(firing!.labels['check'], 'page')
  assert.match(firing!.annotations.summary, /has failed 3 times in a row; see its last message with `yarder status`/)
})
