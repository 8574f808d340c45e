// `unit`: starts a unit of systemd for a change of a check, as `OnFailure=` does.
import { defineNotify } from '../../core/component.ts'
import type { CheckState } from '../../core/component.ts'
import { YarderError } from '../../core/errors.ts'
import { choice, duration, oneOrMore, string } from '../../core/field.ts'
import { actOnUnit } from '../systemd.ts'

const STATES = ['ok', 'warning', 'critical', 'unknown'] as const satisfies readonly CheckState[]

export const unit = defineNotify({
  name: 'unit',
  summary: 'Starts a unit of systemd.',
  description:
    'As `OnFailure=` of a unit does: `systemctl start --no-block`, so that nobody waits for what the unit does. A template such as `alert@.service` is started for the check, whose name it gets as `%i` (escaped) and `%I`; several changes that come as one start its instance `group`. What is known of the check says `yarder check history NAME`. An agent that is not root may start units only when polkit lets it, with a rule such as `/usr/share/yarder/drop-ins/units.rules`.',
  fields: {
    unit: string('The unit, or a template with nothing between `@` and the dot.', {
      example: 'alert@.service',
      pattern: /^[A-Za-z0-9:_.\\][A-Za-z0-9:_.\\-]*(?:@[A-Za-z0-9:_.\\-]*)?\.[a-z]+$/,
      must: 'the name of a unit such as "alert.service" or "alert@.service"'
    }),
    on: oneOrMore(choice(STATES, 'A state.'), 'The states that start it; other changes do nothing here.', {
      default: ['critical'],
      example: ['warning', 'critical']
    }),
    timeout: duration('To ask systemd for it takes no longer.', { default: '10s', min: '100ms', max: '5m' }),
    systemctl: string('The program that asks systemd.', { default: 'systemctl' })
  },
  examples: [
    { title: 'Whoever tells people is a unit already', yaml: 'type: unit\nunit: alert@.service\non: [critical, ok]' }
  ],
  build(o) {
    return async (notification, signal) => {
      if (!o.on.includes(notification.state)) return
      const instance = notification.type === 'group' ? 'group' : escapeInstance(notification.check)
      const name = o.unit.replace(/@\./, `@${instance}.`)
      const what = `starting ${name}`
      const limit = AbortSignal.timeout(o.timeout)
      const fault = await actOnUnit(o.systemctl, ['start', '--no-block'], name, AbortSignal.any([limit, signal])).catch(
        (cause: unknown) => {
          throw new YarderError('CONFIG', what, { cause })
        }
      )
      if (fault === undefined) return
      if (limit.aborted) throw new YarderError('TIMEOUT', `${what}: timed out after ${o.timeout / 1000} s`)
      throw new YarderError('CONFIG', `${what}: ${fault}`)
    }
  }
})

/** As systemd.unit(5) escapes a text, "String escaping for inclusion in unit names". */
function escapeInstance(text: string): string {
  const bytes = [...Buffer.from(text)]
  return bytes
    .map((byte, i) => {
      const c = String.fromCharCode(byte)
      if (c === '/') return '-'
      if (/[A-Za-z0-9:_]/.test(c) || (c === '.' && i > 0)) return c
      return `\\x${byte.toString(16).padStart(2, '0')}`
    })
    .join('')
}
