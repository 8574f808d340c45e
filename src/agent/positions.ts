// `yarder positions set` and `reset`: in the running agent, whose input stands still meanwhile, or in the state of one that is stopped.
import { realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { YarderError } from '../core/errors.ts'
import { didYouMean } from '../core/field.ts'
import { lock } from '../core/lock.ts'
import type { Log } from '../core/log.ts'
import { StateFile } from '../core/state-file.ts'
import { readState } from '../core/state-read.ts'
import type { State } from '../core/state.ts'
import { compileGlob } from '../input/file/glob.ts'
import { applyEdit, inputsIn, namesNow, planEdit, positionsOf } from '../input/file/positions.ts'
import type { Change, Edit, EditPlan, Position, Target } from '../input/file/positions.ts'
import type { Status } from './status.ts'

/** What the command asks for; see Edit. */
export interface PositionsRequest extends Edit {
  /** Only says what would be done. */
  readonly dryRun: boolean
}

export interface PositionsAnswer {
  readonly changes: readonly Omit<Change, 'row'>[]
  readonly left: readonly string[]
  readonly forgetsInput: boolean
}

/** What the control socket is asked. Without an `edit` it lists. */
export interface PositionsQuestion {
  /** The agent that is meant; undefined: whichever answers. */
  readonly dataDir: string | undefined
  readonly edit: PositionsRequest | undefined
}

export type PositionsReply =
  | {
      readonly positions: readonly ListedPosition[]
      /** Inputs whose positions are no offsets in files. */
      readonly unlisted?: readonly string[]
    }
  | PositionsAnswer
  /** It can't be right. */
  | { readonly refused: string }
  /** Another agent than the one that is meant. */
  | { readonly elsewhere: string }

/** A stream as `yarder positions ls` shows it. `read` is how far it was handed out; bytes. */
export interface ListedPosition extends Position {
  /** Bytes that are there and that some output has not acknowledged. */
  readonly lag: number
  readonly reason?: string | undefined
}

/** What the agent lends for it. */
export interface Pausable {
  readonly dataDir: string
  readonly state: State
  readonly log: Log
  status(): Status
  /** Stops the input, lets what it read arrive, calls `edit`, commits, and starts it again. Rejects when it can't. */
  pause<T>(input: string, edit: () => T): Promise<T>
}

/** Answers the control socket. `body` is a PositionsQuestion. */
export async function answerPositions(body: unknown, agent: Pausable): Promise<PositionsReply> {
  const { dataDir, edit } = body as PositionsQuestion
  if (dataDir !== undefined && real(dataDir) !== real(agent.dataDir)) return { elsewhere: agent.dataDir }
  if (edit === undefined) return { positions: listRunning(agent), unlisted: inputsOf(agent, 'journald') }
  try {
    return await editRunning(edit, agent)
  } catch (error) {
    if (error instanceof YarderError && error.code === 'USAGE') return { refused: error.message }
    throw error
  }
}

const inputsOf = (agent: Pausable, type: string): string[] =>
  agent.status().inputs.flatMap(input => (input.type === type ? [input.name] : []))

async function editRunning(request: PositionsRequest, agent: Pausable): Promise<PositionsAnswer> {
  const names = inputsOf(agent, 'file')
  refuseStranger(request.input, names, 'a file input of the running agent')
  // What is not yet written of the positions is written first; then all that can be refused is, with nothing stopped.
  agent.state.commit()
  const plan = planIn(agent.state, request)
  if (request.dryRun) return answerOf(plan)
  refuseWhenHeldUp(request.input, agent.status())
  return agent.pause(request.input, () => {
    const now = planIn(agent.state, request, plan.chosen)
    applyEdit(agent.state, request.input, now)
    logChanges(agent.log, request.input, now)
    return answerOf(now)
  })
}

/** So many streams are told one by one. */
const MOST_TOLD = 20

function logChanges(log: Log, input: string, { changes }: EditPlan): void {
  for (const { id, newId, path, from, to } of changes.slice(0, MOST_TOLD))
    log.warn(
      { input, path, from, ...(to === undefined ? { forgotten: true } : { to }), id, newId },
      'Positions were changed by hand.'
    )
  const more = changes.length - MOST_TOLD
  if (more > 0) log.warn({ input, streams: more }, 'Positions of more files were changed by hand.')
}

function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

/** What a file input tells of its files besides what every input does. */
type Told = Status['inputs'][number]['files'][number] &
  Partial<Pick<Position, 'id'>> & { ackedBy?: Record<string, number> }

function listRunning(agent: Pausable): ListedPosition[] {
  // The names that the input knows are those of its last look, and rotation may have moved the files since.
  agent.state.commit()
  return agent.status().inputs.flatMap(({ name, files }) => {
    const names = namesNow(agent.state, name)
    return files.flatMap((file: Told) => {
      const { id, path, at: told, size, read, acked, ackedBy = {}, state, reason } = file
      if (id === undefined || id === '') return []
      const at = names.get(id) ?? told ?? path
      const lag = Math.max(0, size - acked)
      return [{ input: name, id, path, ...(at !== path && { at }), size, read, acked: ackedBy, state, lag, reason }]
    })
  })
}

/** The streams in the state of an agent that doesn't run. */
export const listStopped = (state: State): ListedPosition[] =>
  inputsIn(state).flatMap(input =>
    positionsOf(state, input).map(p => ({ ...p, lag: Math.max(0, p.size - Math.min(...Object.values(p.acked))) }))
  )

/** The same where no agent runs. Takes the data directory for the time; throws YarderError LOCKED, STORAGE or USAGE. */
export function editStopped(request: PositionsRequest, dataDir: string, log: Log, clock: Clock): PositionsAnswer {
  const path = join(dataDir, 'state.db')
  // A command makes no state where no agent ran, and leaves one that only the agent can mend to the agent.
  const { state, damage } = readState(path)
  if (damage !== undefined)
    throw new YarderError('STORAGE', `${path} is damaged (${damage}); a start of the agent mends it`)
  refuseStranger(request.input, inputsIn(state), `an input with positions in ${dataDir}`)
  const plan = planIn(state, request)
  if (request.dryRun) return answerOf(plan)
  return withState(dataDir, log, clock, live => {
    const now = planIn(live, request, plan.chosen)
    applyEdit(live, request.input, now)
    return answerOf(now)
  })
}

/** Opens the state while no agent runs, and commits what `change` did. Throws YarderError LOCKED, STORAGE or USAGE. */
export function withState<T>(dataDir: string, log: Log, clock: Clock, change: (state: State) => T): T {
  const owner = statSync(dataDir, { throwIfNoEntry: false })?.uid
  // What root makes there its agent could not open.
  if (owner !== undefined && process.getuid?.() === 0 && owner !== 0)
    throw new YarderError(
      'USAGE',
      `${dataDir} belongs to user ${owner}; run this as that user: sudo -u '#${owner}' yarder …`
    )
  const held = lock(dataDir)
  try {
    const state = new StateFile(join(dataDir, 'state.db'), log, clock)
    try {
      const done = change(state)
      if (!state.commit()) throw new YarderError('STORAGE', `writing positions to ${dataDir}`)
      return done
    } finally {
      state.close()
    }
  } finally {
    held.release()
  }
}

/** `ids`: the streams that an earlier plan found to be meant; a rotation since must not bring others in. */
function planIn(state: State, request: PositionsRequest, ids?: ReadonlySet<string>): EditPlan {
  const { input, output } = request
  if (output !== undefined) {
    const known = new Set(positionsOf(state, input).flatMap(p => Object.keys(p.acked)))
    refuseStranger(output, [...known], `an output that ${input} has positions for`)
  }
  return planEdit(state, [], request, Date.now(), ids)
}

function refuseStranger(name: string, known: readonly string[], what: string): void {
  if (known.includes(name)) return
  const hint =
    didYouMean(name, [...known]) || (known.length === 0 ? '; there is none' : `; it can be ${known.join(', ')}`)
  throw new YarderError('USAGE', `"${name}" is not ${what}${hint}`)
}

/** Stopping the input would cost something here. */
function refuseWhenHeldUp(name: string, { inputs }: Status): void {
  const files = inputs.find(i => i.name === name)?.files ?? []
  const deleted = files.find(f => f.state === 'deleted' && f.read < f.size)
  if (deleted === undefined) return
  const what = `${deleted.path} was deleted and is still being read; stopping would lose its rest`
  throw new YarderError('TIMEOUT', `${what}; try again when it is read`)
}

const answerOf = ({ changes, left, forgetsInput }: EditPlan): PositionsAnswer => ({
  changes: changes.map(({ id, newId, path, from, to, notes }) => ({ id, newId, path, from, to, notes })),
  left,
  forgetsInput
})

/** A target as people write it: `0`, an offset or size, `end`, `-10MB`; undefined when it is none. */
export function parseTarget(text: string, parseSize: (text: string) => number | undefined): Target | undefined {
  if (text === 'end') return { kind: 'end' }
  const bytes = parseSize(text.replace(/^-/, ''))
  if (bytes === undefined) return undefined
  return { kind: text.startsWith('-') ? 'last' : 'offset', bytes }
}

/** Tells which paths a pattern means; it is absolute. */
export const pathMatcher = (pattern: string): ((path: string) => boolean) => compileGlob(pattern, '/').matches
