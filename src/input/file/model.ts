// For tests: an exact model of what an application wrote, what is left of it, and what each output must have got of it.
//
//   Line     one record as it was written; unique ones begin with a number of six digits
//   Content  the bytes between two truncations of a file, whatever names they get
//   Body     an inode: a content of its own, or a copy of one (plain, compressed, or out of anybody's reach)
import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import type { Batch } from '../../core/component.ts'
import { takers } from './rig.ts'
import type { Got, Rig } from './rig.ts'

/** What the input says when bytes are gone. */
const LOSSES = [
  'error A part of a file was gone before it was read.',
  'error A part of a file was gone before an output that is behind could get it.'
]

export interface Line {
  /** Latin-1, line ending left out. */
  text: string
  /** With line ending. */
  raw: Buffer
  readonly unique: boolean
  offset: number
  /** Bytes of `raw` that were written so far. */
  written: number
  /** A copy may hold only a part of it, or its writer never finished it. */
  torn: boolean
  /** Its bytes are nowhere any more. */
  gone: boolean
  /** They were not taken over by then. */
  excused: boolean
  /** A file may be as long as before, or longer, when it is seen again after having been shortened. */
  unseen: boolean
  /** Truncations to a shorter length that left it: each may cost a repetition. */
  survived: number
  /** The last start of the input that read it. */
  life: number
  readonly received: Set<string>
  /** Of those, the outputs of which the input knows it. */
  readonly sure: Set<string>
}

/** Bytes that the input must have seen, and those that it may have seen. */
interface Known {
  readonly min: number
  readonly max: number
}

export class Content {
  readonly family: string
  /** What it was before it was shortened. */
  readonly parent: Content | undefined
  lines: Line[] = []
  known: Known | undefined
  /** As of the last commit: `known`, and the offset before which the output has everything. */
  durable: { known: Known | undefined; low: ReadonlyMap<string, number> } | undefined
  /** What every output durably had when the input started. */
  base = 0
  /** The start of the input that saw it last. */
  seen = 0
  /** All that the input may ever have known. */
  most = 0

  constructor(family: string, parent?: Content) {
    this.family = family
    this.parent = parent
  }

  get size(): number {
    const last = this.lines.at(-1)
    return last === undefined ? 0 : last.offset + last.written
  }

  get pending(): Line | undefined {
    const last = this.lines.at(-1)
    return last !== undefined && last.written < last.raw.length ? last : undefined
  }
}

export interface Body {
  content: Content
  /** Undefined for the file itself, else how much of the content the copy holds. */
  copied: number | undefined
  readonly packed: boolean
}

interface Held {
  readonly batch: Batch
  readonly lines: readonly Line[]
  readonly outputs: string[]
  readonly life: number
}

export interface Loss {
  readonly id: string
  readonly path: string
  readonly from: number
  readonly bytes: number
  /** What every output durably had of each content when that start of the input began. */
  bases: ReadonlyMap<Content, number>
}

export const endOf = (line: Line): number => line.offset + line.written
export const complete = (line: Line): boolean => line.written === line.raw.length

export class Model {
  readonly rig: Rig
  readonly contents: Content[] = []
  /** Every path that exists, by its name while the folder is where it should be. */
  readonly files = new Map<string, Body>()
  /** Inodes without a name that the input holds open. */
  readonly orphans = new Map<string, Body>()
  readonly #byNumber = new Map<string, Line>()
  held: Held[] = []
  /** Outputs that have no room. */
  readonly declining = new Set<string>()
  life = 1
  /** Fewer descriptors than files: what is seen need not be held open. */
  readonly limited: boolean
  readonly maxLine: number
  #said = 0
  readonly losses: Loss[] = []

  constructor(rig: Rig, limited: boolean, maxLine: number) {
    this.rig = rig
    this.limited = limited
    this.maxLine = maxLine
  }

  // What the application does.

  begin(family: string): Body {
    const body = { content: new Content(family), copied: undefined, packed: false }
    this.contents.push(body.content)
    return body
  }

  line(content: Content, text: string, end: string): Line {
    const raw = Buffer.from(text + end)
    const unique = /^\d{6} /.test(text)
    const line: Line = {
      text: Buffer.from(text).toString('latin1'),
      raw,
      unique,
      offset: content.size,
      written: raw.length,
      torn: false,
      gone: false,
      excused: false,
      unseen: false,
      survived: 0,
      life: 0,
      received: new Set(),
      sure: new Set()
    }
    content.lines.push(line)
    if (unique) this.#byNumber.set(text.slice(0, 6), line)
    return line
  }

  copy(of: Body, packed: boolean, readable = true): Body {
    const { content } = of
    if (content.pending !== undefined) content.pending.torn = true
    return { content, copied: readable ? (of.copied ?? content.size) : 0, packed }
  }

  /** The file is cut to its first `lines` lines; the rest is what copies have of it. */
  truncate(body: Body, lines: number): void {
    const old = body.content
    const next = new Content(old.family, lines > 0 ? old : undefined)
    this.contents.push(next)
    next.lines = old.lines.slice(0, lines)
    for (const line of next.lines) line.survived++
    body.content = next
    // Until it is seen again it is taken for as long as it was.
    next.most = lines > 0 ? old.most : 0
    // Nobody shortens a file after having copied it: what is cut is not looked for.
    for (const line of lines > 0 ? old.lines.slice(lines) : []) {
      this.#lose(line)
      line.unseen = true
    }
    this.reckon(old)
  }

  /** A name is gone; `inode` tells whether somebody holds the file open. */
  unlink(path: string, inode: string): void {
    const body = this.files.get(path)!
    this.files.delete(path)
    if ([...this.files.values()].includes(body)) return
    const held = openInodes().has(inode)
    if (held) this.orphans.set(inode, body)
    else if (!this.limited && body.copied === undefined && path.endsWith('.log')) this.#mustBeHeld(body.content)
    this.reckon(body.content)
  }

  #mustBeHeld({ lines, known, seen }: Content): void {
    if (known === undefined || seen !== this.life) return
    const unread = lines.find(l => l.unique && complete(l) && endOf(l) <= known.min && l.life !== this.life)
    if (unread === undefined || unread.received.size > 0) return
    assert.fail(`${quoted(unread)} was seen, is unread, and its file was not held open`)
  }

  /** Lines beyond what the files that are left hold can't come any more. */
  reckon(content: Content): void {
    let reach = 0
    for (const body of [...this.files.values(), ...this.orphans.values()]) {
      if (body.content === content) reach = Math.max(reach, body.copied ?? content.size)
    }
    const kept = new Set(this.contents.filter(c => c !== content && this.#lives(c)).flatMap(c => c.lines))
    for (const line of content.lines) {
      if (endOf(line) <= reach || kept.has(line)) continue
      if (line.offset < reach) line.torn = true
      this.#lose(line)
    }
  }

  #lose(line: Line): void {
    line.gone = true
    if (!line.unique || line.received.size < this.rig.outputs.length) line.excused = true
  }

  #lives(content: Content): boolean {
    return [...this.files.values()].some(b => b.content === content && b.copied === undefined)
  }

  // What the input does.

  readonly emit = async (batch: Batch): Promise<void> => {
    const from = this.rig.got.length
    this.rig.settles = false
    await this.rig.emit(batch)
    this.rig.held = []
    const lines: Line[] = []
    for (const got of this.rig.got.slice(from)) {
      const line = this.lineOf(got)
      if (line === undefined) continue
      line.life = this.life
      lines.push(line)
    }
    let outputs = takers(batch, this.rig.outputs)
    if (batch.only === undefined) {
      for (const output of outputs) if (this.declining.has(output)) batch.decline!(output)
      outputs = outputs.filter(o => !this.declining.has(o))
    }
    this.held.push({ batch, lines, outputs, life: this.life })
  }

  settle(held: Held, output: string): void {
    const at = held.outputs.indexOf(output)
    if (at < 0) return
    held.outputs.splice(at, 1)
    for (const line of held.lines) {
      line.received.add(output)
      if (held.life === this.life) line.sure.add(output)
    }
    held.batch.settle(output)
  }

  settleAll(): void {
    for (const held of this.held.splice(0)) for (const output of this.rig.outputs) this.settle(held, output)
  }

  lineOf(got: Got): Line | undefined {
    const line = this.#byNumber.get(got.text.slice(0, 6))
    if (line === undefined) {
      assert.ok(got.text === '' || got.text.startsWith('#'), `${show(got)} was never written`)
      return undefined
    }
    assert.equal(got.offset, line.offset, `${show(got)} is not where it was written`)
    const whole = got.text === line.text
    const short = line.raw.toString('latin1').startsWith(got.text)
    const cut = line.text.length > this.maxLine && got.cut && got.text.length > this.maxLine - 4
    const torn = line.torn || !complete(line)
    assert.ok(short && (whole ? !got.cut : cut || torn), `${show(got)} is not what was written: ${quoted(line)}`)
    return line
  }

  /** The input has looked at everything. */
  looked(all: boolean, away: boolean): void {
    for (const [path, { content, copied }] of this.files) {
      if (copied !== undefined) {
        content.most = Math.max(content.most, copied)
        continue
      }
      const sure = all && !away && !this.limited && path.endsWith('.log')
      if (sure) content.seen = this.life
      const min = sure ? content.size : Math.min(content.known?.min ?? 0, content.size)
      content.known = { min, max: content.size }
      content.most = Math.max(content.most, content.size)
    }
    for (const { content } of this.orphans.values()) {
      content.known = { min: content.known?.min ?? 0, max: content.size }
      content.most = Math.max(content.most, content.size)
    }
  }

  /** After each step of the input: what it said, and which nameless files it let go. */
  observe(): void {
    const { said, data } = this.rig
    for (; this.#said < said.length; this.#said++) {
      if (!LOSSES.includes(said[this.#said]!)) continue
      const loss = data[this.#said] as unknown as Loss
      this.losses.push({ ...loss, bases: new Map(this.contents.map(c => [c, c.base])) })
    }
    if (this.orphans.size === 0) return
    const open = openInodes()
    for (const [inode, body] of this.orphans) {
      if (open.has(inode)) continue
      this.orphans.delete(inode)
      if (!this.limited) this.#mustBeRead(body.content)
      this.reckon(body.content)
    }
  }

  #mustBeRead({ lines }: Content): void {
    const unread = lines.find(l => l.unique && complete(l) && l.life !== this.life && !l.excused)
    if (unread === undefined || unread.received.size > 0) return
    assert.fail(`${quoted(unread)} was let go unread with its file`)
  }

  /** The state was written. */
  committed(): void {
    for (const content of this.contents) {
      const low = new Map(this.rig.outputs.map(output => [output, this.#lowOf(content, output)]))
      content.durable = { known: content.known, low }
    }
  }

  #lowOf({ lines }: Content, output: string): number {
    const first = lines.findIndex(l => l.unique && !l.sure.has(output))
    const before = lines.slice(0, first < 0 ? undefined : first).findLast(l => l.unique)
    if (before === undefined) return 0
    // The rest of a line that is too long is passed over later.
    return before.text.length > this.maxLine ? before.offset + this.maxLine - 4 : endOf(before)
  }

  /** The process is gone, and with it what was not written; what is reloaded takes over all. */
  ended(reload: boolean): void {
    if (!reload) this.held = []
    this.life++
    const orphans = [...this.orphans.values()]
    this.orphans.clear()
    for (const { content } of orphans) this.reckon(content)
    for (const content of this.contents) {
      if (!reload) content.known = content.durable?.known
      content.base = Infinity
      for (const output of this.rig.outputs) {
        const low = reload ? this.#lowOf(content, output) : (content.durable?.low.get(output) ?? 0)
        content.base = Math.min(content.base, low)
        for (const line of content.lines) if (endOf(line) > low) line.sure.delete(output)
      }
      // What was read before the file was shortened may be read again, and lost then.
      if (content.lines.some(l => l.survived > 0)) content.base = 0
    }
  }
}

export const quoted = ({ text }: { text: string }): string =>
  text.length < 60 ? `"${text}"` : `"${text.slice(0, 20)}…" of ${text.length} bytes`

export const show = (got: Got): string => `${quoted(got)} (${got.id} at ${got.offset})`

/** Every inode that this process has open. */
function openInodes(): Set<string> {
  const open = new Set<string>()
  for (const fd of readdirSync('/proc/self/fd')) {
    const st = statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false })
    if (st?.isFile() === true) open.add(`${st.dev}:${st.ino}`)
  }
  return open
}
