// Replays the dead letters of an agent that doesn't run, through outputs that are built for it.
import { systemClock } from '../core/clock.ts'
import type { Context } from '../core/component.ts'
import { lock } from '../core/lock.ts'
import type { JobReport, Selector } from '../output/dead-letter.ts'
import type { CheckedConfig } from './components.ts'
import { configuredOf, refuseUnconfigured } from './dead-letters.ts'
import { Outlets } from './outlets.ts'

export interface OfflineReplay {
  readonly checked: CheckedConfig
  readonly dataDir: string
  readonly outputs: readonly string[]
  /** The outputs were named one by one; without it those that aren't configured are left out. */
  readonly named: boolean
  readonly selector: Selector
  readonly contextOf: (name: string) => Context
  /** Ends it after what is under way. */
  readonly signal: AbortSignal
}

/** What is under way has so long to be answered when it is asked to stop. */
const STOP_MS = 5000

/** Resolves when every job has ended. Throws LOCKED when the agent runs, and USAGE for an output that isn't configured. */
export async function replayOffline(o: OfflineReplay): Promise<JobReport[]> {
  const units = o.checked.units.outputs
  const names = units.length === 0 ? ['stdout'] : units.map(unit => unit.name)
  const outputs = o.named ? o.outputs : configuredOf(o.outputs, names)
  for (const name of outputs) refuseUnconfigured(name, names)
  const held = lock(o.dataDir)
  const outlets = new Outlets(systemClock, () => {})
  try {
    const wanted = units.filter(unit => outputs.includes(unit.name))
    await outlets.plan(wanted, name => ({ ...o.contextOf(name), dataDir: o.dataDir })).apply()
    const deliveries = outputs.map(name => outlets.delivery(name)!)
    const stop = (): void => {
      for (const delivery of deliveries) delivery.deadLetters.stopJob()
      // What the destination doesn't answer is broken off; its letters stay.
      void outlets.drain(STOP_MS)
    }
    o.signal.addEventListener('abort', stop, { once: true })
    return await Promise.all(deliveries.map(delivery => delivery.replay(o.selector)))
  } finally {
    await outlets.drain(STOP_MS)
    held.release()
  }
}
