// For tests: what applications, log rotation, administrators and the agent itself do to files, on the disk and in the model.
import {
  appendFileSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { Model } from './model.ts'
import type { Body } from './model.ts'
import { Rig } from './rig.ts'

/** One step: what, to which file (0 and 1; 2 is reached by a symbolic link), and a number with a meaning of its own. */
export interface Action {
  readonly do: keyof typeof actions
  readonly file: number
  readonly n: number
}

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

  jump(n: number): void {
    this.#shift += (n - 50) * 60_000
  }

  moveFolder(): void {
    const from = this.#folder
    this.away = !this.away
    renameSync(from, this.#folder)
  }

  async finish(): Promise<void> {
    if (this.away) this.moveFolder()
    this.cutCopied()
    this.settles = true
    this.model.declining.clear()
    this.model.settleAll()
    for (const file of [0, 1]) actions.append(this, file, 0)
    for (let i = 0; i < 2; i++) {
      await this.poll(6)
      this.rig.skew += 70_000
    }
    this.model.check()
    const { size } = this.rig.records()
    await this.restart(true)
    await this.poll(6)
    this.model.check()
    if (this.rig.records().size > size) throw new Error('something was read again after a clean stop')
    await this.rig.stop()
  }
}

const isThere = (w: World, file: number): boolean => w.body(w.name(file)) !== undefined
/** What is done to a file that exists and has a name of its own. */
const toFile = (act: (w: World, name: string, n: number) => void) => (w: World, file: number, n: number) => {
  if (file === 2 || !isThere(w, file)) return
  w.cutCopied()
  act(w, w.name(file), n)
}

export const actions = {
  append(w: World, file: number, n: number): void {
    const name = w.begin(file)
    w.write(name, w.lines(name, 1 + (n % 40)))
  },
  /** A line without its end; what is written next goes on with it. */
  half(w: World, file: number, n: number): void {
    const name = w.begin(file)
    const { content } = w.body(name)!
    const before = content.pending === undefined ? Buffer.alloc(0) : w.lines(name, 0)
    const line = w.model.line(content, ...w.text(content.size))
    line.written = Math.max(8, Math.min(line.raw.length - 1, Math.floor((line.raw.length * n) / 99)))
    if (line.written >= line.raw.length) line.written = line.raw.length - 1
    w.write(name, Buffer.concat([before, line.raw.subarray(0, line.written)]))
  },
  /** A writer that still has the rotated file open. */
  late(w: World, file: number, n: number): void {
    const name = w.rotated(file)[0]
    if (name !== undefined && w.body(name)!.copied === undefined) w.write(name, w.lines(name, 1 + (n % 3)))
  },
  create(w: World, file: number, _n: number): void {
    w.begin(file)
  },
  rename: toFile((w, name) => {
    w.shift(name)
    w.move(name, `${name}.1`)
  }),
  dated: toFile((w, name, n) => {
    w.pack('', 0)
    w.move(name, `${name}-202611${String(n).padStart(2, '0')}`)
  }),
  copytruncate: toFile((w, name) => {
    w.shift(name)
    w.copy(name, `${name}.1`)
    w.cut(name, 0)
  }),
  /** The first half of copytruncate; `truncate` is the other. */
  copy: toFile((w, name) => {
    w.shift(name)
    w.copy(name, `${name}.1`)
  }),
  truncate: toFile((w, name) => w.cut(name, 0)),
  shorten: toFile((w, name, n) => {
    // What was handed out and is unknown to the state can't be compared after a kill.
    w.model.settleAll()
    w.rig.state.commit()
    w.cut(name, Math.floor((w.body(name)!.content.lines.length * n) / 100))
  }),
  /** Cut and written anew with as many bytes. */
  rewrite: toFile((w, name) => {
    const { size } = w.body(name)!.content
    if (size < 10) return
    const { mtimeMs } = statSync(w.path(name))
    w.cut(name, 0)
    const { raw } = w.model.line(
      w.body(name)!.content,
      w
        .text(0)[0]
        .slice(0, 7)
        .padEnd(size - 1, 'r'),
      '\n'
    )
    // The kernel's clock ticks slower than a test runs.
    do writeFileSync(w.path(name), raw)
    while (statSync(w.path(name)).mtimeMs === mtimeMs)
    w.stamp(name)
  }),
  compress(w: World, file: number, n: number): void {
    const [name, ...others] = w.rotated(file)
    if (name === undefined) return
    const of = [name, ...others][n % (others.length + 1)]!
    if (n % 3 === 2) return w.pack(of, n)
    const [pack, end] = n % 3 === 0 ? [gzipSync, '.gz'] : [zstdCompressSync, '.zst']
    writeFileSync(w.path(`${of}${end}`), pack(readFileSync(w.path(of))))
    w.packed(of, `${of}${end}`, true)
  },
  /** Compressed into what can't be read inside. */
  bury(w: World, file: number, _n: number): void {
    const [name] = w.rotated(file)
    if (name === undefined) return
    writeFileSync(w.path(`${name}.bz2`), Buffer.concat([Buffer.from('BZh9'), readFileSync(w.path(name))]))
    w.packed(name, `${name}.bz2`, false)
  },
  delete: toFile((w, name) => w.remove(name)),
  drop(w: World, file: number, n: number): void {
    const names = w.rotated(file)
    if (names.length > 0) w.remove(names[n % names.length]!)
  },
  link: toFile((w, name) => {
    const other = `h-${name}`
    if (w.body(other) !== undefined) return w.remove(other)
    linkSync(w.path(name), w.path(other))
    w.model.files.set(other, w.body(name)!)
  }),
  switch(w: World, _file: number, _n: number): void {
    w.switchLink()
  },
  away(w: World, _file: number, _n: number): void {
    w.moveFolder()
  },
  look: (w: World) => w.step(() => w.rig.input.look(true), true),
  /** A look that leaves out what isn't due. */
  glance: (w: World) => w.step(() => w.rig.input.look(), false),
  poll: (w: World) => w.poll(),
  turn: (w: World, file: number) => w.feed(1 + file),
  stop: (w: World) => w.restart(true),
  kill: (w: World) => w.restart(false),
  reload: (w: World) => w.reload(),
  commit(w: World): void {
    w.rig.state.commit()
  },
  /** From now on batches wait, or no longer. */
  hold(w: World): void {
    w.settles = !w.settles
  },
  /** Some of what waits is taken over, by some of the outputs, the last first. */
  settle(w: World, file: number, n: number): void {
    const { held, rig } = w.model
    for (const [i, batch] of [...held.entries()].reverse()) {
      if ((i + n) % 3 === 0 && n % 2 === 1) continue
      for (const output of file === 0 ? rig.outputs : [rig.outputs[n % rig.outputs.length]!])
        w.model.settle(batch, output)
    }
    w.model.held = held.filter(h => h.outputs.length > 0)
  },
  /** One of several outputs has no room from now on, or has it again. */
  decline(w: World, _file: number, n: number): void {
    const { declining, rig } = w.model
    const output = rig.outputs[n % rig.outputs.length]!
    if (rig.outputs.length === 1 || declining.delete(output)) return
    if (declining.size < rig.outputs.length - 1) declining.add(output)
  },
  idle(w: World): void {
    w.rig.skew += 70_000
  },
  /** The machine's clock is set. */
  jump(w: World, _file: number, n: number): void {
    w.jump(n)
  }
}

export const printed = (script: readonly Action[]): string => script.map(a => `${a.do} ${a.file} ${a.n}`).join('\n')

/** The steps of a script, one a line, as a failure prints it. */
export function parsed(script: string): Action[] {
  const steps = script.trim().split(/\s*[\n;]\s*/)
  return steps.map(step => {
    const [what, file, n] = step.split(' ')
    return { do: what as Action['do'], file: Number(file ?? 0), n: Number(n ?? 0) }
  })
}

/** Plays a script in a world of its own and checks the outcome; `done` is told in any case. */
export async function play(
  t: { after(fn: () => void | Promise<void>): void },
  script: readonly Action[],
  options: Record<string, unknown> = {},
  outputs: readonly string[] = ['out'],
  done: (rig: Rig) => void = () => {}
): Promise<void> {
  const rig = new Rig(t, { start_at: 'beginning', read_bytes: '4KiB', ...options })
  rig.outputs = outputs
  const w = new World(rig)
  w.start()
  try {
    // What was there before the first look is history.
    await w.poll()
    for (const { do: what, file, n } of script) await actions[what](w, file, n)
    await w.finish()
  } finally {
    done(rig)
  }
}
