// Notifications that wait to be sent to one place, the oldest first; kept over restarts, so that nobody misses a change.
import type { Notification } from '../core/component.ts'
import { isMap } from '../core/field.ts'
import type { State } from '../core/state.ts'

const SCOPE = 'notifications'

interface Item {
  /** Counts up. */
  readonly number: number
  readonly notification: Notification
}

export class Waiting {
  readonly #state: State
  readonly #place: string
  #items: readonly Item[]

  /** With what was kept for this place. */
  constructor(state: State, place: string) {
    this.#state = state
    this.#place = place
    const items: Item[] = []
    for (const [key, kept] of Array.from(state.entries(SCOPE))) {
      const { place: whose, number } = parse(key)
      if (whose !== place) continue
      if (isNotification(kept)) items.push({ number, notification: kept })
      else state.delete(SCOPE, key)
    }
    this.#items = items.toSorted((a, b) => a.number - b.number)
  }

  get all(): readonly Notification[] {
    return this.#items.map(item => item.notification)
  }

  get length(): number {
    return this.#items.length
  }

  /** One that is not `kept` is gone with the agent. */
  add(notification: Notification, kept: boolean): void {
    const number = (this.#items.at(-1)?.number ?? 0) + 1
    this.#items = [...this.#items, { number, notification }]
    if (kept) this.#state.set(SCOPE, keyOf(this.#place, number), notification)
  }

  /** These need not be sent any more. */
  remove(gone: readonly Notification[]): void {
    const { out = [], rest = [] } = Object.groupBy(this.#items, i => (gone.includes(i.notification) ? 'out' : 'rest'))
    for (const { number } of out) this.#state.delete(SCOPE, keyOf(this.#place, number))
    this.#items = rest
  }
}

/** Forgets what waits for places that are none any more. */
export function forgetOthers(state: State, places: ReadonlySet<string>): void {
  const keys = Array.from(state.entries(SCOPE), ([key]) => key)
  for (const key of keys) if (!places.has(parse(key).place)) state.delete(SCOPE, key)
}

const keyOf = (place: string, number: number): string => `${place}\n${number}`

function parse(key: string): { readonly place: string; readonly number: number } {
  const [place = '', number] = key.split('\n')
  return { place, number: Number(number) }
}

/** What a version of the agent before this one kept may lack what is needed; half a notification helps nobody. */
const isNotification = (kept: unknown): kept is Notification =>
  isMap(kept) &&
  ['check', 'type', 'state', 'previous', 'reason', 'message'].every(key => typeof kept[key] === 'string') &&
  ['since', 'previousSince'].every(key => typeof kept[key] === 'number')
