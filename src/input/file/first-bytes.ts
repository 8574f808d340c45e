// The first bytes of the files of a folder, each read once a round, however many streams ask which may be their copy.
import type { Stats } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { join } from 'node:path'
import { Candidate } from './candidate.ts'
import type { FileTail } from './file-tail.ts'
import { headOf, sameHead } from './identity.ts'

interface First {
  readonly name: string
  readonly bytes: Buffer
  readonly packed: boolean
}

/** The files by the fingerprint of so many first bytes, and those that have fewer. */
interface Index {
  readonly bySum: Map<string, string[]>
  readonly shorter: First[]
  /** How many of the files that were read are in it. */
  filed: number
}

export class FirstBytes {
  #folder: string
  #onRead: () => void
  /** The youngest first: a stream asks for what is younger than itself. */
  #files: readonly (readonly [name: string, st: Stats])[]
  #opened = 0
  #read: First[] = []
  #indexes = new Map<number, Index>()

  /** `onRead` is told of each file that is opened. */
  constructor(folder: string, files: ReadonlyMap<string, Stats>, onRead: () => void) {
    this.#folder = folder
    this.#files = [...files].toSorted(([, a], [, b]) => b.mtimeMs - a.mtimeMs)
    this.#onRead = onRead
  }

  /** Names of files no older than `since` that may hold what the stream read; the rest surely don't. */
  async mayHold(tail: Pick<FileTail, 'head' | 'checkpoints' | 'copied'>, since: number): Promise<string[]> {
    while (this.#opened < this.#files.length && this.#files[this.#opened]![1].mtimeMs >= since) {
      await this.#open(...this.#files[this.#opened++]!)
    }
    const { n, sum } = tail.head
    const { bySum, shorter } = this.#index(n)
    // A copy that ends before the fingerprint does can still be known by a position within it, or was seen to be one.
    const least = tail.copied.n === 0 ? (tail.checkpoints.find(c => c.n > 0)?.at ?? Infinity) : 0
    const short = shorter.filter(
      ({ bytes, packed }) => (!packed && bytes.length >= least) || sameHead(tail.copied, headOf(bytes))
    )
    return [...(bySum.get(sum) ?? []), ...short.map(({ name }) => name)]
  }

  async #open(name: string, st: Stats): Promise<void> {
    if (st.size === 0) return
    if (this.#opened % 64 === 0) await turn()
    this.#onRead()
    const candidate = Candidate.open(join(this.#folder, name), st)
    if (candidate === undefined) return
    try {
      this.#read.push({ name, bytes: await candidate.first(), packed: candidate.packing !== undefined })
    } catch {
      // Not complete yet: the next round sees it as it is then.
    } finally {
      candidate.close()
    }
  }

  #index(n: number): Index {
    let index = this.#indexes.get(n)
    if (index === undefined) this.#indexes.set(n, (index = { bySum: new Map(), shorter: [], filed: 0 }))
    for (; index.filed < this.#read.length; index.filed++) {
      const first = this.#read[index.filed]!
      if (first.bytes.length < n) index.shorter.push(first)
      else {
        const { sum } = headOf(first.bytes.subarray(0, n))
        const names = index.bySum.get(sum)
        if (names === undefined) index.bySum.set(sum, [first.name])
        else names.push(first.name)
      }
    }
    return index
  }
}
