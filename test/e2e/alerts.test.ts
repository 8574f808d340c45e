// The shipped alerts before promtool: the rules load, the example configuration does, and each alert fires when it should.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { debianPackage } from '../lib/real/debian.ts'

const skip = (await debianPackage(['prometheus'])) ?? false
const folder = join(import.meta.dirname, '../../examples/prometheus')

async function promtool(...argv: string[]): Promise<string> {
  const child = spawn('promtool', argv, { cwd: folder })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()))
  await once(child, 'close')
  assert.equal(child.exitCode, 0, said)
  return said
}

test('promtool takes the alerts and the configuration of Prometheus', { skip }, async () => {
  assert.match(await promtool('check', 'rules', 'alerts.yaml'), /SUCCESS: \d\d rules found/)
  assert.match(await promtool('check', 'config', 'prometheus.yaml'), /SUCCESS: 1 rule files found/)
})

test('promtool takes the configuration for pods', { skip }, async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  // Debian's Prometheus is built without the discovery of Kubernetes, so another stands in for it.
  const text = readFileSync(join(folder, 'kubernetes.yaml'), 'utf8').replace('alerts.yaml', join(folder, 'alerts.yaml'))
  const found = 'kubernetes_sd_configs: [{ role: pod }]'
  assert.ok(text.includes(found))
  writeFileSync(join(dir, 'k.yaml'), text.replace(found, "file_sd_configs: [{ files: ['pods.json'] }]"))
  assert.match(await promtool('check', 'config', join(dir, 'k.yaml')), /SUCCESS: 1 rule files found/)
})

test('each alert fires when it should, for whom it should, with the words it should', { skip }, async () => {
  assert.match(await promtool('test', 'rules', 'alerts.test.yaml'), /SUCCESS/)
})

test('every question of the dashboard is one that Prometheus understands', { skip }, async t => {
  const dashboard = JSON.parse(readFileSync(join(folder, '../grafana/yarder.json'), 'utf8')) as {
    panels: Array<{ targets?: Array<{ expr: string }> }>
  }
  const rules = dashboard.panels
    .flatMap(({ targets = [] }) => targets)
    .map(({ expr }, i) => ({ record: `q${i}`, expr: expr.replaceAll(/\$__(?:rate_interval|range)/g, '5m') }))
  assert.ok(rules.length > 30)
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'rules.yaml')
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
  assert.match(await promtool('check', 'rules', file), new RegExp(`SUCCESS: ${rules.length} rules found`))
})
