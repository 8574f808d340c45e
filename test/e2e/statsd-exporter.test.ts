// Prometheus' statsd_exporter as the judge of the dialects: what it understood is what /metrics shows, by every transport.
import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readExposition } from '../lib/exposition.ts'
import type { ReadFamily, ReadSample } from '../lib/exposition.ts'
import { until } from '../lib/real/process.ts'
import { startStatsdExporter, statsdExporterMissing } from '../lib/real/statsd-exporter.ts'
import { agentFolder, startYarder } from '../lib/real/yarder.ts'
import { tagValue } from '../../src/metrics/export/statsd/lines.ts'

const skip = (await statsdExporterMissing()) ?? false

const DIALECTS = ['datadog', 'telegraf'] as const
const TRANSPORTS = ['udp', 'tcp', 'unixgram'] as const
const WAYS = DIALECTS.flatMap(dialect => TRANSPORTS.map(transport => ({ dialect, transport })))

/** Paths with everything in them that means something to one of the dialects. */
const PATHS = [
  '/',
  '/a b',
  '/x:1|c',
  '/n\nn',
  '/#env:prod,k=v',
  '/"quoted"',
  '/back\\slash',
  '/\u0001\u007f',
  '/ünï/漢字',
  '/@0.1',
  '',
  `/${'long'.repeat(400)}`
]

const sampleKey = (name: string, labels: Readonly<Record<string, string>>): string =>
  `${name} ${Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, value]) => `${label}=${tagValue(value)}`)
    .join(' ')}`

/** Values by name and labels as they stand in tags; what became one is added up. */
function valuesOf(samples: readonly ReadSample[], prefix = ''): Map<string, number> {
  const values = new Map<string, number>()
  for (const { name, labels, value } of samples) {
    const key = sampleKey(prefix + name, labels)
    values.set(key, (values.get(key) ?? 0) + value)
  }
  return values
}

const samplesOf = (families: readonly ReadFamily[], is: (name: string) => boolean): ReadSample[] =>
  families.flatMap(({ samples }) => samples.filter(({ name }) => is(name)))

test(
  'values, labels and histograms come through each dialect and transport, and no line is refused',
  { skip },
  async t => {
    const judge = await startStatsdExporter(t)
    const folder = agentFolder(t)
    const log = join(folder, 'app.log')
    const lines = PATHS.flatMap((path, i) =>
      Array.from({ length: i + 1 }, (_, n) => JSON.stringify({ path, verb: 'GET', took: 0.04 * (n + 1), level: i - 5 }))
    )
    writeFileSync(log, `${lines.join('\n')}\n`)
    const exporters = WAYS.map(({ dialect, transport }) => {
      const at = transport === 'unixgram' ? `path: '${judge.path}'` : `port: ${judge.port}`
      const name = `${dialect}_${transport}`
      return `  ${name}: { type: statsd, transport: ${transport}, ${at}, dialect: ${dialect}, prefix: ${name}, histograms: samples, flush: 300ms }`
    })
    const config = `
agent: { data_dir: ${folder}/data }
admin: { listen: '127.0.0.1:0' }
inputs: { app: { type: file, paths: ['${log}'], start_at: beginning, poll: 100ms, pipeline: [{ json: {} }] } }
outputs: { out: { type: file, path: ${folder}/out.ndjson } }
metrics:
  hits_total: { type: counter, help: Hits., labels: { path: path, verb: verb } }
  took_seconds: { type: histogram, help: Time., value: took, labels: { path: path } }
  level: { type: gauge, help: Level., value: level, labels: { verb: verb } }
exporters:
${exporters.join('\n')}
  plain: { type: statsd, transport: tcp, port: ${judge.port}, prefix: plain, flush: 300ms }
`
    const yarder = await startYarder(t, { folder, config })
    const ownPage = async (): Promise<ReadFamily[]> =>
      readExposition(Buffer.from(await (await fetch(`${yarder.url}/metrics`)).arrayBuffer()), 'text')
    const total = (families: readonly ReadFamily[], name: string): number =>
      samplesOf(families, n => n === name).reduce((sum, { value }) => sum + value, 0)
    const judged = async (): Promise<ReadFamily[]> => readExposition(await judge.page(), 'text')
    const arrived = async (count: number): Promise<ReadFamily[] | false> => {
      const page = await judged()
      return WAYS.every(({ dialect, transport }) => total(page, `${dialect}_${transport}_hits_total`) === count) && page
    }
    await until('the first round at the judge', () => arrived(lines.length))
    // In a second round only what came since is sent.
    appendFileSync(log, `${lines.join('\n')}\n`)
    await until('the second round on the page', async () => total(await ownPage(), 'hits_total') === 2 * lines.length)
    const own = await ownPage()
    assert.equal((await yarder.end()).code, 0)
    const page = await until('the second round at the judge', () => arrived(2 * lines.length))

    for (const { dialect, transport } of WAYS) {
      const prefix = `${dialect}_${transport}_`
      for (const name of ['hits_total', 'took_seconds_count'])
        assert.deepEqual(
          valuesOf(samplesOf(page, n => n === prefix + name)),
          valuesOf(
            samplesOf(own, n => n === name),
            prefix
          ),
          prefix + name
        )
      // A sign is no change to DogStatsD alone, which this judge is not.
      if (dialect === 'telegraf') assert.equal(total(page, `${prefix}level`), total(own, 'level'))
    }
    assert.equal(total(page, 'plain_level_GET'), total(own, 'level'))
    const plain = samplesOf(page, name => name.startsWith('plain_hits_total_'))
    assert.equal(
      plain.reduce((sum, { value }) => sum + value, 0),
      total(own, 'hits_total')
    )
    for (const trouble of ['sample_errors', 'tag_errors', 'events_error', 'events_conflict', 'tcp_too_long_lines'])
      assert.equal(total(page, `statsd_exporter_${trouble}_total`), 0, trouble)
    assert.ok(total(page, 'statsd_exporter_tags_total') > 6 * PATHS.length)
  }
)
