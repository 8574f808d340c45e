// What a person is to know of a journal that can be read, but not all of it.
import type { Context } from '../../core/component.ts'
import { YarderError } from '../../core/errors.ts'
import type { Entry } from './export.ts'
import type { Place } from './positions.ts'
import type { Settings } from './settings.ts'
import { REMEDY } from './trouble.ts'

/** So many damaged files are told. */
const MOST_DAMAGE = 20

export class Notices {
  readonly #settings: Settings
  readonly #context: Context
  readonly #damage = new Set<string>()
  #hiddenTold = false

  constructor(settings: Settings, context: Context) {
    this.#settings = settings
    this.#context = context
  }

  /** The entry of a place is not there any more; `oldest` gives the first one that the journal has, of whatever kind. */
  async gone(from: Place, oldest: () => Promise<Entry | undefined>): Promise<void> {
    const first = await oldest().catch((error: unknown) => {
      if (error instanceof YarderError) return undefined
      throw error
    })
    // The oldest files go first: where older entries are left, none of the later ones went, unless by hand.
    if (first !== undefined && first.time <= from.time)
      this.#context.log.info(
        { from: isoOf(from.time), oldest: isoOf(first.time) },
        'The journal has deleted the entry up to which was read, but goes back further than what is to be read.'
      )
    else this.lost(from, first?.time)
  }

  /** Entries behind a place may have been deleted, up to those of a time in microseconds. */
  lost(from: Place, until: number | undefined): void {
    this.#context.log.warn(
      { from: isoOf(from.time), ...(until === undefined ? {} : { until: isoOf(until) }) },
      'The journal has deleted the entry up to which was read; what it deleted of later ones before they were read is lost.'
    )
  }

  /** Each once, and not without end. */
  damage(words: string): void {
    if (this.#damage.has(words) || this.#damage.size >= MOST_DAMAGE) return
    this.#damage.add(words)
    this.#context.log.warn({ reason: words }, 'A part of the journal cannot be read and is left out.')
  }

  hidden(): void {
    if (this.#hiddenTold || this.#settings.directory !== undefined) return
    this.#hiddenTold = true
    this.#context.log.error(
      { remedy: REMEDY },
      'This user may not see all entries of the journal, and those that it may not see are missing without a sign.'
    )
  }
}

/** Of microseconds since the epoch. */
export const isoOf = (micros: number): string => new Date(micros / 1000).toISOString()
