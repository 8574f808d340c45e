// Why a path can't be opened: which of its elements refuses, without strace.
import { accessSync, constants, lstatSync, readlinkSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, resolve } from 'node:path'

/** One element on the way to a file, symbolic links followed. */
export interface Hop {
  readonly path: string
  /** As `ls -l` writes it; '' when it can't be seen. */
  readonly mode: string
  /** `uid:gid`. */
  readonly owner: string
  readonly target?: string
  /** What is missing here: `search` (x on a directory), `read`, `exist`; absent when it lets pass. */
  readonly refuses?: 'search' | 'read' | 'exist'
}

/** The elements from `/` on, up to the one that refuses or the file itself. */
export function hopsOf(path: string): Hop[] {
  const hops: Hop[] = []
  walk(resolve(path), hops, 0)
  return hops
}

/** One sentence about the element that refuses; '' when none does (any more). */
export function explainAccess(path: string): string {
  const hop = hopsOf(path).find(h => h.refuses !== undefined)
  if (hop === undefined) return ''
  if (hop.refuses === 'exist') return `${hop.path} does not exist`
  return `${hop.path} (${hop.mode}, owner ${hop.owner}) gives no ${hop.refuses} permission to uid ${process.getuid?.() ?? '?'}`
}

/** The command that lets this process pass the element that refuses; '' when none does, or it is not there. */
export function remedyOf(path: string): string {
  const hop = hopsOf(path).find(h => h.refuses !== undefined)
  if (hop === undefined || hop.refuses === 'exist') return ''
  // What can't even be looked at is refused by the folder above it.
  const at = hop.refuses === 'search' && hop.mode === '' ? dirname(hop.path) : hop.path
  return `setfacl -m u:${account()}:${hop.refuses === 'read' ? 'r' : hop.path === path ? 'rx' : 'x'} ${word(at)}`
}

/** Who this process is, for setfacl. */
function account(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? '')
  }
}

/** As a shell takes it for one word. */
const word = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

/** True when the walk may go on. */
function walk(path: string, hops: Hop[], links: number): boolean {
  const parent = dirname(path)
  if (parent !== path && !hops.some(h => h.path === parent) && !walk(parent, hops, links)) return false
  let st: Stats
  try {
    st = lstatSync(path)
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    hops.push({ path, mode: '', owner: '', refuses: missing ? 'exist' : 'search' })
    return false
  }
  const hop: Hop = { path, mode: modeText(st), owner: `${st.uid}:${st.gid}` }
  if (st.isSymbolicLink()) {
    const target = resolve(parent, readlinkSync(path))
    hops.push({ ...hop, target })
    // The kernel gives up after 40 (path_resolution(7)).
    return links < 40 && walk(target, hops, links + 1)
  }
  const refuses = refusal(path, st)
  hops.push(refuses === undefined ? hop : { ...hop, refuses })
  return refuses === undefined
}

function refusal(path: string, st: Stats): 'search' | 'read' | undefined {
  try {
    accessSync(path, st.isDirectory() ? constants.X_OK : constants.R_OK)
    return undefined
  } catch {
    return st.isDirectory() ? 'search' : 'read'
  }
}

function modeText(st: Stats): string {
  const kind = st.isDirectory() ? 'd' : st.isSymbolicLink() ? 'l' : st.isFile() ? '-' : '?'
  const bits = Array.from('rwxrwxrwx', (letter, i) => ((st.mode >> (8 - i)) & 1 ? letter : '-'))
  if (st.mode & 0o1000) bits[8] = bits[8] === 'x' ? 't' : 'T'
  return kind + bits.join('')
}
