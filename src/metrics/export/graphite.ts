// `graphite` exporter: sends all metrics to carbon, in its plaintext protocol over TCP.
//   https://graphite.readthedocs.io/en/latest/feeding-carbon.html
import type { Context, Exporter } from '../../core/component.ts'
import { defineExporter } from '../../core/component.ts'
import * as f from '../../core/field.ts'
import type { MetricReader } from '../../core/instruments.ts'
import { Connection } from './push/connection.ts'
import { pushEvery } from './push/every.ts'
import { buildPrefix, fullName, prefixFields } from './push/names.ts'
import { plainNumber } from './push/number.ts'
import { inSlices, readings } from './push/readings.ts'
import type { Reading } from './push/readings.ts'
import { createTrouble } from './push/trouble.ts'
import { pack } from './statsd/packets.ts'

/** Bytes of one write. */
const PIECE = 8192
/** Carbon's folders and file together; the system allows 4096. */
const MAX_NAME = 1000

export const graphite = defineExporter({
  name: 'graphite',
  summary: 'Sends the metrics to Graphite (carbon), in plaintext over TCP.',
  description: `Values are those of \`/metrics\`: counters, and \`_count\` and \`_sum\` of histograms, are totals, so that an outage leaves no wrong number; draw them with \`nonNegativeDerivative\`. The buckets of histograms are not sent.

Names are the prefix, the name as on \`/metrics\`, then the value of each label. Series whose names become the same are added up when they are counters; of gauges the last is sent.`,
  fields: {
    host: f.string('Name or address of carbon.', { default: '127.0.0.1' }),
    port: f.integer('Its TCP port for plaintext.', { default: 2003, min: 1, max: 65535 }),
    flush: f.duration("How often; carbon's default is to keep one value a minute.", {
      default: '60s',
      min: '1s',
      max: '1h'
    }),
    ...prefixFields,
    include_own: f.boolean("Send the agent's own metrics too: `yarder_…`, `process_…` and `nodejs_…`.", {
      default: false
    }),
    timeout: f.duration('How long connecting and each write may take.', { default: '5s', min: '10ms', max: '1m' })
  },
  examples: [
    {
      title: 'Carbon on another host',
      yaml: "graphite: { host: graphite.example.com, prefix: 'shop.{host}' }\n"
    }
  ],
  build({ host, port, timeout, flush, include_own: includeOwn, ...names }, context) {
    const prefix = buildPrefix(names, context)
    return exporter({ host, port, timeout, flush, includeOwn, prefix, context })
  }
})

interface GraphiteOptions {
  readonly host: string
  readonly port: number
  readonly timeout: number
  readonly flush: number
  readonly includeOwn: boolean
  readonly prefix: string
  readonly context: Context
}

function exporter({ host, port, timeout, flush, includeOwn, prefix, context }: GraphiteOptions): Exporter {
  const connection = new Connection({ to: { host, port }, timeout })
  const trouble = createTrouble(context, `${host}:${port}`)

  async function push(reader: MetricReader): Promise<void> {
    try {
      const seconds = Math.floor(context.clock.now() / 1000)
      const lines = await linesOf(prefix, readings(await reader.read(), includeOwn), seconds)
      const { packets } = pack(lines, PIECE - 1)
      if (packets.length > 0) await connection.send(packets.map(packet => `${packet}\n`))
    } catch (error) {
      trouble.add(error)
    }
    trouble.pushed()
  }

  return {
    run: (reader, signal) => pushEvery(flush, context.clock, signal, () => push(reader)),
    close: () => connection.close()
  }
}

async function linesOf(prefix: string, all: Iterable<Reading>, seconds: number): Promise<string[]> {
  const values = new Map<string, number>()
  await inSlices(all, ({ kind, sample }) => {
    const path = fullName(prefix, sample.name, Object.values(sample.labels), MAX_NAME)
    values.set(path, kind === 'count' ? (values.get(path) ?? 0) + sample.value : sample.value)
  })
  return [...values].map(([path, value]) => `${path} ${plainNumber(value)} ${seconds}`)
}
