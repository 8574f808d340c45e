// Streams by the names they were found under, which stay when rotation has long given their bytes another.
import type { FileTail } from './file-tail.ts'
import { rootOf } from './names.ts'

export class ByName {
  #byPath = new Map<string, Set<FileTail>>()
  #byRoot = new Map<string, Set<FileTail>>()

  add(tail: FileTail): void {
    addTo(this.#byPath, tail.path, tail)
    addTo(this.#byRoot, rootOf(tail.path), tail)
  }

  delete(tail: FileTail): void {
    removeFrom(this.#byPath, tail.path, tail)
    removeFrom(this.#byRoot, rootOf(tail.path), tail)
  }

  /** Every stream that was found under this path. */
  at(path: string): Iterable<FileTail> {
    return this.#byPath.get(path) ?? []
  }

  /** Every stream that was found under a name which rotation may turn into this one, or this one into that. */
  family(path: string): Iterable<FileTail> {
    return this.#byRoot.get(rootOf(path)) ?? []
  }
}

function addTo(index: Map<string, Set<FileTail>>, key: string, tail: FileTail): void {
  const same = index.get(key)
  if (same === undefined) index.set(key, new Set([tail]))
  else same.add(tail)
}

function removeFrom(index: Map<string, Set<FileTail>>, key: string, tail: FileTail): void {
  const same = index.get(key)
  same?.delete(tail)
  if (same?.size === 0) index.delete(key)
}
