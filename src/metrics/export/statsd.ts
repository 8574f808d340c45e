// `statsd` exporter: sends what changed to a StatsD server, added up in the agent so that a hot log costs no datagrams.
import type { Context, Exporter } from '../../core/component.ts'
import { defineExporter } from '../../core/component.ts'
import * as f from '../../core/field.ts'
import type { Family, MetricReader, Sample } from '../../core/instruments.ts'
import { placeText } from './push/connection.ts'
import { pushEvery } from './push/every.ts'
import { buildPrefix, prefixFields } from './push/names.ts'
import { Changes, inSlices, isOwn, readings } from './push/readings.ts'
import { createTrouble } from './push/trouble.ts'
import type { Trouble } from './push/trouble.ts'
import { DIALECTS, render, targetOf } from './statsd/lines.ts'
import type { Dialect, Target } from './statsd/lines.ts'
import { pack } from './statsd/packets.ts'
import { BucketSamples, sampleLine } from './statsd/samples.ts'
import type { ValueSample } from './statsd/samples.ts'
import { createSender, mostBytesOf, TRANSPORTS } from './statsd/sender.ts'
import type { Sender, Transport } from './statsd/sender.ts'
import { serviceCheckLine } from './statsd/service-check.ts'

export const statsd = defineExporter({
  name: 'statsd',
  summary: 'Sends the metrics to a StatsD server by UDP, TCP or a Unix socket.',
  description: `At each flush a counter is sent as what it grew by, and not at all when it did not; a gauge as it stands; of a histogram \`_count\` and \`_sum\` are sent as counters, unless \`histograms: samples\` is set. What the counters had before the agent started is not sent again. What a server misses while it is away is lost to it, though not to \`/metrics\`.

Datagrams of \`udp\` hold up to 1432 bytes, so that no link has to cut them, those of \`unixgram\` up to 8192. With \`tcp\` and \`unix\` one connection is kept; a server that takes nothing for \`timeout\` is left until the next flush. In no case is more kept for a server than one flush, and reading logs never waits for it.

Names are the prefix, then the name as on \`/metrics\`. \`plain\` adds the value of each label as one more part, since StatsD has no labels, with \`_\` for each sign other than letters, digits, \`_\` and \`-\`, and \`none\` for an empty value; \`datadog\` and \`telegraf\` keep name and tags apart.

Errors are counted in \`yarder_exporter_errors_total\`, and each kind is told once until they end.`,
  fields: {
    transport: f.choice(
      TRANSPORTS,
      'How it is reached: `udp`, `tcp`, or a Unix socket at `path`: `unix` for a stream, as StatsD itself has it, `unixgram` for datagrams, as the Datadog agent does.',
      { default: 'udp' }
    ),
    host: f.string('Name or address of the server; a name is looked up at each flush.', { default: '127.0.0.1' }),
    port: f.integer('Its UDP or TCP port.', { default: 8125, min: 1, max: 65535 }),
    path: f.optional(
      f.string('Its Unix socket, with `unix` and `unixgram`; a leading `@` stands for an abstract name.', {
        example: '/var/run/datadog/dsd.socket',
        pattern: /^[/@]/,
        must: 'an absolute path, or @ and a name'
      })
    ),
    timeout: f.duration('With `tcp` and `unix`: how long connecting, and each write, may take.', {
      default: '5s',
      min: '10ms',
      max: '1m'
    }),
    flush: f.duration("How often; a StatsD server's own default is 10s too.", {
      default: '10s',
      min: '100ms',
      max: '1h'
    }),
    ...prefixFields,
    dialect: f.choice(DIALECTS, 'How labels are written.', { default: 'plain' }),
    histograms: f.choice(
      ['counts', 'samples'],
      'What is sent of a histogram: its `_count` and `_sum`, or, for a server that makes percentiles of its own, a value (`|h`) for each bucket that grew, the middle of it, with how many it stands for. `plain` has no way to say the latter.',
      { default: 'counts' }
    ),
    service_checks: f.boolean(
      'Send the state and message of each health check as a service check `<prefix>.check`; with `datadog` only.',
      { default: false }
    ),
    include_own: f.boolean("Send the agent's own metrics too: `yarder_…`, `process_…` and `nodejs_…`.", {
      default: false
    })
  },
  examples: [
    {
      title: 'A StatsD on every server',
      yaml: "statsd: { host: 127.0.0.1, port: 8125, prefix: 'shop.{host}' }\n"
    },
    { title: 'The Datadog agent, with tags', yaml: 'statsd: { dialect: datadog, prefix: shop }\n' },
    {
      title: 'The Datadog agent by its socket, with health checks and histograms',
      yaml: 'statsd:\n  transport: unixgram\n  path: /var/run/datadog/dsd.socket\n  dialect: datadog\n  prefix: shop\n  histograms: samples\n  service_checks: true\n'
    }
  ],
  *lint({ transport, path, dialect, histograms, service_checks: serviceChecks }) {
    const unix = transport === 'unix' || transport === 'unixgram'
    if (unix && path === undefined) yield ['path', `is required with transport ${transport}`]
    if (!unix && path !== undefined)
      yield ['path', `has no effect with transport ${transport}; unix and unixgram use it`]
    if (transport === 'unix' && path?.startsWith('@') === true)
      yield ['path', 'an abstract name goes with unixgram only']
    if (transport === 'unix' && dialect === 'datadog')
      yield ['transport', 'must not be unix for the Datadog agent, which frames its streams; use unixgram']
    if (histograms === 'samples' && dialect === 'plain')
      yield ['histograms', 'must be counts with dialect plain, where one value cannot stand for many']
    if (serviceChecks && dialect !== 'datadog') yield ['service_checks', 'needs dialect datadog; the others have none']
  },
  build(o, context) {
    return new StatsdExporter({ ...o, path: o.path ?? '', prefix: buildPrefix(o, context), context })
  }
})

interface StatsdOptions {
  readonly transport: Transport
  readonly host: string
  readonly port: number
  readonly path: string
  readonly timeout: number
  readonly flush: number
  readonly dialect: Dialect
  readonly histograms: 'counts' | 'samples'
  readonly service_checks: boolean
  readonly include_own: boolean
  readonly prefix: string
  readonly context: Context
}

class StatsdExporter implements Exporter {
  readonly #options: StatsdOptions
  readonly #changes: Changes<Target>
  readonly #samples: BucketSamples
  readonly #trouble: Trouble
  readonly #sender: Sender

  constructor(options: StatsdOptions) {
    const { transport, host, port, path, dialect, prefix, context } = options
    this.#options = options
    const target = (sample: Sample): Target => targetOf(dialect, prefix, sample)
    this.#changes = new Changes(target)
    this.#samples = new BucketSamples(target)
    const unix = transport === 'unix' || transport === 'unixgram'
    this.#trouble = createTrouble(context, placeText(unix ? { path } : { host, port }))
    this.#sender = createSender({ ...options, clock: context.clock, onError: error => this.#trouble.add(error) })
  }

  async run(reader: MetricReader, signal: AbortSignal): Promise<void> {
    await this.#takeBaseLine(reader).catch((error: unknown) => this.#trouble.add(error))
    await pushEvery(this.#options.flush, this.#options.context.clock, signal, () => this.#push(reader))
  }

  close(): Promise<void> {
    return this.#sender.close()
  }

  async #push(reader: MetricReader): Promise<void> {
    const most = mostBytesOf(this.#options.transport)
    try {
      const { packets, tooLong } = pack(await this.#lines(reader), most)
      for (let i = 0; i < tooLong; i++) this.#trouble.add(new LineTooLong(most))
      if (packets.length > 0) await this.#sender.send(packets)
    } catch (error) {
      this.#trouble.add(error)
    }
    this.#trouble.pushed()
  }

  /** In one go, so that no record can come in between. */
  async #takeBaseLine(reader: MetricReader): Promise<void> {
    const { counted, sampled } = this.#divide(await reader.read())
    for (const reading of readings(counted, this.#options.include_own)) this.#changes.add(reading)
    this.#changes.end()
    for (const _ of this.#grown(sampled));
    this.#samples.end()
  }

  async #lines(reader: MetricReader): Promise<string[]> {
    const { dialect, include_own: includeOwn, service_checks: serviceChecks, prefix } = this.#options
    const { counted, sampled } = this.#divide(await reader.read())
    const lines: string[] = []
    await inSlices(readings(counted, includeOwn), reading => this.#changes.add(reading))
    await inSlices(this.#grown(sampled), sample => lines.push(sampleLine(sample)))
    this.#samples.end()
    const checks = serviceChecks ? (reader.checks?.() ?? []) : []
    const told = checks.map(check => serviceCheckLine(prefix, check)).filter(line => line !== undefined)
    return [...this.#changes.end().map(change => render(dialect, change)), ...lines, ...told]
  }

  /** Which families go out as counts and levels, and which as samples. */
  #divide(families: readonly Family[]): { counted: Family[]; sampled: Family[] } {
    const { histograms, include_own: includeOwn } = this.#options
    const isSampled = ({ type, name }: Family): boolean =>
      histograms === 'samples' && type === 'histogram' && (includeOwn || !isOwn(name))
    return {
      counted: families.filter(family => !isSampled(family)),
      sampled: families.filter(isSampled)
    }
  }

  *#grown(families: readonly Family[]): Generator<ValueSample> {
    for (const family of families) yield* this.#samples.read(family)
  }
}

class LineTooLong extends Error {
  readonly code = 'EMSGSIZE'

  constructor(most: number) {
    super(`a metric with all its tags is longer than a datagram of ${most} bytes`)
  }
}
