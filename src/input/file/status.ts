// What a file input says about itself to `yarder status` and the status page.
import type { FileStatus, InputDescription } from '../../core/component.ts'
import type { Discovery } from './discover.ts'
import type { FileTail, Place } from './file-tail.ts'
import type { Lags } from './lags.ts'
import { inWords } from './retention.ts'
import type { Danger } from './retention.ts'
import type { Table } from './table.ts'
import { LOOKING } from './troubles.ts'
import type { Trouble } from './troubles.ts'

/** More than the contract asks for, for `yarder positions`. */
export interface TailStatus extends FileStatus {
  /** Source.id. */
  readonly id: string
  readonly ackedBy: Readonly<Record<string, number>>
  readonly open: boolean
}

export interface InputStatus extends InputDescription {
  readonly files: readonly TailStatus[]
  /** Paths that can't be read, with the element that refuses. */
  readonly troubles: readonly Trouble[]
}

const REASONS: Record<Place, string> = {
  live: '',
  rotated: 'renamed; read on under its new name',
  deleted: 'deleted; read on until its end',
  copy: 'its rest is read from a copy',
  lost: 'its bytes are looked for',
  missing: 'not found',
  done: 'read to its end'
}

/** What the patterns say of a path. */
type Patterns = Pick<Discovery, 'isLiteral' | 'isNamed'>

/** What somebody has to see to. A folder that is not there yet is like a pattern that matches nothing yet. */
export const blockingOf = (open: readonly Trouble[], patterns: Patterns): Trouble[] =>
  open.filter(({ errno, path }) => errno !== 'ENOENT' || patterns.isLiteral(path))

/** `message` is '' when all is well. */
export function statusOf(
  table: Table,
  open: readonly Trouble[],
  patterns: Patterns,
  lags: Lags,
  dangers: readonly Danger[]
): InputStatus {
  const lost = [...table.loose].filter(tail => tail.place === 'lost').length
  const blocking = blockingOf(open, patterns)
  const parts: string[] = []
  if (blocking.length > 0) parts.push(inTheWay(blocking))
  else if (table.tails.size === 0)
    parts.push(['no file matches yet', ...open.map(t => t.reason).slice(0, 1)].join(': '))
  if (lost > 0) parts.push(`the rest of ${lost} ${lost === 1 ? 'file' : 'files'} is looked for`)
  const [danger] = dangers
  if (danger !== undefined)
    parts.push(`unread data of ${danger.path} will be rotated away in ${inWords(danger.seconds * 1000)}`)
  for (const [output, { files, bytes }] of lags.summary()) {
    const what = `${bytes} bytes in ${files} ${files === 1 ? 'file' : 'files'}`
    parts.push(`${output} is behind by ${what}, and reads on its own`)
  }
  const refused: TailStatus[] = open
    .filter(trouble => [...table.at(trouble.path)].length === 0)
    .map(t => ({
      id: '',
      path: t.path,
      size: 0,
      read: 0,
      acked: 0,
      ackedBy: {},
      state: t.errno === 'ENOENT' ? 'missing' : 'unreadable',
      reason: t.reason,
      open: false
    }))
  return {
    message: parts.join('; '),
    degraded: isDegraded(table, blocking, patterns),
    files: [...[...table.tails].map(tail => fileStatus(tail, open, dangers)), ...refused],
    troubles: open
  }
}

/** The first of them, with why and what to do. */
function inTheWay(blocking: readonly Trouble[]): string {
  const { path, reason, remedy } = blocking[0]!
  const what = blocking.length === 1 ? '1 path' : `${blocking.length} paths`
  const why = reason.includes(path) ? reason : `${path}: ${reason}`
  return `${what} cannot be read: ${why}${remedy === '' ? '' : ` (${remedy}; more: yarder doctor)`}`
}

/** Something that was named cannot be read, or nothing can. One file among many that a pattern matches is no alarm. */
function isDegraded(table: Table, blocking: readonly Trouble[], patterns: Patterns): boolean {
  if (blocking.length === 0) return false
  if (blocking.some(({ path }) => path === LOOKING || patterns.isNamed(path))) return true
  const paths = new Set(blocking.map(t => t.path))
  return ![...table.tails].some(tail => tail.place === 'live' && !paths.has(tail.at))
}

function fileStatus(tail: FileTail, troubles: readonly Trouble[], dangers: readonly Danger[]): TailStatus {
  const danger = dangers.find(d => d.tail === tail)
  const trouble = troubles.find(t => t.path === tail.at)
  const live = tail.unread ? 'active' : 'idle'
  return {
    id: tail.id,
    path: tail.path,
    ...(tail.at !== tail.path && { at: tail.at }),
    size: tail.size,
    read: tail.read,
    acked: Math.min(tail.tracker.min(), tail.read),
    ackedBy: tail.tracker.acked(),
    state: trouble !== undefined ? 'unreadable' : tail.place === 'live' ? live : tail.place,
    reason: trouble?.reason ?? REASONS[tail.place],
    ledger: tail.ledger.balance(tail.position()),
    ...(danger !== undefined && { expiresSeconds: danger.seconds }),
    open: tail.carrier !== undefined
  }
}
