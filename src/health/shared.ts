// What is read of the host once for all checks that look at the same moment.
import type { Clock } from '../core/clock.ts'
import type { CheckResult, Context, SharedKind } from '../core/component.ts'

/** What checks of an agent share is no older than this, milliseconds. */
const MAX_AGE_MS = 1000

/** Makes each kind of thing once; one for an agent. */
export function createShared(clock: Clock): <T>(kind: SharedKind<T>) => T {
  const made = new Map<SharedKind<unknown>, unknown>()
  return <T>(kind: SharedKind<T>): T => {
    if (!made.has(kind)) made.set(kind, new kind(clock, MAX_AGE_MS))
    return made.get(kind) as T
  }
}

/** The one of the agent; outside of an agent one that keeps nothing. */
export const sharedOf = <T>({ agent, clock }: Context, kind: SharedKind<T>): T =>
  agent?.shared?.(kind) ?? new kind(clock, 0)

/** What a check says that looks at what an agent has, where none runs. */
export const onlyInAgent = (what: string): CheckResult => ({
  state: 'unknown',
  reason: 'start',
  message: `only a running agent has ${what}; see yarder status`,
  skipped: true
})

/** Readings by a key, each kept for a while; who asks while one is under way waits for that. */
export class Recent<T> {
  readonly #clock: Clock
  readonly #maxAgeMs: number
  readonly #read: (key: string) => Promise<T>
  readonly #readings = new Map<string, { readonly began: number; readonly value: Promise<T>; done: boolean }>()

  constructor(clock: Clock, maxAgeMs: number, read: (key: string) => Promise<T>) {
    this.#clock = clock
    this.#maxAgeMs = maxAgeMs
    this.#read = read
  }

  get(key: string): Promise<T> {
    const now = this.#clock.elapsed()
    const last = this.#readings.get(key)
    if (last !== undefined && (!last.done || now - last.began < this.#maxAgeMs)) return last.value
    const reading = { began: now, value: this.#read(key), done: false }
    const end = (): void => {
      reading.done = true
      if (this.#maxAgeMs === 0) this.#readings.delete(key)
    }
    // A failure is shared by those who wait, and not kept.
    reading.value.then(end, () => this.#readings.delete(key))
    this.#readings.set(key, reading)
    return reading.value
  }
}
