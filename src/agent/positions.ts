// `yarder positions set` and `reset`: in the running agent, whose input stands still meanwhile, or in the state of one that is stopped.
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { YarderError } from '../core/errors.ts'
import { didYouMean } from '../core/field.ts'
import { lock } from '../core/lock.ts'
import type { Log } from '../core/log.ts'
import { StateFile } from '../core/state-file.ts'
import type { State } from '../core/state.ts'
import { applyEdit, inputsIn, planEdit, positionsOf } from '../input/file/positions.ts'
import type { Change, Edit, EditPlan, Target } from '../input/file/positions.ts'
import type { Status } from './status.ts'

export type { Target } from '../input/file/positions.ts'

/** An output that has not acknowledged for so long would hold up the input for an unknown time. */
const SLOW_MS = 5000

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

/** What the agent lends for it. */
export interface Pausable {
  readonly state: State
  readonly log: Log
  status(): Status
  /** Stops the input, lets what it read arrive, calls `edit`, commits, and starts it again. Rejects when it can't. */
  pause<T>(input: string, edit: () => T): Promise<T>
}

/** Answers the control socket. `body` is a PositionsRequest; what can't be right is answered as `refused`. */
export async function editRunning(body: unknown, agent: Pausable): Promise<PositionsAnswer | { refused: string }> {
  const request = body as PositionsRequest
  try {
    refuseStranger(
      request.input,
      agent
        .status()
        .inputs.filter(i => i.type === 'file')
        .map(i => i.name),
      'a file input of the running agent'
    )
    // What is not yet written of the positions is written first; then all that can be refused is, with nothing stopped.
    agent.state.commit()
    const plan = planIn(agent.state, request)
    if (request.dryRun) return answerOf(plan)
    refuseWhenHeldUp(request.input, agent.status())
    return await agent.pause(request.input, () => {
      const now = planIn(agent.state, request)
      applyEdit(agent.state, request.input, now)
      agent.log.warn(
        { input: request.input, streams: now.changes.length, forgotten: request.to === undefined },
        'Positions were changed by hand.'
      )
      return answerOf(now)
    })
  } catch (error) {
    if (error instanceof YarderError && error.code === 'USAGE') return { refused: error.message }
    throw error
  }
}

/** The same where no agent runs. Takes the data directory for the time; throws YarderError LOCKED, STORAGE or USAGE. */
export function editStopped(request: PositionsRequest, dataDir: string, log: Log, clock: Clock): PositionsAnswer {
  const held = lock(dataDir)
  try {
    const state = new StateFile(join(dataDir, 'state.db'), log, clock)
    try {
      refuseStranger(request.input, inputsIn(state), `an input with positions in ${dataDir}`)
      const plan = planIn(state, request)
      if (!request.dryRun) {
        applyEdit(state, request.input, plan)
        if (!state.commit()) throw new YarderError('STORAGE', `writing positions to ${dataDir}`)
      }
      return answerOf(plan)
    } finally {
      state.close()
    }
  } finally {
    held.release()
  }
}

function planIn(state: State, request: PositionsRequest): EditPlan {
  const { input, output } = request
  if (output !== undefined) {
    const known = new Set(positionsOf(state, input).flatMap(p => Object.keys(p.acked)))
    refuseStranger(output, [...known], `an output that ${input} has positions for`)
  }
  return planEdit(state, [], request, Date.now())
}

function refuseStranger(name: string, known: readonly string[], what: string): void {
  if (known.includes(name)) return
  const hint =
    didYouMean(name, [...known]) || (known.length === 0 ? '; there is none' : `; it can be ${known.join(', ')}`)
  throw new YarderError('USAGE', `"${name}" is not ${what}${hint}`)
}

/** Stopping the input would cost something here, or take for ever. */
function refuseWhenHeldUp(name: string, { inputs, outputs }: Status): void {
  const late = outputs.find(o => o.unacknowledged > 0 && o.oldestAgeMs > SLOW_MS)
  if (late !== undefined) {
    const seconds = Math.round(late.oldestAgeMs / 1000)
    const what = `the output ${late.name} has not acknowledged what was read ${seconds} s ago`
    throw new YarderError(
      'TIMEOUT',
      `${what}, and positions can move only when it has; try again then, or stop the agent`
    )
  }
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
