// `systemd_unit` check: a unit is active, asked of systemctl.
import { defineCheck } from '../../core/component.ts'
import type { CheckResult } from '../../core/component.ts'
import { describe } from '../../core/errors.ts'
import { string } from '../../core/field.ts'
import { runProgram } from '../program.ts'

const PROPERTIES = 'LoadState,ActiveState,SubState,Result,NRestarts'

export const systemdUnit = defineCheck({
  name: 'systemd_unit',
  summary: 'Asks systemd for a unit; healthy when it is active.',
  description:
    'Anybody may ask systemd, so no privilege is needed. Where there is no systemd the state is unknown. A unit that systemd is starting is a warning; one that waits to be started again after a crash is critical.',
  fields: {
    unit: string('Name of the unit; `.service` may be left out.', {
      example: 'nginx.service',
      pattern: /^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*$/,
      must: 'the name of a unit such as "nginx.service"'
    }),
    systemctl: string('The program that is asked.', { default: 'systemctl' })
  },
  examples: [{ title: 'nginx runs', yaml: 'type: systemd_unit\nunit: nginx.service' }],
  build({ unit, systemctl }) {
    const name = /\.(service|socket|timer|target|mount|automount|path|slice|scope|swap|device)$/.test(unit)
      ? unit
      : `${unit}.service`
    return async signal => {
      try {
        const argv = [systemctl, 'show', `--property=${PROPERTIES}`, '--', name]
        const { code, stdout, stderr } = await runProgram(argv, signal, { env: { LC_ALL: 'C' } })
        if (code === 0 && stdout.includes('ActiveState=')) return judge(name, stdout)
        const why = stderr.trim().split('\n')[0]
        return { state: 'unknown', reason: 'error', message: `systemctl: ${why || `exit status ${code}`}` }
      } catch (error) {
        return { state: 'unknown', reason: 'start', message: `starting ${systemctl}: ${describe(error)}` }
      }
    }
  }
})

function judge(name: string, shown: string): CheckResult {
  const properties = new Map(shown.split('\n').map(line => [line.split('=', 1)[0]!, line.slice(line.indexOf('=') + 1)]))
  const of = (property: string): string => properties.get(property) ?? ''
  const [load, active, sub, result] = [of('LoadState'), of('ActiveState'), of('SubState'), of('Result')]
  const restarts = Number(of('NRestarts') || NaN)
  const values = Number.isFinite(restarts) ? { values: { restarts } } : {}
  const is = `${name} is ${active} (${sub}${result === '' || result === 'success' ? '' : `, ${result}`})`
  if (active === 'active' || active === 'reloading') return { state: 'ok', reason: 'ok', message: is, ...values }
  if (load === 'not-found') return { state: 'critical', reason: 'missing', message: `there is no unit ${name}` }
  if (active === 'activating' && sub !== 'auto-restart')
    return { state: 'warning', reason: 'restarting', message: is, ...values }
  return { state: 'critical', reason: active === 'activating' ? 'restarting' : 'inactive', message: is, ...values }
}
