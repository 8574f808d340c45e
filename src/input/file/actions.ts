// For tests: what applications, log rotation, administrators and the agent itself do, each as one step of a script.
import { linkSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { Rig } from './rig.ts'
import { World } from './world.ts'

/** One step: what, to which file (0 and 1; 2 is reached by a symbolic link), and a number with a meaning of its own. */
export interface Action {
  readonly do: keyof typeof actions
  readonly file: number
  readonly n: number
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
    w.append(file, 1 + (n % 40))
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
    w.model.settleAll()
    w.rig.state.commit()
    // What was handed out before a kill and is unknown to the state can't be compared any more.
    const { lines } = w.body(name)!.content
    if (lines.some(l => l.life > 0 && l.sure.size < w.rig.outputs.length)) return
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
  /** The machine's clock is set. A jump and its return between two looks would leave no trace. */
  jump(w: World, _file: number, n: number): Promise<void> {
    w.jump(n)
    return actions.look(w)
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
