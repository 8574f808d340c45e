// The agent's state in one line, for `systemctl status`.
import type { OutputStatus, Status } from '../agent/status.ts'
import { bytes, seconds } from './status-units.ts'

const number = (n: number): string => Math.round(n).toLocaleString('en-US')
const counted = (n: number, what: string): string => `${number(n)} ${what}${n === 1 ? '' : 's'}`

/** systemctl prints it in one line; what is cut stands in `yarder status`. */
const MAX_LENGTH = 300

/**
 * What an administrator wants to know first: what fails, how much is read, how far it is behind. `linesPerSecond` is
 * undefined where nothing was measured yet.
 */
export function statusLine(status: Status, linesPerSecond: number | undefined): string {
  const parts = [...(status.draining ? [draining(status)] : []), ...failing(status)]
  if (!status.draining) {
    if (parts.length === 0) parts.push(status.ready ? 'Ready' : 'Starting')
    if (linesPerSecond !== undefined) parts.push(`${number(linesPerSecond)} lines/s`)
    parts.push(lag(status))
  }
  const text = parts.filter(part => part !== '').join('; ')
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH - 1)}…`
}

const draining = (status: Status): string =>
  `Stopping, ${counted(
    status.outputs.reduce((sum, o) => sum + o.unacknowledged, 0),
    'record'
  )} not yet acknowledged`

function failing({ outputs, inputs, checks, configError }: Status): string[] {
  return [
    // One that has only begun to connect has no error yet.
    ...outputs.filter(o => o.state === 'red' || (o.state === 'yellow' && o.lastError !== undefined)).map(failingOutput),
    ...inputs.filter(i => i.state === 'failed').map(i => `input ${i.name} failed: ${i.message}`),
    ...inputs.filter(i => i.state === 'degraded').map(i => `input ${i.name} degraded: ${i.message}`),
    ...inputs.filter(i => i.state !== 'degraded').flatMap(unreadable),
    ...checks
      .filter(c => c.state === 'critical' || c.state === 'warning')
      .map(c => `${c.name} ${c.state}: ${c.message}`),
    ...(configError === undefined ? [] : [`the last reload was refused: ${configError}`])
  ]
}

function failingOutput({ name, state, message, lastError, unacknowledged, oldestAgeMs }: OutputStatus): string {
  const why = lastError === undefined || message.includes(lastError) ? '' : `: ${lastError}`
  const waiting =
    unacknowledged === 0 ? '' : ` (${counted(unacknowledged, 'record')} waiting for ${seconds(oldestAgeMs)})`
  return `${name} ${state}: ${message}${why}${waiting}`
}

function unreadable({ name, files }: Status['inputs'][number]): string[] {
  const bad = files.filter(file => file.reason !== undefined && file.state === 'unreadable')
  return bad.length === 0
    ? []
    : [`input ${name} cannot read ${counted(bad.length, 'file')}, first ${bad[0]!.path}: ${bad[0]!.reason}`]
}

function lag({ inputs }: Status): string {
  const all = inputs.flatMap(input => input.files)
  const files = all.filter(({ size, state }) => size > 0 || (state !== 'unreadable' && state !== 'missing'))
  const behind = files.filter(file => file.size > file.acked)
  if (files.length === 0 && all.length > 0) return 'nothing can be read'
  if (files.length === 0) return inputs.length === 0 ? 'no input is configured' : 'no files yet'
  if (behind.length === 0) return `${counted(files.length, 'file')}, all acknowledged`
  const missing = behind.reduce((sum, file) => sum + file.size - file.acked, 0)
  return `${bytes(missing)} behind in ${number(behind.length)} of ${counted(files.length, 'file')}`
}
