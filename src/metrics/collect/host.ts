// The host's own numbers: every so often the chosen collectors run, one after the other, and what they saw stays to be read.
import type { Clock } from '../../core/clock.ts'
import { describe } from '../../core/errors.ts'
import type { Family } from '../../core/instruments.ts'
import type { Log } from '../../core/log.ts'
import { createCpu } from './cpu.ts'
import { createDisk } from './disk.ts'
import { createFilesystem } from './filesystem.ts'
import type { Statfs } from './filesystem.ts'
import { createLoad } from './load.ts'
import { createMemory } from './memory.ts'
import { createNetwork } from './network.ts'
import type { COLLECTORS, HostMetricsOptions } from './options.ts'
import { createPsi } from './psi.ts'
import { Samples } from './samples.ts'
import type { Into } from './samples.ts'
import { createUnits } from './units.ts'

/** Reads the kernel's numbers and writes them; throws when it may not. What a host does not have is left out. */
type Collector = (into: Into) => void | Promise<void>

interface Surroundings {
  readonly clock: Clock
  readonly log: Log
  /** The system's own when absent. */
  readonly statfs?: Statfs | undefined
}

export interface HostMetrics {
  /** What the last round saw. */
  families(): readonly Family[]
  /** Measures now. A collector that fails is told once, until it works again. */
  collect(): Promise<void>
  /** Measures as often as it should, until the signal aborts; the first time after that time has passed once. */
  run(signal: AbortSignal): Promise<void>
}

const MAKERS: Readonly<Record<(typeof COLLECTORS)[number], (o: HostMetricsOptions, s: Surroundings) => Collector>> = {
  cpu: createCpu,
  load: createLoad,
  memory: createMemory,
  psi: createPsi,
  disk: createDisk,
  filesystem: createFilesystem,
  network: createNetwork,
  units: createUnits
}

export function createHostMetrics(options: HostMetricsOptions, surroundings: Surroundings): HostMetrics {
  const { clock, log } = surroundings
  const samples = new Samples()
  const failing = new Set<string>()
  const collectors = [...new Set(options.collectors)].map(name => ({ name, run: MAKERS[name](options, surroundings) }))

  /** Time and success are measured here, so that no collector can forget them. */
  async function attempt(name: string, run: Collector, into: Into): Promise<void> {
    const from = clock.elapsed()
    let failed: string | undefined
    try {
      await run(into)
    } catch (error) {
      failed = describe(error)
    }
    const labels = { collector: name }
    into.gauge('collector_duration_seconds', 'How long a collector took.', (clock.elapsed() - from) / 1000, labels)
    into.gauge(
      'collector_success',
      'Whether a collector could read all it should.',
      failed === undefined ? 1 : 0,
      labels
    )
    if (failed !== undefined && !failing.has(name)) {
      failing.add(name)
      log.warn({ collector: name, error: failed }, 'The host could not be measured.')
    } else if (failed === undefined && failing.delete(name)) {
      log.info({ collector: name }, 'The host can be measured again.')
    }
  }

  const collect = (): Promise<void> =>
    samples.round(async into => {
      for (const { name, run } of collectors) await attempt(name, run, into)
    })

  return {
    families: () => samples.families,
    collect,
    async run(signal) {
      for (;;) {
        await clock.wait(options.every, signal)
        if (signal.aborted) return
        await collect()
      }
    }
  }
}
