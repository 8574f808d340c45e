// Names that rotation gives: `access.log.1`, `access.log-20261122.gz`, `access-20261122.log`, `access.log.old` …
import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const PACKED = /\.(?:gz|zst|bz2|xz|zip|lz4|Z)$/
/** A number, a date or a time, with what stands between their parts. */
const STAMP = String.raw`\d[\d._:T+-]*Z?`
const AT_END = new RegExp(String.raw`^(.+?)[.\-_@](?:${STAMP}|old|bak|prev|save|orig)$`)
const BEFORE_EXTENSION = new RegExp(String.raw`^(.+?)[.\-_@](?:${STAMP}|old|bak|prev)(\.[A-Za-z]\w*)$`)

/** The names that a file of this name may have had before it was rotated; empty when it looks like none's. */
export function basesOf(name: string): string[] {
  const bases: string[] = []
  const bare = bareOf(name)
  if (bare !== name) bases.push(bare)
  const end = AT_END.exec(bare)
  if (end !== null) bases.push(end[1]!)
  const inner = BEFORE_EXTENSION.exec(bare)
  if (inner !== null) bases.push(inner[1]! + inner[2]!)
  return bases
}

/** The name that a compressed file had before. */
export const bareOf = (name: string): string => name.replace(PACKED, '')

/** The path without anything that rotation added: the same for all files of one log. */
export function rootOf(path: string): string {
  const base = basesOf(basename(path)).at(-1)
  return base === undefined ? path : join(dirname(path), base)
}

/** True when the name says that the file is compressed. */
export const isPacked = (name: string): boolean => PACKED.test(name)

/** True when `name` may be a rotated `base`. */
export const isRotated = (name: string, base: string): boolean => basesOf(name).includes(base)

/** The folder in which a file really lies, symbolic links followed; the one of its name when it is gone. */
export function homeOf(path: string): string {
  try {
    return dirname(realpathSync.native(path))
  } catch {
    return dirname(path)
  }
}
