// What systemd says of a unit, and what it does with one, asked of systemctl.
import { YarderError } from '../core/errors.ts'
import { runProgram } from './program.ts'
import { DROP_INS } from './sandbox.ts'

/** A property by its name; '' when systemd does not know it. */
export type Properties = (name: string) => string

const NAMES = [
  'LoadState',
  'ActiveState',
  'SubState',
  'Result',
  'NRestarts',
  'UnitFileState',
  'Unit',
  'LastTriggerUSec',
  'NextElapseUSecRealtime'
]

/** Rejects with YarderError when systemd cannot be asked. */
export async function askSystemd(systemctl: string, unit: string, signal: AbortSignal): Promise<Properties> {
  const argv = [systemctl, 'show', `--property=${NAMES.join(',')}`, '--', unit]
  // Times are printed in the zone of the one who asks.
  const ended = await runProgram(argv, signal, { env: { LC_ALL: 'C', TZ: 'UTC' } }).catch((cause: unknown) => {
    throw new YarderError('RUNTIME', `starting ${systemctl}`, { cause })
  })
  const { code, stdout, stderr } = ended
  if (code !== 0 || !stdout.includes('ActiveState=')) {
    const why = stderr.trim().split('\n')[0]
    throw new YarderError('RUNTIME', `systemctl: ${why || `exit status ${code}`}`)
  }
  const found = new Map(stdout.split('\n').map(line => [line.split('=', 1)[0]!, line.slice(line.indexOf('=') + 1)]))
  return name => found.get(name) ?? ''
}

/** How systemd and polkit say no, or that they would have to ask somebody. */
const DENIED = /authentication required|access denied|not authorized|permission denied/i

/** Starts or restarts a unit; resolves with what systemd has against it, undefined when it is done. Rejects without systemctl. */
export async function actOnUnit(
  systemctl: string,
  verb: readonly ['restart'] | readonly ['start', '--no-block'],
  unit: string,
  signal: AbortSignal
): Promise<string | undefined> {
  const argv = [systemctl, ...verb, '--no-ask-password', '--', unit]
  const { code, signal: by, stderr } = await runProgram(argv, signal, { env: { LC_ALL: 'C' } })
  if (code === 0) return undefined
  // What follows says only where else to look.
  const said =
    stderr.trim().split('\n')[0]!.slice(0, 200) || (code === undefined ? `ended by ${by}` : `exit status ${code}`)
  return DENIED.test(said)
    ? `${said.replace(/\.$/, '')}; a rule of polkit as ${DROP_INS}/units.rules lets the service`
    : said
}

/** Milliseconds since the epoch of `Sun 2026-11-22 12:00:00 UTC`; undefined for `n/a` and the like. */
export function systemdTime(text: string): number | undefined {
  const match = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? UTC$/.exec(text)
  const at = match === null ? NaN : Date.parse(`${match[1]}T${match[2]}Z`)
  return Number.isNaN(at) ? undefined : at
}
