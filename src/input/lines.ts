// Cuts bytes into lines and joined records: bounds into the bytes, no strings.
import type { Portion } from '../core/rate.ts'
import type { Multiline } from './multiline.ts'

const LF = 10
const CR = 13

/** What to do with the bytes at the end: `more` holds the open record and the unterminated line, `pause` holds the line only. */
export type AtEnd = 'more' | 'pause' | 'last'

/** The outcome of one `split`. The arrays are the splitter's own and hold until its next call. */
export interface Split {
  count: number
  /** Start and end of each record, line ending left out. */
  bounds: Uint32Array
  /** A 1 for each record that was cut at the limit; meaningless unless `hasCut`. */
  cut: Uint8Array
  hasCut: boolean
  /** The first byte that is in no record and was not left out on purpose. */
  next: number
  /** The last record was cut before its line ended: what follows up to the next newline is to be left out. */
  skip: boolean
  /** Complete lines are held because more may have to be joined to them. */
  open: boolean
}

/**
 * The records from `first` on that make a batch: the index behind the last of them. At least one, and otherwise no more
 * than the portion, line endings included.
 */
export function portionEnd({ bounds, count, next }: Split, first: number, { records, bytes }: Portion): number {
  const most = Math.min(count, first + records)
  if (bytes === Infinity) return most
  const limit = bounds[first * 2]! + bytes
  let past = first + 1
  while (past < most && (past + 1 < count ? bounds[past * 2 + 2]! : next) <= limit) past++
  return past
}

/** Finds lines, cuts what is too long, joins what belongs together. Serves any number of files, one call at a time. */
export class Splitter {
  /** A buffer of this many bytes always holds a record or makes one by cutting, so that reading goes on. */
  readonly room: number
  #maxLineBytes: number
  #multiline: Multiline | undefined
  #split: Split

  constructor(maxLineBytes: number, multiline?: Multiline) {
    this.#maxLineBytes = maxLineBytes
    this.#multiline = multiline
    // At most an open record and an unterminated line beside it, each with its line ending.
    this.room = maxLineBytes + 2 + (multiline === undefined ? 0 : Math.max(multiline.maxBytes, maxLineBytes) + 2)
    const bounds = new Uint32Array(8192)
    this.#split = { count: 0, bounds, cut: new Uint8Array(4096), hasCut: false, next: 0, skip: false, open: false }
  }

  /** `from` is where a record starts. */
  split(bytes: Buffer, from: number, to: number, atEnd: AtEnd): Split {
    const split = this.#split
    split.count = 0
    split.hasCut = false
    split.skip = false
    split.open = false
    this.#findLines(bytes, from, to, atEnd)
    if (this.#multiline !== undefined) this.#join(bytes, this.#multiline, atEnd)
    return split
  }

  #findLines(bytes: Buffer, from: number, to: number, atEnd: AtEnd): void {
    const split = this.#split
    const max = this.#maxLineBytes
    let start = from
    // Buffer.indexOf is memchr with 20 ns around it; a plain loop is 5 times slower at 190 bytes a line (bench/tail.ts).
    const view = bytes.subarray(0, to)
    let end = view.indexOf(LF, start)
    while (end >= 0) {
      const last = end > start && view[end - 1] === CR ? end - 1 : end
      if (last - start > max) this.#add(start, wholeCharacters(view, start, start + max), true)
      else this.#add(start, last, false)
      start = end + 1
      end = view.indexOf(LF, start)
    }
    split.next = start
    const rest = to - start
    if (rest >= max + 2) {
      this.#add(start, wholeCharacters(view, start, start + max), true)
      split.next = start + max
      split.skip = true
    } else if (atEnd === 'last' && rest > 0) {
      if (rest > max) this.#add(start, wholeCharacters(view, start, start + max), true)
      else this.#add(start, to, false)
      split.next = to
    }
  }

  #add(start: number, end: number, cut: boolean): void {
    const split = this.#split
    if (split.count === split.cut.length) this.#grow()
    split.bounds[split.count * 2] = start
    split.bounds[split.count * 2 + 1] = end
    if (cut && !split.hasCut) {
      split.hasCut = true
      split.cut.fill(0)
    }
    if (split.hasCut) split.cut[split.count] = cut ? 1 : 0
    split.count++
  }

  #grow(): void {
    const split = this.#split
    const bounds = new Uint32Array(split.bounds.length * 2)
    const cut = new Uint8Array(split.cut.length * 2)
    bounds.set(split.bounds)
    cut.set(split.cut)
    split.bounds = bounds
    split.cut = cut
  }

  /** Joins lines in place: there are never more records than lines. */
  #join(bytes: Buffer, rule: Multiline, atEnd: AtEnd): void {
    const split = this.#split
    const { bounds, cut } = split
    const lines = split.count
    const joiner = rule.joiner
    let records = 0
    let first = 0
    let count = 0
    for (let i = 0; i < lines; i++) {
      const start = bounds[i * 2]!
      const end = bounds[i * 2 + 1]!
      const line = rule.decode(bytes, start, end)
      const full = count === 0 || count >= rule.maxLines || end - first > rule.maxBytes
      if (full || !joiner.continues(line)) {
        joiner.begin(line)
        first = start
        count = 0
        records++
      }
      count++
      // The record so far; the next line may make it longer.
      bounds[records * 2 - 2] = first
      bounds[records * 2 - 1] = end
      const wasCut = split.hasCut && cut[i] === 1
      if (split.hasCut) cut[records - 1] = wasCut ? 1 : 0
      // What was cut can't be joined to: the bytes between are left out.
      if (wasCut) count = 0
    }
    split.count = records
    if (count === 0 || atEnd !== 'more' || joiner.complete() || count >= rule.maxLines) return
    split.count--
    split.next = first
    split.open = true
  }
}

const continues = (byte: number): boolean => (byte & 0xc0) === 0x80

/** Bytes of the character that begins so (RFC 3629, section 4); 0 when none does. */
function characterBytes(lead: number, second: number): number {
  if (lead >= 0xc2 && lead < 0xe0) return 2
  if (lead >= 0xe0 && lead < 0xf0) return (lead === 0xe0 && second < 0xa0) || (lead === 0xed && second > 0x9f) ? 0 : 3
  if (lead >= 0xf0 && lead < 0xf5) return (lead === 0xf0 && second < 0x90) || (lead === 0xf4 && second > 0x8f) ? 0 : 4
  return 0
}

/**
 * Where a line from `start` is cut at the limit `end`: before a UTF-8 character that the limit would part, else there.
 * It looks no further than at the byte at `end`, so that the cut doesn't depend on how much of the line was read.
 */
function wholeCharacters(bytes: Buffer, start: number, end: number): number {
  let at = end
  while (at > start && end - at < 3 && continues(bytes[at]!)) at--
  if (at === end || at === start) return end
  return end - at < characterBytes(bytes[at]!, bytes[at + 1]!) ? at : end
}

/** The lines of `bytes` as texts, for tests and small inputs. */
export function linesOf(bytes: Buffer, split: Split): string[] {
  const texts: string[] = []
  for (let i = 0; i < split.count; i++) texts.push(bytes.toString('utf8', split.bounds[i * 2], split.bounds[i * 2 + 1]))
  return texts
}
