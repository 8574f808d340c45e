// What the agent says about itself when asked: the shape of `yarder status`, `/health` and the control socket.

import type { FileStatus } from '../core/component.ts'

import type { CheckStatus } from '../health/checks.ts'

export type { CheckStatus } from '../health/checks.ts'
export type State = 'uninitialized' | 'yellow' | 'green' | 'red'

/** An output as its delivery describes it. */
export interface OutputStatus {
  name: string
  type: string
  state: State
  message: string
  /** Since when it is in this state, ISO time. */
  since: string
  target: string | undefined
  lastError: string | undefined
  lastSuccess: string | undefined
  /** Records taken over and not yet acknowledged, and the age of the oldest in milliseconds. */
  unacknowledged: number
  oldestAgeMs: number
  /** It has as much as it should, and what is done about that. */
  full: boolean
  whenFull: string
  /** Records left out by `when_full` since the start. */
  dropped: number
  /** Refused records that are kept, and those whose letters the disk does not take. */
  deadLetters: number
  unwrittenDeadLetters: number
}

export interface InputStatus {
  name: string
  type: string
  /** degraded: it runs, and something that it was told to read cannot be read. */
  state: 'running' | 'degraded' | 'finished' | 'failed'
  message: string
  files: FileStatus[]
}

export interface Status {
  state: State
  message: string
  version: string
  pid: number
  uptimeSeconds: number
  ready: boolean
  draining: boolean
  configFiles: string[]
  configError: string | undefined
  outputs: OutputStatus[]
  inputs: InputStatus[]
  checks: CheckStatus[]
}

/** What the agent is made of, each part speaking for itself. */
export type StatusParts = Pick<Status, 'outputs' | 'inputs' | 'checks'>

/** A part, as far as the whole depends on it. */
interface Part {
  readonly name: string
  readonly state: State
  readonly message: string
}

/** All of it; `stateFile` is a part too, and is told of only when it is the worst. */
export function statusOf(
  parts: StatusParts,
  stateFile: Part,
  own: Omit<Status, keyof StatusParts | 'state' | 'message'>
): Status {
  const { outputs, inputs, checks } = parts
  const all = [...outputs.map(outputPart), ...inputs.flatMap(brokenPart), stateFile, ...checks.map(asPart)]
  return { ...overall(all, own.draining), ...own, ...parts }
}

const RANK: Record<State, number> = { green: 0, uninitialized: 1, yellow: 2, red: 3 }

/** The whole is as bad as its worst part; a draining agent is red, so that nobody counts on it. */
function overall(parts: readonly Part[], draining: boolean): { state: State; message: string } {
  if (draining) return { state: 'red', message: 'draining' }
  let worst: Part | undefined
  for (const part of parts) if (worst === undefined || RANK[part.state] > RANK[worst.state]) worst = part
  if (worst === undefined || worst.state === 'green') return { state: 'green', message: 'Ready' }
  // An output that had nothing to send yet is no reason to worry anybody.
  if (worst.state === 'uninitialized') return { state: 'green', message: 'Ready, nothing sent yet' }
  return { state: worst.state, message: `${worst.name}: ${worst.message}` }
}

/** What is wrong with a red agent; undefined for any other. */
export const redMessage = ({ state, message }: Pick<Status, 'state' | 'message'>): string | undefined =>
  state === 'red' ? message : undefined

/** An output as a part of the whole; one that waits for its first record is no reason to worry anybody. */
const outputPart = ({ name, state, message, lastError, unacknowledged }: OutputStatus): Part => ({
  name,
  state: state === 'yellow' && lastError === undefined && unacknowledged === 0 ? 'uninitialized' : state,
  message
})

/** An input as a part of the whole; one that runs or is through says nothing. */
const brokenPart = ({ name, state, message }: InputStatus): Part[] => {
  if (state === 'failed') return [{ name, state: 'red', message }]
  return state === 'degraded' ? [{ name, state: 'yellow', message }] : []
}

const STATE_OF: Record<CheckStatus['state'], State> = {
  ok: 'green',
  warning: 'yellow',
  unknown: 'yellow',
  critical: 'red',
  maintenance: 'green'
}

/** A check as a part of the whole; one that has not run yet says nothing about anything. */
const asPart = ({ name, state, message, lastRun }: CheckStatus): Part => ({
  name,
  state: lastRun === undefined && state === 'unknown' ? 'uninitialized' : STATE_OF[state],
  message
})

/** The same with the secrets of the configuration taken out of all that others have said: a peer may repeat what it was sent. */
export function maskedStatus(status: Status, mask: (text: string) => string): Status {
  const maybe = (text: string | undefined): string | undefined => (text === undefined ? undefined : mask(text))
  return {
    ...status,
    message: mask(status.message),
    configError: maybe(status.configError),
    outputs: status.outputs.map(o => ({ ...o, message: mask(o.message), lastError: maybe(o.lastError) })),
    inputs: status.inputs.map(i => ({ ...i, message: mask(i.message) })),
    checks: status.checks.map(c => ({ ...c, message: mask(c.message) }))
  }
}
