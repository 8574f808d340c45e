// Every metric that an agent with units of all kinds declares, and those of the made-up host, with their labels.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Metric } from 'prom-client'
import { Counter, Histogram, Registry } from 'prom-client'
import { Agent } from '../../src/agent/agent.ts'
import { catalog } from '../../src/agent/components.ts'
import { loadText } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLog } from '../../src/service/log.ts'
import { readExposition } from './exposition.ts'

export interface DeclaredMetric {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly labels: readonly string[]
}

// Port 9 is discard: nobody listens there.
const CONFIG = `
admin: { listen: 127.0.0.1:0 }
inputs: { app: { type: file, paths: [app.log], rate_limit: 1000/s, pipeline: [{ json: {} }] } }
metrics: { requests_total: { type: counter, help: Requests. } }
outputs:
  elastic: { type: elasticsearch, hosts: ['http://127.0.0.1:9'] }
  logstash: { type: logstash, hosts: ['127.0.0.1:9'] }
  syslog: { type: syslog, hosts: ['127.0.0.1:9'] }
  file: { type: file, path: out.ndjson }
checks: { closed: { type: tcp, address: '127.0.0.1:9', every: 1h } }
exporters: { statsd: { host: 127.0.0.1, port: 9, prefix: p } }
`

/** In order of names. */
export async function declaredMetrics(t: TestContext): Promise<readonly DeclaredMetric[]> {
  const registered: Metric[] = []
  const register = Registry.prototype.registerMetric
  // The page tells nothing of a metric that has no series yet.
  t.mock.method(Registry.prototype, 'registerMetric', function (this: Registry, metric: Metric) {
    registered.push(metric)
    register.call(this, metric)
  })
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
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

  const own = registered.map((metric): DeclaredMetric => {
    // They are whole only now: a metric registers itself before it knows all of itself.
    const { name, help, labelNames: labels } = metric as unknown as { name: string; help: string; labelNames: string[] }
    const type = metric instanceof Counter ? 'counter' : metric instanceof Histogram ? 'histogram' : 'gauge'
    return { name, type, help, labels }
  })
  const page = readFileSync(new URL('../golden/host/metrics.txt', import.meta.url))
  const host = readExposition(page, 'text').map(({ name, type, help, samples }): DeclaredMetric => ({
    name,
    type,
    help,
    labels: Object.keys(samples[0]!.labels)
  }))
  return [...own, ...host].sort((a, b) => (a.name < b.name ? -1 : 1))
}
