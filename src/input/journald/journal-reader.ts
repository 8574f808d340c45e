// What the journal has behind a place, by runs of journalctl, and what a person is to know when it is not all there.
import type { Context } from '../../core/component.ts'
import type { ReadEntry } from './batches.ts'
import { parseCursor } from './cursor.ts'
import type { Entry, Limits } from './export.ts'
import { runJournalctl } from './journalctl.ts'
import { Notices } from './notices.ts'
import type { Place } from './positions.ts'
import { argumentsFor, sinceOf, unchosen } from './settings.ts'
import type { Settings } from './settings.ts'
import type { Trouble } from './trouble.ts'

/** Of a field that is not the message, and of all of them together, bytes. */
const FIELD_BYTES = 16 * 1024
const ENTRY_BYTES = 128 * 1024
/** After so many tries in vain at a cursor, it is tried by its time. */
export const TRIES = 3

/** Its readings reject with a YarderError when journalctl can't be run or ends by a fault. */
export class JournalReader {
  readonly #settings: Settings
  readonly #trouble: Trouble
  readonly #notices: Notices
  readonly #limits: Limits

  constructor(settings: Settings, context: Context, trouble: Trouble) {
    this.#settings = settings
    this.#trouble = trouble
    this.#notices = new Notices(settings, context)
    this.#limits = { message: settings.maxLineBytes, field: FIELD_BYTES, entry: ENTRY_BYTES }
  }

  /** What stands behind a place. */
  async *pass(from: Place, how: 'follow' | 'rest', signal: AbortSignal): AsyncGenerator<ReadEntry[], void> {
    const known = parseCursor(from.cursor)
    let behind = known === undefined
    let met = false
    let { n } = from
    for await (const entries of this.#run(from, how, signal)) {
      let first = 0
      // The entry itself comes first, or in its absence its neighbours, which may be older.
      for (; !behind && first < entries.length; first++) {
        const at = parseCursor(entries[first]!.cursor)
        if (at?.entry === known!.entry) met = true
        else if (at?.sequence !== known!.sequence || at.boot !== known!.boot || at.number > known!.number) {
          behind = true
          if (!met && !this.#settings.currentBootOnly) await this.#notices.gone(from, () => this.#oldest(signal))
          break
        }
      }
      if (first === entries.length) continue
      this.#trouble.over()
      yield entries.slice(first).map(entry => ({ entry, place: { cursor: entry.cursor, time: entry.time, n: ++n } }))
    }
  }

  /** The last entry of those that are wanted. */
  async last(signal: AbortSignal): Promise<Entry | undefined> {
    let last: Entry | undefined
    const argv = argumentsFor(this.#settings, { cursor: '', since: undefined }, 'last')
    for await (const entries of this.#journalctl(argv, signal)) last = entries.at(-1)
    return last
  }

  /** Of all that the journal has. */
  async #oldest(signal: AbortSignal): Promise<Entry | undefined> {
    const argv = argumentsFor(unchosen(this.#settings), { cursor: '', since: undefined }, 'rest')
    for await (const [first] of this.#journalctl(argv, signal)) return first
    return undefined
  }

  /** Entries that were there between these places are not any more. */
  lost(from: Place, to: Place): void {
    this.#notices.lost(from, to.time)
  }

  async *#run(from: Place, how: 'follow' | 'rest', signal: AbortSignal): AsyncGenerator<Entry[], void> {
    const stuck = this.#trouble.failures >= TRIES && this.#trouble.failures % 2 === 1
    const since = from.time > 0 ? sinceOf(from.time) : this.#settings.since
    yield* this.#journalctl(argumentsFor(this.#settings, { cursor: stuck ? '' : from.cursor, since }, how), signal)
  }

  #journalctl(argv: readonly string[], signal: AbortSignal): AsyncGenerator<Entry[], void> {
    return runJournalctl(
      {
        argv,
        limits: this.#limits,
        onHidden: () => this.#notices.hidden(),
        onDamage: words => this.#notices.damage(words)
      },
      signal
    )
  }
}
