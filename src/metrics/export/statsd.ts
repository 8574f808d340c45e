// `statsd` exporter: sends what changed to a StatsD server by UDP, added up in the agent so that a hot log costs no datagrams.
import type { Context, Exporter } from '../../core/component.ts'
import { defineExporter } from '../../core/component.ts'
import * as f from '../../core/field.ts'
import type { MetricReader } from '../../core/instruments.ts'
import { pushEvery } from './push/every.ts'
import { buildPrefix, prefixFields } from './push/names.ts'
import { Changes, inSlices, readings } from './push/readings.ts'
import { createTrouble } from './push/trouble.ts'
import type { Trouble } from './push/trouble.ts'
import { DIALECTS, render, targetOf } from './statsd/lines.ts'
import type { Dialect, Target } from './statsd/lines.ts'
import { MTU, pack } from './statsd/packets.ts'
import { Sender } from './statsd/sender.ts'

export const statsd = defineExporter({
  name: 'statsd',
  summary: 'Sends the metrics to a StatsD server by UDP.',
  description: `At each flush a counter is sent as what it grew by, and not at all when it did not; a gauge as it stands; of a histogram \`_count\` and \`_sum\` are sent as counters and the buckets are not. What the counters had before the agent started is not sent again. Datagrams hold up to 1432 bytes. UDP has no answer: what a server misses while it is away is lost to it, though not to \`/metrics\`.

Names are the prefix, then the name as on \`/metrics\`. \`plain\` adds the value of each label as one more part, since StatsD has no labels; \`datadog\` and \`telegraf\` keep name and tags apart.

Errors are counted in \`yarder_exporter_errors_total\`, and told once until they change.`,
  fields: {
    host: f.string('Name or address of the server; a name is looked up at each flush.', { default: '127.0.0.1' }),
    port: f.integer('Its UDP port.', { default: 8125, min: 1, max: 65535 }),
    flush: f.duration("How often; a StatsD server's own default is 10s too.", {
      default: '10s',
      min: '100ms',
      max: '1h'
    }),
    ...prefixFields,
    dialect: f.choice(DIALECTS, 'How labels are written.', { default: 'plain' }),
    include_own: f.boolean("Send the agent's own metrics too: `yarder_…`, `process_…` and `nodejs_…`.", {
      default: false
    })
  },
  examples: [
    {
      title: 'A StatsD on every server',
      yaml: "statsd: { host: 127.0.0.1, port: 8125, prefix: 'shop.{host}' }\n"
    },
    { title: 'The Datadog agent, with tags', yaml: 'statsd: { dialect: datadog, prefix: shop }\n' }
  ],
  build(o, context) {
    const { host, port, flush, dialect, include_own: includeOwn } = o
    const prefix = buildPrefix(o, context)
    return new StatsdExporter({ host, port, flush, dialect, includeOwn, prefix, context })
  }
})

interface StatsdOptions {
  readonly host: string
  readonly port: number
  readonly flush: number
  readonly dialect: Dialect
  readonly includeOwn: boolean
  readonly prefix: string
  readonly context: Context
}

class StatsdExporter implements Exporter {
  readonly #options: StatsdOptions
  readonly #changes: Changes<Target>
  readonly #trouble: Trouble
  readonly #sender: Sender

  constructor(options: StatsdOptions) {
    const { host, port, dialect, prefix, context } = options
    this.#options = options
    this.#changes = new Changes(sample => targetOf(dialect, prefix, sample))
    this.#trouble = createTrouble(context, `${host}:${port}`)
    this.#sender = new Sender({ host, port, clock: context.clock, onError: error => this.#trouble.add(error) })
  }

  async run(reader: MetricReader, signal: AbortSignal): Promise<void> {
    await this.#takeBaseLine(reader).catch((error: unknown) => this.#trouble.add(error))
    await pushEvery(this.#options.flush, this.#options.context.clock, signal, () => this.#push(reader))
  }

  close(): Promise<void> {
    this.#sender.close()
    return Promise.resolve()
  }

  async #push(reader: MetricReader): Promise<void> {
    try {
      const { packets, tooLong } = pack(await this.#lines(reader))
      for (let i = 0; i < tooLong; i++) this.#trouble.add(new LineTooLong())
      if (packets.length > 0) await this.#sender.send(packets)
    } catch (error) {
      this.#trouble.add(error)
    }
    this.#trouble.pushed()
  }

  /** In one go, so that no record can come in between. */
  async #takeBaseLine(reader: MetricReader): Promise<void> {
    for (const reading of readings(await reader.read(), this.#options.includeOwn)) this.#changes.add(reading)
    this.#changes.end()
  }

  async #lines(reader: MetricReader): Promise<string[]> {
    const { dialect, includeOwn } = this.#options
    await inSlices(readings(await reader.read(), includeOwn), reading => this.#changes.add(reading))
    return this.#changes.end().map(change => render(dialect, change))
  }
}

class LineTooLong extends Error {
  readonly code = 'EMSGSIZE'

  constructor() {
    super(`a metric with all its tags is longer than a datagram of ${MTU} bytes`)
  }
}
