// What a file input says about itself to `yarder status` and the status page.
import type { FileStatus, InputDescription } from '../../core/component.ts'
import type { FileTail, Place } from './file-tail.ts'
import type { Lags } from './lags.ts'
import { inWords } from './retention.ts'
import type { Danger } from './retention.ts'
import type { Table } from './table.ts'
import type { Trouble, Troubles } from './troubles.ts'

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

/** `message` is '' when all is well. */
export function statusOf(table: Table, troubles: Troubles, lags: Lags, dangers: readonly Danger[]): InputStatus {
  const open = troubles.list()
  const lost = [...table.loose].filter(tail => tail.place === 'lost').length
  const parts: string[] = []
  if (open.length > 0) {
    const [first] = open
    parts.push(
      `${open.length} ${open.length === 1 ? 'path' : 'paths'} cannot be read: ${first!.path}: ${first!.reason}`
    )
  }
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
    files: [...[...table.tails].map(tail => fileStatus(tail, open, dangers)), ...refused],
    troubles: open
  }
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
