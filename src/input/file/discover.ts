// Which paths the patterns match now. A folder is listed again only when its mtime moved, so idle trees cost a stat each.
import { readdirSync, statSync } from 'node:fs'
import type { Dirent, Stats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { Glob, Step } from './glob.ts'
import { basesOf, isPacked } from './names.ts'

/** What one look found new and gone. */
export interface Changes {
  readonly added: string[]
  readonly gone: string[]
  /** Paths that match, existing or not, whose rotated name is new in its folder; with the time of the listing before, or 0. */
  readonly rotated: ReadonlyMap<string, number>
}

/** A folder under one step of a pattern, as it was listed. */
interface Folder {
  readonly path: string
  readonly glob: Glob
  dev: number
  ino: number
  mtime: number
  /** Clock.elapsed() of the listing, and how many names it gave: big folders are listed more rarely. */
  listedAt: number
  names: number
  /** Wall clock of the listing. */
  at: number
  /** Names that rotation gave, which the pattern doesn't match or which are compressed: they aren't read as what they are. */
  rotated: ReadonlySet<string>
  files: string[]
  folders: string[]
}

// File systems keep times in ticks of up to two seconds: a change right after a listing may not move the mtime.
const RACY_MS = 2000
/** A folder is left alone this long for every name in it, which holds listing to a few percent of the time. */
const REST_MS = 0.05

/** Streams that are over are known for twice as long; see KEEP_DONE_MS. */
const FORGOTTEN_MS = 30 * 60_000
/** More are not worth the memory. */
const MAX_LEFT = 1000

export interface DiscoverTools {
  elapsed(): number
  now(): number
  /** Wall clock of the look before, in an earlier run perhaps; 0 when there was none. */
  lookedAt?(): number
  /** A folder can't be listed (or can again: `error` undefined). */
  trouble(path: string, error: unknown): void
  /** A folder as it was seen. */
  folder(st: Stats): void
}

/** Finds files; what they are is the caller's business. A literal path is always there, existing or not. */
export class Discovery {
  #globs: readonly Glob[]
  #excluded: (path: string) => boolean
  #tools: DiscoverTools
  #folders = new Map<string, Folder>()
  #paths = new Set<string>()
  /** Folders that went away, with the wall clock of their last listing, should they come back. */
  #left = new Map<string, { readonly at: number; readonly elapsed: number }>()
  #walked: Folder[] = []
  #changed = false
  #rotated = new Map<string, number>()
  /** Paths without wildcards are there from the first look on, existing or not. */
  #literals = true

  constructor(globs: readonly Glob[], excluded: (path: string) => boolean, tools: DiscoverTools) {
    this.#globs = globs
    this.#excluded = excluded
    this.#tools = tools
  }

  /** Paths that match now. */
  get paths(): ReadonlySet<string> {
    return this.#paths
  }

  /** True for a path that would be found if it existed. */
  matches(path: string): boolean {
    return this.#globs.some(g => g.matches(path)) && !this.#excluded(path)
  }

  /** True for a path that stands so in the patterns, without wildcards. */
  isLiteral(path: string): boolean {
    return this.#globs.some(({ steps, base }) => steps.length === 0 && base === path)
  }

  /** True for a path that somebody has written: without wildcards, or the folder from which they begin. */
  isNamed(path: string): boolean {
    return this.#globs.some(({ base }) => base === path)
  }

  /** The folders that were looked into, each with its device and inode. */
  folders(): Map<string, string> {
    const folders = new Map<string, string>()
    for (const { path, dev, ino } of this.#folders.values()) folders.set(path, `${dev}:${ino}`)
    for (const glob of this.#globs) if (glob.steps.length === 0) folders.set(dirname(glob.base), '')
    return folders
  }

  /** Wall clock of the last listing of what is away and may have got files meanwhile; else Infinity. */
  awaySince(): number {
    let since = Infinity
    for (const key of this.#left.keys()) since = Math.min(since, this.#leftAt(key) || Infinity)
    return since
  }

  /** 0 when it was here all the time, or is away for so long that what was read in it may be forgotten. */
  #leftAt(key: string): number {
    const left = this.#left.get(key)
    return left === undefined || this.#tools.elapsed() - left.elapsed > FORGOTTEN_MS ? 0 : left.at
  }

  /** Looks at every folder's mtime, and into those that changed. `all` lists all of them again. */
  async look(all = false): Promise<Changes> {
    this.#walked = []
    this.#rotated = new Map()
    this.#changed = this.#literals
    this.#literals = false
    const seen = new Set<string>()
    for (const [g, glob] of this.#globs.entries()) {
      if (glob.steps.length > 0) await this.#walk(g, glob.steps, 0, glob.base, seen, new Set(), all)
    }
    for (const [key, { at }] of this.#folders) {
      if (seen.has(key)) continue
      this.#folders.delete(key)
      this.#leave(key, at)
      this.#changed = true
    }
    return this.#changed ? this.#compare() : { added: [], gone: [], rotated: this.#rotated }
  }

  #leave(key: string, at: number): void {
    if (this.#left.has(key)) return
    const [oldest] = this.#left.keys()
    if (this.#left.size >= MAX_LEFT) this.#left.delete(oldest!)
    this.#left.set(key, { at, elapsed: this.#tools.elapsed() })
  }

  #compare(): Changes {
    const found = new Set<string>()
    for (const glob of this.#globs) if (glob.steps.length === 0) found.add(glob.base)
    for (const { glob, files } of this.#walked) {
      for (const file of files) if (!this.#excluded(file) && (glob.exact || glob.matches(file))) found.add(file)
    }
    // A copy is told from a new file by the file that it was made of: that comes first.
    const added = [...found].filter(path => !this.#paths.has(path)).toSorted((a, b) => rotations(a) - rotations(b))
    const gone = [...this.#paths].filter(path => !found.has(path))
    this.#paths = found
    return { added, gone, rotated: this.#rotated }
  }

  async #walk(
    g: number,
    steps: readonly Step[],
    index: number,
    path: string,
    seen: Set<string>,
    above: ReadonlySet<string>,
    all: boolean
  ): Promise<void> {
    const key = `${g}\0${index}\0${path}`
    if (seen.has(key)) return
    const st = this.#statFolder(path)
    if (st === undefined) {
      if (!this.#folders.has(key)) this.#leave(key, this.#tools.lookedAt?.() ?? 0)
      return
    }
    // A link back up would be followed for ever.
    const inode = `${st.dev}:${st.ino}`
    if (above.has(inode)) return
    seen.add(key)
    if (seen.size % 128 === 0) await turn()
    const folder = this.#list(key, path, g, index, st, all)
    this.#walked.push(folder)
    const deep = steps[index]!.deep
    const below = folder.folders.length === 0 ? above : new Set(above).add(inode)
    for (const next of folder.folders) await this.#walk(g, steps, deep ? index : index + 1, next, seen, below, all)
    // `**` stands for no folder as well: the next step looks here too.
    if (deep && index + 1 < steps.length) await this.#walk(g, steps, index + 1, path, seen, above, all)
  }

  #statFolder(path: string): Stats | undefined {
    try {
      const st = statSync(path)
      if (st.isDirectory()) {
        this.#tools.folder(st)
        return st
      }
      this.#tools.trouble(path, Object.assign(new Error('it is not a folder'), { code: 'ENOTDIR' }))
    } catch (error) {
      this.#tools.trouble(path, error)
    }
    return undefined
  }

  #list(key: string, path: string, g: number, step: number, st: Stats, all: boolean): Folder {
    const elapsed = this.#tools.elapsed()
    const known = this.#folders.get(key)
    const same = known !== undefined && known.ino === st.ino && known.dev === st.dev
    if (same && !all) {
      const racy = this.#tools.now() - st.mtimeMs < RACY_MS
      const tooSoon = elapsed - known.listedAt < known.names * REST_MS
      if (tooSoon || (st.mtimeMs === known.mtime && !racy)) return known
    }
    const glob = this.#globs[g]!
    const folder: Folder = {
      path,
      glob,
      dev: st.dev,
      ino: st.ino,
      mtime: st.mtimeMs,
      listedAt: elapsed,
      names: 0,
      at: this.#tools.now(),
      rotated: same ? known.rotated : new Set(),
      files: same ? known.files : [],
      folders: same ? known.folders : []
    }
    try {
      sort(folder, glob.steps[step]!, step === glob.steps.length - 1)
      this.#noteRotated(folder, same ? known : undefined, glob.steps[step]!, this.#leftAt(key))
      this.#left.delete(key)
      this.#tools.trouble(path, undefined)
    } catch (error) {
      this.#tools.trouble(path, error)
      // Not the listing of this mtime: it is tried again at the next look.
      folder.mtime = -1
    }
    this.#folders.set(key, folder)
    this.#changed = true
    return folder
  }

  /** A file may have come, been written and rotated away between two listings: its new name is all there is to see. */
  #noteRotated(folder: Folder, before: Folder | undefined, step: Step, left: number): void {
    for (const name of folder.rotated) {
      if (before?.rotated.has(name) === true) continue
      const base = basesOf(name).findLast(b => step.matches(b))
      if (base !== undefined) this.#rotated.set(join(folder.path, base), before?.at ?? left)
    }
  }
}

const rotations = (path: string): number => basesOf(basename(path)).length

/** Lists a folder into the names that end the pattern and the folders that lead on. */
function sort(folder: Folder, step: Step, last: boolean): void {
  const files: string[] = []
  const folders: string[] = []
  const rotated = new Set<string>()
  if (step.literal !== undefined) {
    ;(last ? files : folders).push(join(folder.path, step.literal))
  } else {
    const entries = readdirSync(folder.path, { withFileTypes: true })
    folder.names = entries.length
    for (const entry of entries) {
      const matches = step.matches(entry.name)
      if (last && (!matches || isPacked(entry.name)) && basesOf(entry.name).length > 0) rotated.add(entry.name)
      if (!matches) continue
      const path = join(folder.path, entry.name)
      if ((step.deep || !last) && isFolder(entry, path)) folders.push(path)
      else if (last && !entry.isDirectory()) files.push(path)
    }
  }
  folder.files = files
  folder.folders = folders
  folder.rotated = rotated
}

function isFolder(entry: Dirent, path: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
