// The rotated files of a log in their folder: how many, and in which order.
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { statOf } from './identity.ts'
import { bareOf, basesOf } from './names.ts'

/** For one look: each folder is listed once, however many logs it has. */
export class Family {
  /** By folder, then by the name of the log; undefined for a folder that can't be listed. */
  #folders = new Map<string, Map<string, string[]> | undefined>()

  /** A rotated file by a name that it keeps when it is compressed. */
  static nameOf(path: string): string {
    return bareOf(basename(path))
  }

  /** Where its rotated files may lie: beside it, or where they were seen. */
  folders(path: string, seen: readonly string[]): string[] {
    return [...new Set([dirname(path), ...seen.map(at => dirname(at))])]
  }

  /** How many rotated files there are; a compressed one and its original are one. */
  async count(path: string, folders: readonly string[]): Promise<number | undefined> {
    const names = await this.#names(path, folders)
    return names && new Set(names.map(Family.nameOf)).size
  }

  /** The place of each by its name: 1 for the one that was written to last. */
  async places(path: string, folders: readonly string[]): Promise<Map<string, number>> {
    const times = new Map<string, number>()
    for (const at of (await this.#names(path, folders)) ?? []) {
      // Compression keeps the time of the last write.
      const mtime = statOf(at)?.mtimeMs
      const name = Family.nameOf(at)
      if (mtime !== undefined) times.set(name, Math.max(mtime, times.get(name) ?? 0))
    }
    const sorted = [...times.keys()].toSorted((a, b) => times.get(b)! - times.get(a)!)
    return new Map(sorted.map((name, i) => [name, i + 1]))
  }

  async #names(path: string, folders: readonly string[]): Promise<string[] | undefined> {
    let names: string[] | undefined
    for (const folder of folders) {
      const listed = await this.#list(folder)
      const own = listed?.get(basename(path))?.map(name => join(folder, name))
      if (listed !== undefined) names = [...(names ?? []), ...(own ?? [])]
    }
    return names
  }

  async #list(folder: string): Promise<Map<string, string[]> | undefined> {
    if (this.#folders.has(folder)) return this.#folders.get(folder)
    const byLog = await readdir(folder).then(group, () => undefined)
    this.#folders.set(folder, byLog)
    return byLog
  }
}

function group(names: readonly string[]): Map<string, string[]> {
  const byLog = new Map<string, string[]>()
  for (const name of names) {
    const log = basesOf(name).at(-1)
    if (log === undefined) continue
    const same = byLog.get(log)
    if (same === undefined) byLog.set(log, [name])
    else same.push(name)
  }
  return byLog
}
