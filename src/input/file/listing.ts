// What lies in folders beside the files that are followed: each folder is read once a round of searching.
import type { Stats } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { FirstBytes } from './first-bytes.ts'
import { inodeKey, statOf } from './identity.ts'
import type { Table } from './table.ts'

/** The files of one folder that no path of the patterns is known to lead to. */
export interface Listing {
  readonly folder: string
  readonly files: ReadonlyMap<string, Stats>
  readonly byInode: ReadonlyMap<string, string>
  readonly firsts: FirstBytes
}

/** Of one round. */
export class Listings {
  #table: Table
  #read = new Map<string, Listing | undefined>()
  /** How many files were looked at. */
  looked = 0

  constructor(table: Table) {
    this.#table = table
  }

  /** Undefined when the folder is away or may not be read. */
  async of(folder: string): Promise<Listing | undefined> {
    if (this.#read.has(folder)) return this.#read.get(folder)
    const listing = await this.#list(folder)
    this.#read.set(folder, listing)
    return listing
  }

  async #list(folder: string): Promise<Listing | undefined> {
    let names: string[]
    try {
      names = await readdir(folder)
    } catch {
      return undefined
    }
    const files = new Map<string, Stats>()
    const byInode = new Map<string, string>()
    for (const name of names) {
      const entry = this.#table.entries.get(join(folder, name))
      if (entry?.tail !== undefined && !entry.tail.isCopy) continue
      if (++this.looked % 256 === 0) await turn()
      const st = statOf(join(folder, name))
      if (st?.isFile() !== true) continue
      files.set(name, st)
      byInode.set(inodeKey(st.dev, st.ino), name)
    }
    return { folder, files, byInode, firsts: new FirstBytes(folder, files, () => this.looked++) }
  }
}
