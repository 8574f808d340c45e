// The agent's own numbers: kept by prom-client, read together with all others when somebody asks.
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import heap from 'prom-client/lib/metrics/heapSizeAndUsed.js'
import memory from 'prom-client/lib/metrics/osMemoryHeap.js'
import cpu from 'prom-client/lib/metrics/processCpuTotal.js'
import maxFds from 'prom-client/lib/metrics/processMaxFileDescriptors.js'
import openFds from 'prom-client/lib/metrics/processOpenFileDescriptors.js'
import startTime from 'prom-client/lib/metrics/processStartTime.js'
import type { Family, Instruments } from '../core/instruments.ts'

export type { Family, Sample } from '../core/instruments.ts'

export interface Store {
  readonly instruments: Instruments
  /** Lets each reading hold what `families` gives besides. Returns the way to take it back. */
  addSource(families: () => Iterable<Family>): () => void
  /** Takes away every series with this label, of what is there no longer. */
  forget(label: string, value: string): Promise<void>
  /** A reading of everything, in order of names. */
  read(): Promise<Family[]>
}

// `collectDefaultMetrics` would also start an event loop monitor, whose timer wakes an idle agent a hundred times a second.
const PROCESS_METRICS = [cpu, startTime, openFds, maxFds, memory, heap]

interface Instrument {
  readonly help: string
  readonly labels: string
  readonly value: unknown
}

/** An empty store with the process's own metrics in it. */
export function createStore(): Store {
  const registry = new Registry()
  const known = new Map<string, Instrument>()
  const readers = new Set<() => void>()
  const sources = new Set<() => Iterable<Family>>()

  for (const register of PROCESS_METRICS) register(registry)

  function once<T>(name: string, help: string, labels: readonly string[], make: () => T): T {
    const signature = labels.join(',')
    const before = known.get(name)
    if (before !== undefined) {
      if (before.help !== help || before.labels !== signature)
        throw new Error(`metric ${name} is declared twice, differently`)
      return before.value as T
    }
    const value = make()
    known.set(name, { help, labels: signature, value })
    return value
  }

  const named = (names: readonly string[], values: readonly string[]): Record<string, string> => {
    const labels: Record<string, string> = {}
    for (let i = 0; i < names.length; i++) labels[names[i]!] = values[i] ?? ''
    return labels
  }

  const instruments: Instruments = {
    counter: (name, help, labels = []) =>
      once(name, help, labels, () => {
        const counter = new Counter({ name, help, labelNames: [...labels], registers: [registry] })
        return { add: (value, ...values) => counter.inc(named(labels, values), value) }
      }),
    gauge: (name, help, labels = []) =>
      once(name, help, labels, () => {
        const gauge = new Gauge({ name, help, labelNames: [...labels], registers: [registry] })
        return {
          set: (value, ...values) => gauge.set(named(labels, values), value),
          remove: (...values) => gauge.remove(named(labels, values))
        }
      }),
    histogram: (name, help, labels = [], buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]) =>
      once(name, help, labels, () => {
        const histogram = new Histogram({
          name,
          help,
          labelNames: [...labels],
          buckets: [...buckets],
          registers: [registry]
        })
        return { observe: (value, ...values) => histogram.observe(named(labels, values), value) }
      }),
    beforeScrape: read => {
      readers.add(read)
      return () => void readers.delete(read)
    }
  }

  return {
    instruments,
    addSource(families) {
      sources.add(families)
      return () => void sources.delete(families)
    },
    async forget(label, value) {
      for (const { name, values } of await registry.getMetricsAsJSON()) {
        const metric = registry.getSingleMetric(name)
        for (const { labels } of values) {
          const { le: _, ...series } = labels as Record<string, string>
          if (series[label] === value) metric?.remove(series)
        }
      }
    },
    async read() {
      for (const read of readers) read()
      const metrics = await registry.getMetricsAsJSON()
      const families = metrics.map(familyOf)
      for (const more of sources) families.push(...more())
      return families.sort((a, b) => (a.name < b.name ? -1 : 1))
    }
  }
}

type Metric = Awaited<ReturnType<Registry['getMetricsAsJSON']>>[number]

function familyOf({ name, help, type, values }: Metric): Family {
  return {
    name,
    help,
    type: String(type) as Family['type'],
    samples: values.map(value => {
      const { le, ...labels } = value.labels as Record<string, string | number>
      return {
        name: (value as { metricName?: string }).metricName ?? name,
        labels: labels as Record<string, string>,
        value: value.value,
        le: le === undefined ? undefined : Number(String(le).replace('+Inf', 'Infinity'))
      }
    })
  }
}
