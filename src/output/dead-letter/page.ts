// Some dead letters as records that go the way of all records again, and what becomes of each.
import type { Given, Records } from '../../core/component.ts'
import type { Found } from './files.ts'
import { documentOf } from './letter.ts'
import type { DeadLetter } from './letter.ts'

export interface Letter extends Found {
  readonly letter: DeadLetter
}

export class Page {
  readonly letters: readonly Letter[]
  readonly records: Records
  /** Resolves when each is delivered, refused with its new letter on disk, or left out. */
  readonly settled: Promise<void>
  /** Rows that were refused again; their new letters are on disk. */
  readonly refused = new Set<number>()
  /** Rows that the output left out since its queue was full: their letters stay. */
  readonly leftOut = new Set<number>()

  constructor(letters: readonly Letter[]) {
    this.letters = letters
    const { promise, resolve } = Promise.withResolvers<void>()
    this.settled = promise
    this.records = recordsOf(letters, resolve)
  }
}

function recordsOf(letters: readonly Letter[], settle: () => void): Records {
  const documents = letters.map(found => documentOf(found.bytes, found.letter))
  const ends = new Uint32Array(letters.length)
  let end = 0
  documents.forEach((document, row) => (ends[row] = end += document.length))
  const first = letters[0]!.letter
  return {
    batch: {
      // Where the records come from differs by row and stands in their letters; they have their identities given.
      source: { input: first.input, id: '', path: first.path, constants: {} },
      arrival: Date.parse(first.at),
      count: letters.length,
      bytes: Buffer.alloc(0),
      bounds: new Uint32Array(0),
      offset: 0,
      settle
    },
    count: letters.length,
    bytes: Buffer.concat(documents),
    ends,
    times: Float64Array.from(letters, ({ letter }) => Date.parse(letter.time ?? '')),
    offsets: Float64Array.from(letters, ({ letter }) => letter.offset),
    keys: new Map(),
    given: letters.map(({ letter }): Given => ({ id: letter.id, target: letter.target }))
  }
}
