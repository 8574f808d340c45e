// Reads Filebeat's registry, of any version: which files it knew, and how far it had shipped each.
//
//   7.9 and later  a folder: NNN.json (a checkpoint), log.json (what changed since), meta.json (`{"version":"1"}`)
//   6.3 to 7.8     registry/filebeat/data.json, an array; before that one file `registry`, an array, or 1.x a map
//
// The layouts are those of libbeat's memlog store and Filebeat's registrar as of 9.x, known from their documentation and
// from registries that people have shown.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { YarderError } from '../../core/errors.ts'
import { isMap } from '../../core/field.ts'

/** How Filebeat knew a file: by device and inode, by its path alone, or by SHA-256 of 1024 of its first bytes. */
export type FilebeatIdentity =
  | { readonly kind: 'native'; readonly dev: number; readonly ino: number }
  | { readonly kind: 'path' }
  | { readonly kind: 'fingerprint'; readonly sum: string }

export interface FilebeatEntry {
  readonly identity: FilebeatIdentity
  /** The path as it was last known. */
  readonly source: string
  /** Bytes that were shipped and acknowledged. */
  readonly offset: number
  /** When that was written, milliseconds since the epoch; 0 when it isn't said. */
  readonly updated: number
}

export interface FilebeatRegistry {
  /** One for each file; of several the newest. */
  readonly entries: readonly FilebeatEntry[]
  /** When Filebeat last moved a position. */
  readonly updated: number
  /** What is odd about it, for people. */
  readonly notes: readonly string[]
}

/** How long a prefix Filebeat's fingerprint takes unless told otherwise; shorter files it doesn't read at all. */
export const FINGERPRINT_BYTES = 1024

/** `path`: the folder or the file; the folders above it that people think of are taken as well. Throws YarderError USAGE. */
export function readFilebeat(path: string): FilebeatRegistry {
  const notes: string[] = []
  const { file, values } = valuesAt(path, notes)
  const newest = new Map<string, FilebeatEntry>()
  let others = 0
  for (const [key, value] of values) {
    const entry = entryOf(key, value)
    if (entry === undefined) {
      others++
      continue
    }
    const id = idOf(entry)
    const known = newest.get(id)
    if (known !== undefined && known.offset !== entry.offset)
      notes.push(`${entry.source} has two positions, ${known.offset} and ${entry.offset}; the newer one counts`)
    if (known === undefined || known.updated <= entry.updated) newest.set(id, entry)
  }
  if (others > 0) notes.push(`${others} entries are not of files`)
  const entries = [...newest.values()]
  if (entries.length === 0) throw new YarderError('USAGE', `${file} has no position of a file`)
  const updated = Math.max(...entries.map(e => e.updated))
  return { entries, updated: updated > 0 ? updated : statSync(file).mtimeMs, notes }
}

const idOf = ({ identity, source }: FilebeatEntry): string =>
  identity.kind === 'native'
    ? `${identity.dev}:${identity.ino}`
    : identity.kind === 'path'
      ? source
      : `sum ${identity.sum}`

type Values = ReadonlyMap<string, Record<string, unknown>>

function valuesAt(path: string, notes: string[]): { file: string; values: Values } {
  const wrong = (what: string): never => {
    throw new YarderError('USAGE', `${path} ${what}; it is usually /var/lib/filebeat/registry/filebeat`)
  }
  const st = statSync(path, { throwIfNoEntry: false })
  if (st === undefined) return wrong('does not exist')
  if (st.isFile()) return path.endsWith('/log.json') ? memlog(join(path, '..'), notes) : array(path)
  for (const folder of ['.', 'filebeat', 'registry/filebeat', 'registry'].map(f => join(path, f))) {
    if (!existsSync(folder) || !statSync(folder).isDirectory()) continue
    if (existsSync(join(folder, 'log.json')) || checkpointIn(folder) !== undefined) return memlog(folder, notes)
    if (existsSync(join(folder, 'data.json'))) return array(join(folder, 'data.json'))
  }
  const single = join(path, 'registry')
  return existsSync(single) && statSync(single).isFile() ? array(single) : wrong('is no registry of Filebeat')
}

/** Number of the newest checkpoint. */
function checkpointIn(folder: string): number | undefined {
  const numbers = readdirSync(folder).flatMap(name => /^(\d+)\.json$/.exec(name)?.[1] ?? [])
  return numbers.length === 0 ? undefined : Math.max(...numbers.map(Number))
}

function parseFile(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new YarderError('USAGE', `reading ${file} as a registry of Filebeat`, { cause })
  }
}

function memlog(folder: string, notes: string[]): { file: string; values: Values } {
  const metaFile = join(folder, 'meta.json')
  const meta = existsSync(metaFile) ? parseFile(metaFile) : { version: '1' }
  const version = isMap(meta) ? meta['version'] : undefined
  if (version !== '1')
    throw new YarderError(
      'USAGE',
      `${metaFile} says version ${JSON.stringify(version)} of the registry; only 1 is known`
    )
  const values = new Map<string, Record<string, unknown>>()
  const checkpoint = checkpointIn(folder)
  if (checkpoint !== undefined) {
    const rows = parseFile(join(folder, `${checkpoint}.json`))
    for (const row of Array.isArray(rows) ? rows : []) {
      if (isMap(row) && typeof row['_key'] === 'string') values.set(row['_key'], row)
    }
  }
  const log = join(folder, 'log.json')
  if (existsSync(log)) replay(log, checkpoint, values, notes)
  return { file: existsSync(log) ? log : join(folder, `${checkpoint}.json`), values }
}

/** Two lines a change: what is done, with a number that goes up by one, and to what. As Filebeat does, it stops at the first gap. */
function replay(
  log: string,
  checkpoint: number | undefined,
  values: Map<string, Record<string, unknown>>,
  notes: string[]
): void {
  const lines = readFileSync(log, 'utf8')
    .split('\n')
    .filter(line => line.trim() !== '')
  let last = checkpoint
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const action = lowered(lines[i]!)
    const data = lowered(lines[i + 1]!)
    const id = Number(action?.['id'])
    const key = data?.['k']
    if (action === undefined || !Number.isFinite(id) || typeof key !== 'string') {
      notes.push(`line ${i + 1} of ${log} is damaged; what follows is ignored, as Filebeat does`)
      return
    }
    if (last === undefined && id !== 1)
      notes.push(`${log} begins at change ${id} without a checkpoint; files may be missing`)
    if (last !== undefined && id <= last) continue
    if (last !== undefined && id !== last + 1) {
      notes.push(`change ${last + 1} is missing in ${log}; what follows is ignored, as Filebeat does`)
      return
    }
    last = id
    const value = data?.['v']
    if (action['op'] === 'remove') values.delete(key)
    else if (isMap(value)) values.set(key, value)
  }
  if (lines.length % 2 === 1) notes.push(`the last line of ${log} is cut and was ignored`)
}

/** A line of the log; its keys have been written in both cases. */
function lowered(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isMap(value) ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k.toLowerCase(), v])) : undefined
  } catch {
    return undefined
  }
}

/** The registries before 7.9: an array of states, in 1.x a map by path. */
function array(file: string): { file: string; values: Values } {
  const content = parseFile(file)
  const rows = Array.isArray(content) ? content : isMap(content) ? Object.values(content) : []
  return { file, values: new Map(rows.filter(isMap).map((row, i) => [String(i), row] as const)) }
}

function entryOf(key: string, value: Record<string, unknown>): FilebeatEntry | undefined {
  const meta = isMap(value['meta']) ? value['meta'] : {}
  const cursor = isMap(value['cursor']) ? value['cursor'] : {}
  const source = value['source'] ?? meta['source']
  const offset = value['offset'] ?? cursor['offset'] ?? 0
  if (typeof source !== 'string' || !source.startsWith('/')) return undefined
  if (typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0) return undefined
  return { identity: identityOf(key, value), source, offset, updated: timeOf(value['updated'] ?? value['timestamp']) }
}

function identityOf(key: string, value: Record<string, unknown>): FilebeatIdentity {
  const sum = /(?:^|::)fingerprint::([0-9a-f]{64})$/.exec(key)?.[1]
  if (sum !== undefined) return { kind: 'fingerprint', sum }
  if (/(?:^|::)path::/.test(key) || value['identifier_name'] === 'path') return { kind: 'path' }
  const os = value['FileStateOS']
  const native = /(?:^|::)native::(\d+)-(\d+)$/.exec(key)
  const ino = Number(native?.[1] ?? (isMap(os) ? os['inode'] : 0))
  const dev = Number(native?.[2] ?? (isMap(os) ? os['device'] : 0))
  return ino > 0 ? { kind: 'native', dev, ino } : { kind: 'path' }
}

/** `[nanoseconds and time zone, seconds]`, in older ones a text. */
function timeOf(value: unknown): number {
  if (typeof value === 'string') return Date.parse(value) || 0
  if (!Array.isArray(value) || typeof value[1] !== 'number') return 0
  const nanoseconds = typeof value[0] === 'number' ? value[0] % 2 ** 32 : 0
  return value[1] * 1000 + Math.floor(nanoseconds / 1e6)
}
