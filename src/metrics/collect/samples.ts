// What one round of collecting saw, as families, with what has to be remembered from round to round.
import type { Family, Sample } from '../../core/instruments.ts'

/** Takes the place of names beyond the bound. */
const OVERFLOW = '__overflow__'

type Labels = Readonly<Record<string, string>>

/** What collectors write to. Names without `yarder_host_`; values in base units. */
export interface Into {
  /** What only grows, as the kernel tells it since the boot. */
  counter(name: string, help: string, value: number, labels?: Labels): void
  gauge(name: string, help: string, value: number, labels?: Labels): void
}

interface Growing extends Family {
  readonly samples: Array<Sample & { value: number }>
}

/** Walked by `round` once every collection; `families` is what the last one saw. */
export class Samples {
  /** First values of the first round: what had grown before anybody looked. */
  readonly #grownBefore = new Map<string, number>()
  #families = new Map<string, Growing>()
  #first = true

  get families(): readonly Family[] {
    return [...this.#families.values()]
  }

  /** Collects anew; what is not seen again is gone. */
  async round(collect: (into: Into) => Promise<void>): Promise<void> {
    const families = new Map<string, Growing>()
    const put = (type: 'counter' | 'gauge', name: string, help: string, value: number, labels: Labels = {}): void => {
      if (!Number.isFinite(value)) return
      const whole = `yarder_host_${name}`
      let family = families.get(whole)
      if (family === undefined) families.set(whole, (family = { name: whole, help, type, samples: [] }))
      const key = JSON.stringify([whole, labels])
      if (type === 'counter' && this.#first) this.#grownBefore.set(key, value)
      const base = type === 'counter' ? this.#grownBefore.get(key) : undefined
      family.samples.push({ name: whole, labels, value, ...(base === undefined ? {} : { base }) })
    }
    await collect({
      counter: (name, help, value, labels) => put('counter', name, help, value, labels),
      gauge: (name, help, value, labels) => put('gauge', name, help, value, labels)
    })
    this.#families = families
    this.#first = false
  }
}

interface Bounded {
  /** The last values of the members, by what is counted. */
  readonly before: Map<string, Map<string, number>>
  readonly grown: Map<string, number>
}

/**
 * Bounds the devices, mount points or units of one collector: the first so many have series of their own, and the rest
 * are added up as `__overflow__`. Of counters that is by how much they grew since they were first seen, so that it
 * never falls when one of them goes.
 */
export class Bound {
  readonly #max: number
  #own = new Set<string>()
  #late = new Set<string>()
  #rest: Bounded = { before: new Map(), grown: new Map() }

  constructor(max: number) {
    this.#max = max
  }

  /**
   * Calls `each` with every member and with what to write its numbers to. `labels` are those of a member; in the
   * overflow all of them are replaced. Labels that `each` gives besides come from closed sets and stay.
   */
  async walk<M>(
    members: readonly M[],
    labels: (member: M) => Labels,
    into: Into,
    each: (member: M, into: Into) => void | Promise<void>
  ): Promise<void> {
    const keyed = members.map(member => ({ member, key: JSON.stringify(labels(member)), labels: labels(member) }))
    const here = new Set(keyed.map(({ key }) => key))
    this.#own = this.#own.intersection(here)
    this.#late = this.#late.intersection(here)
    // One that came too late stays in the overflow: what it has grown by is counted there.
    for (const { key } of keyed) {
      if (this.#own.has(key) || this.#late.has(key)) continue
      if (this.#own.size < this.#max) this.#own.add(key)
      else this.#late.add(key)
    }
    const rest = new Rest(this.#rest, here)
    for (const { member, key, labels: own } of keyed) {
      const more = (extra: Labels | undefined): Labels => ({ ...own, ...extra })
      if (!this.#own.has(key)) {
        await each(member, rest.into(key, Object.keys(own)))
        continue
      }
      await each(member, {
        counter: (name, help, value, extra) => into.counter(name, help, value, more(extra)),
        gauge: (name, help, value, extra) => into.gauge(name, help, value, more(extra))
      })
    }
    rest.end(into)
  }
}

/** Adds up what has no series of its own, in one round. */
class Rest {
  readonly #known: Bounded
  readonly #gauges = new Map<string, number>()
  readonly #writes = new Map<string, (into: Into) => void>()

  constructor(known: Bounded, here: ReadonlySet<string>) {
    this.#known = known
    for (const before of known.before.values())
      for (const member of before.keys()) if (!here.has(member)) before.delete(member)
  }

  into(member: string, names: readonly string[]): Into {
    const overflow = Object.fromEntries(names.map(name => [name, OVERFLOW]))
    const { before, grown } = this.#known
    return {
      counter: (name, help, value, extra) => {
        if (!Number.isFinite(value)) return
        const labels = { ...overflow, ...extra }
        const key = JSON.stringify([name, labels])
        let last = before.get(key)
        if (last === undefined) before.set(key, (last = new Map()))
        const from = last.get(member) ?? value
        grown.set(key, (grown.get(key) ?? 0) + (value >= from ? value - from : value))
        last.set(member, value)
        this.#writes.set(key, into => into.counter(name, help, grown.get(key)!, labels))
      },
      gauge: (name, help, value, extra) => {
        if (!Number.isFinite(value)) return
        const labels = { ...overflow, ...extra }
        const key = JSON.stringify([name, labels])
        this.#gauges.set(key, (this.#gauges.get(key) ?? 0) + value)
        this.#writes.set(key, into => into.gauge(name, help, this.#gauges.get(key)!, labels))
      }
    }
  }

  end(into: Into): void {
    for (const write of this.#writes.values()) write(into)
  }
}
