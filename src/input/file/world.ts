// For tests: a folder of logs with those who work on it, on the disk and in the model at once.
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Model } from './model.ts'
import type { Body } from './model.ts'
import type { Rig } from './rig.ts'
import { verdict } from './verdict.ts'

/** Reloads go through these, one after the other. */
const RELOADS = [{ close_inactive: '1s' }, { read_bytes: '8KiB' }, { close_removed: '1s' }, { read_bytes: '4KiB' }]

export class World {
  readonly rig: Rig
  readonly model: Model
  /** The folder of the logs was moved away. */
  away = false
  settles = true
  #n = 0
  #stamps = 0
  #reloads = 0
  #targets = 0
  #shift = 0
  /** Files of which a copy was made that are not cut yet. */
  readonly #copied = new Set<string>()
  /** A compressed copy that is half written. */
  #packing: { name: string; bytes: Buffer; at: number } | undefined

  constructor(rig: Rig) {
    this.rig = rig
    const { max_open_files, max_line_bytes } = rig.options
    this.model = new Model(rig, max_open_files !== undefined, Number(max_line_bytes ?? 1024 * 1024))
    mkdirSync(rig.logs)
    mkdirSync(join(rig.dir, 'real'))
    rig.wall = () => Date.now() + this.#shift
  }

  // The disk.

  name(file: number): string {
    return file === 2 ? `../real/s${this.#targets}` : `f${file}.log`
  }

  path(name: string): string {
    return name.startsWith('../') ? join(this.rig.dir, name.slice(3)) : join(this.#folder, name)
  }

  get #folder(): string {
    return this.away ? join(this.rig.dir, 'away') : this.rig.logs
  }

  body(name: string): Body | undefined {
    return this.model.files.get(name)
  }

  /** After the machine's clock was set the kernel stamps files by the new one. */
  stamp(name: string, mtime = this.#now()): void {
    if (this.#shift === 0) return
    utimesSync(this.path(name), mtime, mtime)
    utimesSync(dirname(this.path(name)), mtime, mtime)
  }

  #now(): number {
    return (this.rig.wall() + ++this.#stamps * 0.01) / 1000
  }

  write(name: string, bytes: Buffer): void {
    appendFileSync(this.path(name), bytes)
    this.stamp(name)
  }

  move(from: string, to: string): void {
    if (this.model.files.has(to)) this.remove(to)
    const body = this.model.files.get(from)!
    renameSync(this.path(from), this.path(to))
    this.model.files.delete(from)
    this.model.files.set(to, body)
    if (this.#shift !== 0) utimesSync(dirname(this.path(to)), this.#now(), this.#now())
  }

  remove(name: string): void {
    const { dev, ino } = statSync(this.path(name))
    // The kernel would give a freed inode to the next file: whether that happens is up to the descriptors.
    unlinkSync(this.path(name))
    if (this.#shift !== 0) utimesSync(dirname(this.path(name)), this.#now(), this.#now())
    this.model.unlink(name, `${dev}:${ino}`)
  }

  /** `.1` becomes `.2` and so on, after what is being compressed was completed. */
  shift(name: string): void {
    this.pack('', 0)
    for (let i = 9; i > 0; i--) {
      for (const end of ['', '.gz', '.zst', '.bz2']) {
        if (this.body(`${name}.${i}${end}`) !== undefined) this.move(`${name}.${i}${end}`, `${name}.${i + 1}${end}`)
      }
    }
  }

  /** The other half of copytruncate. A rotation is over before the next one begins. */
  cutCopied(): void {
    for (const name of this.#copied) if (this.body(name) !== undefined) this.cut(name, 0)
    this.#copied.clear()
  }

  copy(from: string, to: string): void {
    this.#copied.add(from)
    copyFileSync(this.path(from), this.path(to))
    this.stamp(to)
    this.model.files.set(to, this.model.copy(this.body(from)!, false))
  }

  cut(name: string, lines: number): void {
    this.#copied.delete(name)
    const body = this.body(name)!
    const kept = body.content.lines.slice(0, lines).reduce((sum, l) => sum + l.raw.length, 0)
    truncateSync(this.path(name), kept)
    this.stamp(name)
    this.model.truncate(body, lines)
  }

  /** Names that rotation gave to files of this one, the newest first; compressed ones not. */
  rotated(file: number): string[] {
    this.cutCopied()
    const names = [...this.model.files.keys()].filter(
      name => name.startsWith(`${this.name(file)}.`) || name.startsWith(`${this.name(file)}-`)
    )
    return names.filter(name => this.#compressible(name)).sort()
  }

  /** gzip(1) and others leave files alone that have another name. */
  #compressible(name: string): boolean {
    const body = this.body(name)!
    const links = [...this.model.files.values()].filter(b => b === body).length
    return !body.packed && links === 1 && name !== this.#packing?.name
  }

  /** Begins to compress, or goes on with it; with `''` completes what was begun. */
  pack(name: string, n: number): void {
    if (this.#packing === undefined) {
      if (name === '') return
      const bytes = gzipSync(readFileSync(this.path(name)))
      this.#packing = { name, bytes, at: 0 }
    }
    const { name: of, bytes, at } = this.#packing
    const to = name === '' || n % 2 === 1 ? bytes.length : at + ((bytes.length - at) >> 1)
    appendFileSync(this.path(`${of}.gz`), bytes.subarray(at, to))
    this.stamp(`${of}.gz`)
    this.#packing.at = to
    if (to < bytes.length) return
    this.#packing = undefined
    this.packed(of, `${of}.gz`, true)
  }

  packed(name: string, to: string, readable: boolean): void {
    const { atimeMs, mtimeMs } = statSync(this.path(name))
    utimesSync(this.path(to), atimeMs / 1000, mtimeMs / 1000)
    this.model.files.set(to, this.model.copy(this.body(name)!, true, readable))
    this.remove(name)
  }

  // What is written.

  /** The number decides what is special about a line, so that a script says all. */
  text(offset: number): [text: string, end: string] {
    const i = this.#n++
    let text = `${String(i).padStart(6, '0')} ${'x'.repeat((i * 7) % 90)}`
    if (i % 7 === 2) text += ' äé€😀'
    if (i % 13 === 5) text += 'y'.repeat(4096 - ((offset + Buffer.byteLength(text)) % 4096) + (i % 3) - 1)
    if (i % 17 === 6 && this.model.maxLine < 4096) text = text.padEnd(this.model.maxLine + (i % 5) - 2, 'z')
    return [text, i % 6 === 0 ? '\r\n' : '\n']
  }

  lines(name: string, count: number): Buffer {
    const { content } = this.body(name)!
    const bytes: Buffer[] = []
    const add = (text: string, end: string): void => {
      bytes.push(this.model.line(content, text, end).raw)
    }
    const { pending } = content
    if (pending !== undefined) {
      bytes.push(pending.raw.subarray(pending.written))
      pending.written = pending.raw.length
    }
    if (content.size === 0 && this.#n % 2 === 0) add('# a banner that files share', '\n')
    for (let i = 0; i < count; i++) {
      if (this.#n % 10 === 3) add('', '\n')
      add(...this.text(content.size))
    }
    return Buffer.concat(bytes)
  }

  /** A file of its own is there from now on. */
  begin(file: number): string {
    const name = this.name(file)
    if (this.body(name) !== undefined) return name
    this.model.files.set(name, this.model.begin(file === 2 ? 's' : name))
    this.write(name, Buffer.alloc(0))
    if (file === 2 && this.#targets === 0) symlinkSync(this.path(name), this.path('f2.log'))
    return name
  }

  append(file: number, count: number): void {
    const name = this.begin(file)
    this.write(name, this.lines(name, count))
  }

  // The agent.

  start(): void {
    this.rig.start()
    const { state } = this.rig
    const commit = state.commit.bind(state)
    state.commit = () => {
      this.model.committed()
      return commit()
    }
  }

  async step(what: () => Promise<void>, all: boolean): Promise<void> {
    await what()
    this.model.looked(all, this.away)
    this.model.observe()
    if (this.settles) this.model.settleAll()
  }

  async feed(turns = Infinity): Promise<void> {
    const { signal } = new AbortController()
    await this.rig.input.feed(this.model.emit, signal, turns)
    if (turns === Infinity) await this.rig.input.catchUp(this.model.emit, signal)
    if (this.settles) this.model.settleAll()
    this.model.observe()
  }

  async poll(times = 1): Promise<void> {
    for (let i = 0; i < times; i++) {
      await this.step(() => this.rig.input.look(true), true)
      await this.feed()
      this.rig.skew += 1000
      this.rig.balanced()
    }
  }

  ended(reload = false): void {
    this.model.ended(reload)
    this.unreachable()
  }

  /** Where a symbolic link led to for a while that nobody looked is known to nobody. */
  unreachable(): void {
    for (const [name, { content }] of this.model.files) {
      if (!name.startsWith('../') || name === this.name(2)) continue
      if (!content.lines.some(l => l.life > 0)) for (const line of content.lines) line.excused = true
    }
  }

  async restart(clean: boolean): Promise<void> {
    this.model.observe()
    if (clean) await this.rig.stop()
    else await this.rig.kill()
    this.ended()
    this.start()
  }

  async reload(): Promise<void> {
    this.model.observe()
    await this.rig.input.close()
    Object.assign(this.rig.options, RELOADS[this.#reloads++ % RELOADS.length])
    this.ended(true)
    this.rig.startAgain()
  }

  switchLink(): void {
    const link = this.path('f2.log')
    if (this.#targets === 0 && this.body(this.name(2)) === undefined) return
    this.#targets++
    this.begin(2)
    unlinkSync(link)
    symlinkSync(this.path(this.name(2)), link)
    this.unreachable()
  }

  /** Less than half an hour: for so long a folder that is away over a restart may be looked at from where it was left. */
  jump(n: number): void {
    this.#shift += (n - 50) * 30_000
  }

  moveFolder(): void {
    const from = this.#folder
    this.away = !this.away
    renameSync(from, this.#folder)
  }

  #identities(): number {
    return new Set(this.rig.got.map(g => `${g.id}@${g.offset}`)).size
  }

  async finish(): Promise<void> {
    if (this.away) this.moveFolder()
    this.cutCopied()
    this.settles = true
    this.model.declining.clear()
    this.model.settleAll()
    for (const file of [0, 1]) this.append(file, 1)
    for (let i = 0; i < 2; i++) {
      await this.poll(6)
      this.rig.skew += 70_000
    }
    verdict(this.model)
    const before = this.#identities()
    await this.restart(true)
    await this.poll(6)
    verdict(this.model)
    if (this.#identities() > before) throw new Error('something was read again after a clean stop')
    await this.rig.stop()
  }
}
