// What systemd says of a unit, asked of systemctl.
import { YarderError } from '../core/errors.ts'
import { runProgram } from './program.ts'

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

/** Milliseconds since the epoch of `Sun 2026-11-22 12:00:00 UTC`; undefined for `n/a` and the like. */
export function systemdTime(text: string): number | undefined {
  const match = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? UTC$/.exec(text)
  const at = match === null ? NaN : Date.parse(`${match[1]}T${match[2]}Z`)
  return Number.isNaN(at) ? undefined : at
}
