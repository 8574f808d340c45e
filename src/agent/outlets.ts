// The outputs with their deliveries, running.
import type { Clock } from '../core/clock.ts'
import type { Context, Output, Selection } from '../core/component.ts'
import { readFields } from '../core/field.ts'
import type { Template } from '../core/template.ts'
import { Delivery, deliveryOptions, selectionOf } from '../output/delivery.ts'
import type { OutputCommon } from '../output/delivery.ts'
import { stdout } from '../output/stdout.ts'
import type { OutputUnit } from './components.ts'
import type { OutputStatus } from './status.ts'
import type { Sink } from './wire.ts'

/** What is taken over of an output's unit: enough to build it, and to see whether it changed. */
interface Planned {
  readonly name: string
  readonly type: string
  readonly signature: string
  readonly options: Readonly<Record<string, unknown>>
  readonly common: OutputCommon | undefined
  readonly context: Context
  readonly output: Output
  /** Absent when it gets every record as it is. */
  readonly selection: Selection | undefined
}

export interface OutletPlan {
  readonly names: readonly string[]
  /** Changes when one of these outputs does. */
  signatureOf(names: readonly string[]): string
  /** The templates that these outputs want rendered, each once. */
  keysOf(names: readonly string[]): Template[]
  /** What those of these outputs want that don't take every record as it is. */
  selectionsOf(names: readonly string[]): Selection[]
  /** Closes what is gone or changed and starts what is new. The inputs that send there have been stopped. */
  apply(): Promise<void>
}

type ContextOf = (name: string) => Context

/** No configured output has this signature: theirs are JSON. */
const STANDARD = 'standard'

/** Without a configured output, records go to stdout. */
function standard(contextOf: ContextOf): Planned {
  const name = 'stdout'
  const options = readFields(stdout.fields, {}, () => {})!
  const context = contextOf(name)
  return {
    name,
    type: 'stdout',
    signature: STANDARD,
    options,
    common: undefined,
    context,
    output: stdout.build(options, context),
    selection: undefined
  }
}

export class Outlets {
  readonly #clock: Clock
  readonly #onBroken: (name: string, error: unknown) => void
  readonly #onSettled: () => void
  readonly #running = new Map<string, { planned: Planned; delivery: Delivery; broken: boolean }>()

  /**
   * `onBroken`: an output can't go on for good, as stdout whose reader went away. `onSettled`: something was acknowledged
   * that would be kept twice if it came again, so positions should be written.
   */
  constructor(clock: Clock, onBroken: (name: string, error: unknown) => void, onSettled: () => void = () => {}) {
    this.#clock = clock
    this.#onBroken = onBroken
    this.#onSettled = onSettled
  }

  /**
   * Builds what the configuration names, or prints when it names none; nothing that runs is touched until `apply`. Throws
   * ConfigError.
   */
  plan(units: readonly OutputUnit[], contextOf: ContextOf, orPrint = true): OutletPlan {
    const planned = units.map((unit): Planned => {
      const context = contextOf(unit.name)
      const running = this.#running.get(unit.name)?.planned
      if (running?.signature === unit.signature) return running
      return {
        name: unit.name,
        type: unit.type,
        signature: unit.signature,
        options: unit.options as Readonly<Record<string, unknown>>,
        common: unit.common,
        context,
        output: unit.build(context),
        selection: selectionOf(unit.name, unit.common)
      }
    })
    if (planned.length === 0 && orPrint) {
      const running = this.#running.get('stdout')?.planned
      planned.push(running?.signature === STANDARD ? running : standard(contextOf))
    }
    const of = (names: readonly string[]): Planned[] => planned.filter(p => names.includes(p.name))
    return {
      names: planned.map(p => p.name),
      signatureOf: names =>
        of(names)
          .map(p => `${p.name} ${p.signature}`)
          .join('\n'),
      keysOf: names => {
        const keys = of(names).flatMap(p => p.output.keys ?? [])
        return [...new Map(keys.map(key => [key.text, key])).values()]
      },
      selectionsOf: names => of(names).flatMap(p => p.selection ?? []),
      apply: () => this.#apply(planned)
    }
  }

  async #apply(planned: readonly Planned[]): Promise<void> {
    const wanted = new Set(planned)
    const gone = [...this.#running.values()].filter(r => !wanted.has(r.planned))
    await Promise.all(gone.map(r => r.delivery.close()))
    for (const r of gone) this.#running.delete(r.planned.name)
    for (const p of planned) {
      if (this.#running.has(p.name)) continue
      const delivery = new Delivery({
        type: p.type,
        output: p.output,
        options: deliveryOptions(p.options, p.common),
        context: p.context,
        onBroken: error => {
          running.broken = true
          this.#onBroken(p.name, error)
        },
        onSettled: this.#onSettled
      })
      const running = { planned: p, delivery, broken: false }
      this.#running.set(p.name, running)
      delivery.start()
    }
  }

  /** True when none can go on. */
  get broken(): boolean {
    return this.#running.size > 0 && [...this.#running.values()].every(r => r.broken)
  }

  get names(): string[] {
    return [...this.#running.keys()]
  }

  sinks(names: readonly string[]): Sink[] {
    return names.map(name => this.#running.get(name)!.delivery)
  }

  /** The one that runs under this name. */
  delivery(name: string): Delivery | undefined {
    return this.#running.get(name)?.delivery
  }

  /** Takes an input's records back from every output, since it will read them again; resolves when none is under way. */
  async withdraw(input: string): Promise<void> {
    await Promise.all([...this.#running.values()].map(r => r.delivery.withdraw(input)))
  }

  /** Lets everything that was taken over arrive within `deadlineMs`, all outputs side by side. True when it has. */
  async drain(deadlineMs: number): Promise<boolean> {
    const until = this.#clock.elapsed() + deadlineMs
    const done = await Promise.all(
      [...this.#running.values()].map(r => r.delivery.drain(Math.max(0, until - this.#clock.elapsed())))
    )
    return done.every(Boolean)
  }

  get unacknowledged(): number {
    let sum = 0
    for (const { delivery } of this.#running.values()) sum += delivery.unacknowledged
    return sum
  }

  status(): OutputStatus[] {
    return [...this.#running.values()].map(r => r.delivery.status())
  }
}
