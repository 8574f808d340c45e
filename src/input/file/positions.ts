// `yarder positions`: what the rows of an input say, and how they are moved while the input is stopped.
import { METRICS } from '../../core/component.ts'
import { YarderError } from '../../core/errors.ts'
import type { State } from '../../core/state.ts'
import { compileGlob } from './glob.ts'
import { HEAD_BYTES, bytesAt, headOf, newFileId, sourceId } from './identity.ts'
import { Listings, checkpointIn, findRow, nameNow, nextLine } from './place.ts'
import type { Found } from './place.ts'
import { RUNS, isRow, scopeOf } from './registry.ts'
import type { Row } from './registry.ts'
import { lineStart } from './start.ts'
import { ofOutputs } from './tracker.ts'

/** A line of which no newline is found within this many bytes has none yet. */
const LONGEST_LINE = 16 * 1024 * 1024

/** One stream as its row says. Offsets and sizes are bytes. */
export interface Position {
  readonly input: string
  readonly id: string
  /** The name it was found under, and the one its bytes lie under when that is another. */
  readonly path: string
  readonly at?: string
  readonly size: number
  /** The least of `acked`: a start reads from there. */
  readonly read: number
  readonly acked: Readonly<Record<string, number>>
  readonly state: string
}

/** Where to. `last`: so many bytes before the end; `since`: what arrived from then on, milliseconds since the epoch. */
export type Target =
  | { readonly kind: 'offset' | 'last'; readonly bytes: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'since'; readonly ms: number }

export interface Edit {
  readonly input: string
  /** Compared with the name under which the bytes lie; absolute. Undefined: every stream of the input. */
  readonly path: string | undefined
  /** Undefined: the position is forgotten. */
  readonly to: Target | undefined
  /** One output only. */
  readonly output: string | undefined
  /** What is sent again gets a new identity. */
  readonly newIds: boolean
}

/** What becomes of one stream; `row` is undefined when it is forgotten. */
export interface Change {
  readonly id: string
  readonly newId: string | undefined
  readonly path: string
  /** Where the outputs were that it moves. */
  readonly from: Readonly<Record<string, number>>
  readonly to: number | undefined
  readonly notes: readonly string[]
  readonly row: Row | undefined
}

export interface EditPlan {
  /** The streams that the edit names, by Source.id. */
  readonly chosen: ReadonlySet<string>
  readonly changes: readonly Change[]
  /** Streams that were named and can't be moved, with the reason. */
  readonly left: readonly string[]
  /** The input itself is forgotten with all its streams. */
  readonly forgetsInput: boolean
}

const refuse = (text: string): never => {
  throw new YarderError('USAGE', text)
}

/** The inputs that have positions. */
export const inputsIn = (state: State): string[] => [...state.entries(RUNS)].map(([name]) => name)

function* rowsOf(state: State, input: string): Iterable<readonly [id: string, row: Row]> {
  for (const [id, row] of state.entries(scopeOf(input))) if (isRow(row)) yield [id, row]
}

/** Every stream of the input. Looks at the files; changes nothing. */
export function positionsOf(state: State, input: string): Position[] {
  const listings = new Listings()
  return [...rowsOf(state, input)].map(([id, row]) => {
    const found = findRow(row, listings)
    found?.close()
    const at = found?.path ?? row.at ?? row.path
    const known = row.place ?? 'live'
    return {
      input,
      id,
      path: row.path,
      ...(at !== row.path && { at }),
      size: row.packing === undefined ? (found?.st.size ?? row.size) : row.size,
      read: least(row),
      acked: ofOutputs(row.pos),
      state: found === undefined && known !== 'done' ? 'not found' : known
    }
  })
}

/** Under which name the bytes of each stream lie at this moment, by Source.id; without those that are not found. */
export function namesNow(state: State, input: string): Map<string, string> {
  const listings = new Listings()
  const names = new Map<string, string>()
  for (const [id, row] of rowsOf(state, input)) {
    const name = nameNow(row, listings)
    if (name !== undefined) names.set(id, name)
  }
  return names
}

/** What was counted into metrics is not counted again, whatever is sent again. */
const least = (row: Row): number => Math.min(...Object.values(ofOutputs(row.pos)))

/**
 * What an edit does to the rows, nothing of which is changed yet. `outputs` are those that the input sends to. `ids` are
 * the streams that are meant when that was found out before: names may have changed since. Throws a YarderError (USAGE)
 * that says what would be right.
 */
export function planEdit(
  state: State,
  outputs: readonly string[],
  edit: Edit,
  now: number,
  ids?: ReadonlySet<string>
): EditPlan {
  const streams = chosenStreams(state, edit, ids)
  const chosen = new Set(streams.map(({ id }) => id))
  if (edit.to === undefined) {
    const forgetsInput = edit.path === undefined
    return { chosen, changes: streams.map(stream => forgotten(stream, forgetsInput)), left: [], forgetsInput }
  }
  const left: string[] = []
  const changes: Change[] = []
  const listings = new Listings()
  for (const { id, row, name } of streams) {
    const twin = row.copy === true && streams.some(other => other.row !== row && other.row.ino === row.ino)
    const found = twin ? undefined : findRow(row, listings)
    if (found === undefined) {
      left.push(twin ? `${name}: a copy of a file that is named as well` : `${name}: its bytes were not found`)
      continue
    }
    try {
      const outcome = moved(id, row, found, outputs, edit, edit.to, now)
      if (typeof outcome === 'string') left.push(`${found.path}: ${outcome}`)
      else changes.push(outcome)
    } finally {
      found.close()
    }
  }
  if (changes.length === 0) refuse(`nothing can be moved: ${left.join('; ')}`)
  return { chosen, changes, left, forgetsInput: false }
}

/** Writes what was planned. It is durable with the state's next commit. */
export function applyEdit(state: State, input: string, plan: EditPlan): void {
  const scope = scopeOf(input)
  for (const { id, newId, row } of plan.changes) {
    if (row === undefined || newId !== undefined) state.delete(scope, id)
    if (row !== undefined) state.set(scope, newId ?? id, row)
  }
  if (plan.forgetsInput) state.delete(RUNS, input)
}

/** A row with the name under which its bytes lie now; the last known one when they were not `found`. */
interface Stream {
  readonly id: string
  readonly row: Row
  readonly name: string
  readonly found: boolean
}

function chosenStreams(state: State, { input, path }: Edit, ids: ReadonlySet<string> | undefined): Stream[] {
  const listings = new Listings()
  const streams = [...rowsOf(state, input)].map(([id, row]): Stream => {
    const name = nameNow(row, listings)
    return { id, row, name: name ?? row.at ?? row.path, found: name !== undefined }
  })
  if (path === undefined) return streams.length > 0 ? streams : refuse(`the input ${input} has no positions yet`)
  if (ids !== undefined) return streams.filter(({ id }) => ids.has(id))
  const { matches } = compileGlob(path, '/')
  // Where another file lies by now is not the place of one that is gone.
  const taken = new Set(streams.filter(({ found }) => found).map(({ name }) => name))
  const chosen = streams.filter(({ name, found }) => matches(name) && (found || !taken.has(name)))
  if (chosen.length > 0) return chosen
  const names = [...new Set(streams.map(({ name }) => name))].sort()
  const few = names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
  return refuse(`the input ${input} has no position at ${path}; it has ${few || 'none at all'}`)
}

function forgotten({ id, row, name }: Stream, withInput: boolean): Change {
  const live = (row.place ?? 'live') === 'live'
  const note = live
    ? 'read from its first byte as a new file, with new ids'
    : 'it is read again only where the patterns of the input match its present name'
  const notes = withInput ? [] : [note]
  return { id, newId: undefined, path: name, from: ofOutputs(row.pos), to: undefined, notes, row: undefined }
}

/** The change, or why there is none. */
function moved(
  id: string,
  row: Row,
  found: Found,
  outputs: readonly string[],
  edit: Edit,
  target: Target,
  now: number
): Change | string {
  const notes: string[] = []
  const to = row.packing === undefined ? offsetOf(row, found, target, notes) : offsetInPacked(target)
  if (typeof to === 'string') return to
  const known = least(row)
  // An input that ships from its next start on has a row in which metrics stand alone yet; they stay where they are.
  const meant = Object.keys(ofOutputs(row.pos)).filter(o => o !== METRICS || outputs.length === 0)
  const before = Object.fromEntries([...new Set([...meant, ...outputs])].map(o => [o, row.pos[o] ?? known]))
  const pos = Object.fromEntries(
    Object.entries(before).map(([o, p]) => [o, edit.output === undefined || edit.output === o ? to : p])
  )
  for (const [output, offset] of Object.entries(before)) {
    const by = pos[output]! - offset
    const done = output === METRICS ? 'counted' : 'sent'
    const whom = output === '' || output === METRICS ? '' : ` to ${output}`
    if (by < 0) notes.push(`${-by} bytes are ${done} again${whom}`)
    if (by > 0) notes.push(`${by} bytes are not ${done}${whom}`)
  }
  if (notes.length === 0 && !edit.newIds) return `it is at ${to} already`
  const file = edit.newIds ? newFileId() : row.file
  const next = { ...placed(row, found, { ...row.pos, ...pos }, now), file }
  if (edit.newIds) delete next.gen
  const newId = edit.newIds ? sourceId(file, 0) : undefined
  return { id, newId, path: found.path, from: movedOf(before, pos, edit.output), to, notes, row: next }
}

/** Where the outputs were that are elsewhere now; with new ids alone none is, and all that are meant count. */
function movedOf(
  before: Record<string, number>,
  after: Record<string, number>,
  output: string | undefined
): Record<string, number> {
  const meant = Object.entries(before).filter(([o]) => output === undefined || output === o)
  const elsewhere = meant.filter(([o, offset]) => after[o] !== offset)
  return Object.fromEntries(elsewhere.length > 0 ? elsewhere : meant)
}

const offsetInPacked = (target: Target): number | string =>
  target.kind === 'offset' && target.bytes === 0 ? 0 : 'it is compressed by now: only --to 0 is possible'

function offsetOf(row: Row, { fd, st, path }: Found, target: Target, notes: string[]): number | string {
  if (target.kind === 'end') return lineStart(fd, st.size, LONGEST_LINE).offset
  if (target.kind === 'since') return arrivedSince(row, target.ms, notes)
  const wanted = target.kind === 'last' ? Math.max(0, st.size - target.bytes) : target.bytes
  if (wanted > st.size) {
    const { offset } = lineStart(fd, st.size, LONGEST_LINE)
    return refuse(`${wanted} is beyond the end of ${path}, which has ${st.size} bytes; --to end is ${offset}`)
  }
  const line = nextLine(fd, wanted, st.size)
  if (line === undefined) {
    const { offset } = lineStart(fd, st.size, LONGEST_LINE)
    return refuse(`no line of ${path} begins at ${wanted} or behind it; the last one begins at ${offset}`)
  }
  if (line !== wanted) notes.push(`${wanted} is in the midst of a line; the next one begins at ${line}`)
  return line
}

/** One mark a UTC day is kept; from the last one before the moment on nothing that arrived later is left out. */
function arrivedSince(row: Row, ms: number, notes: string[]): number | string {
  const iso = (at: number): string => new Date(at).toISOString()
  const marks = row.arrivals ?? []
  const [first] = marks
  if (first === undefined) return 'when its bytes arrived is not known; name an offset'
  if ((row.last ?? 0) < ms) return `nothing of it arrived since ${iso(ms)}`
  if (ms < first[1] && first[0] > 0) notes.push(`what arrived before ${iso(first[1])} is not known any more`)
  const mark = marks.findLast(m => m[1] <= ms) ?? first
  notes.push(`from what arrived at ${iso(mark[1])}, the nearest mark`)
  return mark[0]
}

/** The row at its new positions, with what an input needs to recognise its file there. */
function placed(row: Row, { fd, st }: Found, pos: Record<string, number>, now: number): Row {
  const min = Math.min(...Object.values(pos))
  const max = Math.max(...Object.values(pos))
  const next: Row = { ...row, pos, high: Math.max(row.high, max), moved: true }
  // Its bytes lie in a copy that was read to the end, or were out of sight: both are looked for again.
  if (row.place === 'done') next.place = 'copy'
  if (row.place === 'missing') next.place = 'rotated'
  const skipped = min - least(row)
  if (row.ledger !== undefined && skipped > 0) {
    const [start, leftOut, lost, seen] = row.ledger
    next.ledger = [start, leftOut + skipped, lost, seen]
  }
  if (max > row.high && min < max) {
    // What an output skips another may read now for the first time.
    next.arrivals = [...(row.arrivals ?? []), [Math.max(row.high, min), now]]
    next.last = now
  }
  if (row.packing !== undefined) {
    delete next.tail
    return next
  }
  const head = headOf(bytesAt(fd, 0, Math.min(HEAD_BYTES, st.size)))
  next.head = [head.n, head.sum]
  const check = checkpointIn(fd, min)
  if (check === undefined) delete next.tail
  else next.tail = [check.at, check.n, check.sum]
  return next
}
