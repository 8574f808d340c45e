// What every check takes besides the options of its kind.
import * as f from '../core/field.ts'
import { cronField, zoneField } from './cron.ts'
import { lintShowLog, showLogField } from './last-lines.ts'
import { lintRemedy, remedyField } from './remedy.ts'

export const DEFAULT_EVERY_MS = 10_000

export const checkCommonFields = {
  every: f.optional(
    f.duration('Time from one run to the next; 10s when there is no `schedule` either.', {
      example: '10s',
      min: '100ms',
      max: '7d'
    })
  ),
  schedule: f.optional(
    cronField('When it runs, as a cron line; with six fields the first are seconds.', { example: '*/15 * * * * *' })
  ),
  timezone: f.optional(
    zoneField("IANA zone of `schedule`; the agent's, else the host's.", { example: 'Europe/Berlin' })
  ),
  timeout: f.duration('A run that takes longer is broken off and has failed.', {
    default: '10s',
    min: '10ms',
    max: '1h'
  }),
  failures_before_warning: f.optional(
    f.integer('So many failures in a row make it a warning; as many as `failures_before_critical` when absent.', {
      example: 1,
      min: 1,
      max: 1000
    })
  ),
  failures_before_critical: f.integer('So many critical failures in a row make it critical.', {
    default: 3,
    min: 1,
    max: 1000
  }),
  success_before_passing: f.integer('So many successes in a row make it ok again.', { default: 1, min: 1, max: 1000 }),
  failures_within: f.optional(
    f.integer('Failures count among so many of the last runs, and need not be in a row.', {
      example: 10,
      min: 2,
      max: 1000
    })
  ),
  flap_changes: f.integer(
    'So many changes of its state within `flap_within` are told as flapping, and none after them until it is calm; 0 tells each.',
    { default: 6, min: 0, max: 100 }
  ),
  flap_within: f.duration('The time that changes are counted over.', { default: '30m', min: '1m', max: '7d' }),
  depends_on: f.optional(
    f.oneOrMore(
      f.string('Name of a check.'),
      'While one of these is not ok, nobody is told that this one is not either.',
      { example: ['database'] }
    )
  ),
  maintenance: f.optional(
    f.list(
      f.object(
        {
          schedule: cronField('When it begins, as a cron line.', { example: '0 2 * * 0' }),
          for: f.duration('How long it lasts.', { example: '2h', min: '1m', max: '30d' }),
          timezone: f.optional(zoneField('IANA zone of `schedule`; that of the check.', { example: 'Europe/Berlin' }))
        },
        'A window.'
      ),
      'Windows in which its state is `maintenance` and nobody is told anything; it goes on running.',
      { example: [{ schedule: '0 2 * * 0', for: '2h' }] }
    )
  ),
  show_log: showLogField,
  remedy: remedyField,
  notify: f.optional(
    f.oneOrMore(f.string('Name of an entry of `notify`.'), 'Who is told when its state changes.', {
      example: ['oncall']
    })
  ),
  owner: f.optional(f.string('Whose it is; stands in records and notifications.', { example: 'team-storefront' }))
}
export type CheckCommon = f.Values<typeof checkCommonFields>

/** What is wrong with a combination of them. */
export function* lintCheckCommon(o: CheckCommon): Iterable<readonly [option: string, message: string]> {
  if (o.every !== undefined && o.schedule !== undefined) yield ['schedule', 'goes without every; leave one out']
  if (o.timezone !== undefined && o.schedule === undefined) yield ['timezone', 'is for schedule, and there is none']
  if ((o.failures_before_warning ?? 0) > o.failures_before_critical)
    yield ['failures_before_warning', 'must not be above failures_before_critical']
  if (o.failures_within !== undefined && o.failures_within < o.failures_before_critical)
    yield ['failures_within', 'must not be below failures_before_critical']
  yield* lintShowLog(o.show_log)
  yield* lintRemedy(o.remedy)
}
