// Positions of Filebeat become positions of an input, before the agent runs for the first time.
import { hash } from 'node:crypto'
import { statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import type { State } from '../../core/state.ts'
import { packingOf } from './carrier.ts'
import { Discovery } from './discover.ts'
import { FINGERPRINT_BYTES } from './filebeat.ts'
import type { FilebeatEntry, FilebeatRegistry } from './filebeat.ts'
import { compileExclude, compileGlob } from './glob.ts'
import { HEAD_BYTES, bytesAt, headOf, inodeKey, newFileId } from './identity.ts'
import { homeOf } from './names.ts'
import { beginsLine, checkpointIn, filesIn, nextLine, openFound } from './place.ts'
import type { Found } from './place.ts'
import { RUNS, scopeOf } from './registry.ts'
import type { Row, Runs } from './registry.ts'
import { lineStart } from './start.ts'

/** A file that was written so shortly before Filebeat's last word may be one that it had not looked at yet. */
const SLACK_MS = 60_000
/** Clocks of a kernel and a file system differ by so much at most. */
const BORN_SLACK_MS = 2000

/** A file input as far as it concerns which files it reads, and from where. */
export interface AdoptingInput {
  readonly name: string
  readonly outputs: readonly string[]
  readonly paths: readonly string[]
  readonly exclude: readonly string[]
  readonly startAt: 'beginning' | 'end'
  readonly maxLineBytes: number
  /** Milliseconds; 0: never. */
  readonly ignoreOlder: number
}

/** What becomes of one file. */
export interface Adoption {
  readonly input: string
  readonly path: string
  readonly offset: number
  readonly size: number
  /** filebeat: where Filebeat was; unfit: its position does not fit, so from 0; new: Filebeat has not read it, so from 0; unknown: `start_at`. */
  readonly how: 'filebeat' | 'unfit' | 'new' | 'unknown'
  readonly note: string | undefined
  readonly row: Row
}

export interface Misfit {
  readonly source: string
  readonly reason: string
}

export interface AdoptPlan {
  readonly files: readonly Adoption[]
  /** Sources of entries whose file exists and that no input reads. */
  readonly strangers: readonly string[]
  /** Sources of entries whose file is not there any more. */
  readonly gone: readonly string[]
  /** Entries with a file at their path that their position does not fit. */
  readonly misfits: readonly Misfit[]
}

interface Standing {
  readonly input: AdoptingInput
  readonly matches: (path: string) => boolean
  /** By inode, the first path that leads to it. */
  readonly files: Map<string, { path: string; st: Stats }>
}

/** What becomes of every file of the inputs. Looks only. */
export async function planAdopt(
  registry: FilebeatRegistry,
  inputs: readonly AdoptingInput[],
  configDir: string
): Promise<AdoptPlan> {
  const standing: Standing[] = []
  for (const input of inputs) standing.push(await stand(input, configDir))
  return new Adopter(registry, standing).plan()
}

/** Writes it; durable with the state's next commit. From then on a file that appears is a new one. */
export function applyAdopt(state: State, plan: AdoptPlan, now: number): void {
  for (const { input, row } of plan.files) state.set(scopeOf(input), row.file, row)
  const runs: Runs = { started: now, seen: now }
  for (const input of new Set(plan.files.map(f => f.input))) state.set(RUNS, input, runs)
}

async function stand(input: AdoptingInput, configDir: string): Promise<Standing> {
  const globs = input.paths.map(path => compileGlob(path, configDir))
  const excluded = compileExclude(input.exclude, configDir)
  const found = await new Discovery(globs, excluded, {
    elapsed: () => 0,
    now: () => 0,
    folder: () => {},
    trouble: () => {}
  }).look(true)
  const files = new Map<string, { path: string; st: Stats }>()
  for (const path of found.added) {
    const st = statSync(path, { throwIfNoEntry: false })
    if (st?.isFile() !== true) continue
    const key = inodeKey(st.dev, st.ino)
    if (!files.has(key)) files.set(key, { path, st })
  }
  return { input, matches: path => globs.some(g => g.matches(path)) && !excluded(path), files }
}

class Adopter {
  readonly #registry: FilebeatRegistry
  readonly #standing: readonly Standing[]
  /** Every file that may be one of the registry's, by inode. */
  readonly #byInode = new Map<string, string>()
  readonly #files: Adoption[] = []
  readonly #strangers: string[] = []
  readonly #gone: string[] = []
  readonly #misfits: Misfit[] = []
  /** Paths at which the file is another than Filebeat knew, with the reason. */
  readonly #unfit = new Map<string, string>()
  /** Paths by Filebeat's fingerprint; made when one is asked for. */
  #sums: Map<string, string[]> | undefined
  /** `input inode` that have their row. */
  readonly #done = new Set<string>()

  constructor(registry: FilebeatRegistry, standing: readonly Standing[]) {
    this.#registry = registry
    this.#standing = standing
    const folders = new Set(registry.entries.map(e => dirname(e.source)))
    for (const folder of folders)
      for (const { path, st } of filesIn(folder)) this.#byInode.set(inodeKey(st.dev, st.ino), path)
    for (const { files } of standing) for (const [key, { path }] of files) this.#byInode.set(key, path)
  }

  plan(): AdoptPlan {
    // What is known to be the same file goes first; a path alone is weaker.
    for (const entry of this.#registry.entries) this.#adopt(entry)
    const touched = new Set(this.#files.map(f => f.input))
    for (const { input, files } of this.#standing)
      for (const { path } of files.values()) if (this.#unfit.has(path)) touched.add(input.name)
    for (const standing of this.#standing) if (touched.has(standing.input.name)) this.#others(standing)
    return { files: this.#files, strangers: this.#strangers, gone: this.#gone, misfits: this.#misfits }
  }

  #adopt(entry: FilebeatEntry): void {
    const found = this.#find(entry)
    if (found === undefined) return
    try {
      const key = inodeKey(found.st.dev, found.st.ino)
      const readers = this.#standing.filter(s => s.files.has(key) || s.matches(entry.source))
      if (readers.length === 0) {
        this.#strangers.push(entry.source)
        return
      }
      for (const { input, files, matches } of readers) {
        const path = matches(entry.source) ? entry.source : files.get(key)!.path
        const place = files.has(key) ? 'live' : 'rotated'
        this.#take(input, path, place, found, entry)
      }
    } finally {
      found.close()
    }
  }

  /** The file of an entry, or undefined when it isn't there, which is noted. */
  #find(entry: FilebeatEntry): Found | undefined {
    const { identity, source } = entry
    if (identity.kind === 'native') {
      const path = this.#byInode.get(inodeKey(identity.dev, identity.ino))
      const found = path === undefined ? undefined : openFound(path)
      if (found !== undefined && !this.#bornLater(found, entry)) return found
      found?.close()
    } else if (identity.kind === 'fingerprint') {
      const found = this.#bySum(identity.sum, source)
      if (found !== undefined) return found
    }
    return this.#byPath(entry)
  }

  #bySum(sum: string, source: string): Found | undefined {
    this.#sums ??= sumsOf([...this.#byInode.values()])
    const paths = this.#sums.get(sum) ?? []
    const path = paths.includes(source) ? source : paths[0]
    return path === undefined ? undefined : openFound(path)
  }

  /** The file at the recorded path counts where Filebeat went by paths, and otherwise only when it can't be a new one. */
  #byPath(entry: FilebeatEntry): Found | undefined {
    const { identity, source, offset } = entry
    const found = openFound(source)
    if (found === undefined) {
      this.#gone.push(source)
      return undefined
    }
    const sameInode = identity.kind === 'native' && identity.ino === found.st.ino
    const later = this.#bornLater(found, entry)
    const sure = identity.kind === 'path' || sameInode
    const fits = offset > 0 && found.st.size >= offset && beginsLine(found.fd, offset)
    if (!later && (sure || fits)) return found
    found.close()
    const reason = `Filebeat's position ${offset} is of another file that was there before`
    this.#unfit.set(source, reason)
    this.#misfits.push({ source, reason })
    return undefined
  }

  /** It was made after Filebeat last moved this position. Where a file system keeps no births it repeats other times. */
  #bornLater({ st }: Found, { updated, offset }: FilebeatEntry): boolean {
    const real = st.birthtimeMs > 0 && st.birthtimeMs !== st.ctimeMs && st.birthtimeMs !== st.mtimeMs
    return offset > 0 && updated > 0 && real && st.birthtimeMs > updated + BORN_SLACK_MS
  }

  #take(input: AdoptingInput, path: string, place: 'live' | 'rotated', found: Found, entry: FilebeatEntry): void {
    const { st, fd } = found
    if (!this.#first(input, st)) return
    const { offset } = entry
    if (st.size < offset) {
      const note = `Filebeat was at ${offset}, the file has ${st.size} bytes: it was cut since, and is read from its first byte`
      this.#files.push(this.#adoption(input, path, place, found, 0, 'unfit', note))
      this.#misfits.push({ source: entry.source, reason: note })
      return
    }
    const line = nextLine(fd, offset, st.size)
    const note =
      line === offset
        ? undefined
        : line === undefined
          ? `${offset} is in the midst of its last line, which is read whole`
          : `${offset} is in the midst of a line; the next one begins at ${line}`
    const at = line ?? lineStart(fd, offset, input.maxLineBytes).offset
    this.#files.push(this.#adoption(input, path, place, found, at, 'filebeat', note))
  }

  /** True once for each file of an input. */
  #first(input: AdoptingInput, st: Stats): boolean {
    const key = `${input.name} ${inodeKey(st.dev, st.ino)}`
    if (this.#done.has(key)) return false
    this.#done.add(key)
    return true
  }

  /** Files that Filebeat has no position of, or another file's. */
  #others({ input, files }: Standing): void {
    for (const { path } of files.values()) {
      const found = openFound(path)
      if (found === undefined) continue
      try {
        const packed = packingOf(bytesAt(found.fd, 0, 6)) !== undefined
        if (!packed && this.#first(input, found.st)) this.#files.push(this.#unread(input, path, found))
      } finally {
        found.close()
      }
    }
  }

  #unread(input: AdoptingInput, path: string, found: Found): Adoption {
    const { st, fd } = found
    const unfit = this.#unfit.get(path)
    if (unfit !== undefined) return this.#adoption(input, path, 'live', found, 0, 'unfit', unfit)
    const prints = this.#registry.entries.some(e => e.identity.kind === 'fingerprint')
    const reason =
      st.mtimeMs > this.#registry.updated - SLACK_MS
        ? 'written since Filebeat last said where it was'
        : prints && st.size < FINGERPRINT_BYTES
          ? `Filebeat waits until a file has ${FINGERPRINT_BYTES} bytes`
          : undefined
    if (reason !== undefined || st.size === 0) return this.#adoption(input, path, 'live', found, 0, 'new', reason)
    const old = input.ignoreOlder > 0 && Date.now() - st.mtimeMs > input.ignoreOlder
    const fromEnd = old || input.startAt === 'end'
    const { offset } = fromEnd ? lineStart(fd, st.size, input.maxLineBytes) : { offset: 0 }
    const why = old ? 'ignore_older leaves out what it holds' : `start_at is ${input.startAt}`
    return this.#adoption(input, path, 'live', found, offset, 'unknown', why)
  }

  #adoption(
    input: AdoptingInput,
    path: string,
    place: 'live' | 'rotated',
    found: Found,
    offset: number,
    how: Adoption['how'],
    note: string | undefined
  ): Adoption {
    const { fd, st } = found
    const head = headOf(bytesAt(fd, 0, Math.min(HEAD_BYTES, st.size)))
    const check = checkpointIn(fd, offset)
    const row: Row = {
      file: newFileId(),
      path,
      ...(found.path !== path && { at: found.path }),
      home: homeOf(found.path),
      ...(place !== 'live' && { place }),
      dev: st.dev,
      ino: st.ino,
      born: st.birthtimeMs,
      head: [head.n, head.sum],
      ...(check !== undefined && { tail: [check.at, check.n, check.sum] as [number, number, string] }),
      pos: Object.fromEntries(input.outputs.map(output => [output, offset])),
      size: st.size,
      mtime: st.mtimeMs,
      // Whatever was rotated away since then nobody has looked at.
      seen: this.#registry.updated,
      high: offset
    }
    return { input: input.name, path: found.path, offset, size: st.size, how, note, row }
  }
}

function sumsOf(paths: readonly string[]): Map<string, string[]> {
  const sums = new Map<string, string[]>()
  for (const path of paths) {
    const found = openFound(path)
    if (found === undefined) continue
    const first = bytesAt(found.fd, 0, FINGERPRINT_BYTES)
    found.close()
    if (first.length < FINGERPRINT_BYTES) continue
    const sum = hash('sha256', first)
    sums.set(sum, [...(sums.get(sum) ?? []), path])
  }
  return sums
}
