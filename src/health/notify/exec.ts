// `exec`: runs a program for each change of a check.
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { defineNotify } from '../../core/component.ts'
import { YarderError } from '../../core/errors.ts'
import { duration, list, map, optional, string, text } from '../../core/field.ts'
import { runProgram } from '../program.ts'
import { documentOf } from './document.ts'

/** EX_TEMPFAIL of sysexits.h. */
const TRY_AGAIN = 75

export const exec = defineNotify({
  name: 'exec',
  summary: 'Runs a program.',
  description:
    'One run for each change, never two at once. The program finds the change in its environment: `YARDER_CHECK`, `YARDER_TYPE`, `YARDER_STATE`, `YARDER_PREVIOUS`, `YARDER_REASON`, `YARDER_MESSAGE`, `YARDER_SINCE`, `YARDER_HOST`, `YARDER_OWNER`, `YARDER_TEXT` (a line for people) and `YARDER_JSON` (all of it). Exit status 0 is a receipt; 75 is tried again with growing waits for an hour, as is a program that takes too long; any other is final. At its time limit the program is killed with all that it started.',
  fields: {
    command: list(
      text('The program, or one argument.'),
      'The program and its arguments, an item each. No shell reads it.',
      {
        min: 1,
        example: ['/usr/local/bin/page', '--team', 'storefront']
      }
    ),
    env: map(text('Value of the variable.'), 'Added to its environment.', { default: {}, example: { LC_ALL: 'C' } }),
    cwd: optional(string('Folder that it runs in.', { example: '/srv/app' })),
    timeout: duration('A program that takes longer is killed.', { default: '30s', min: '100ms', max: '1h' })
  },
  examples: [
    { title: 'A program of one’s own', yaml: 'type: exec\ncommand: [/usr/local/bin/page, --team, storefront]' }
  ],
  *lint(o) {
    if (o.command[0] === '') yield ['command[0]', 'must be a program']
    const bad = o.command.findIndex(item => item.includes('\0'))
    if (bad !== -1) yield [`command[${bad}]`, 'must not hold a NUL']
  },
  build(o, context) {
    const cwd = o.cwd === undefined ? undefined : resolve(context.configDir, o.cwd)
    const what = `running ${o.command[0]}`
    return async (notification, signal) => {
      const document = documentOf(notification, hostname())
      const limit = AbortSignal.timeout(o.timeout)
      const env = { ...variables(document), ...o.env }
      const {
        code,
        signal: by,
        stderr
      } = await runProgram(o.command, AbortSignal.any([limit, signal]), { cwd, env }).catch((cause: unknown) => {
        throw new YarderError('CONFIG', what, { cause })
      })
      if (code === 0) return
      if (limit.aborted) throw new YarderError('TIMEOUT', `${what}: timed out after ${o.timeout / 1000} s`)
      const why = stderr.trim().split('\n').at(-1)?.slice(0, 200)
      const how = code === undefined ? `ended by ${by}` : `exit status ${code}`
      throw new YarderError(code === TRY_AGAIN ? 'REFUSED' : 'CONFIG', `${what}: ${how}${why ? `: ${why}` : ''}`)
    }
  }
})

/** A variable cannot hold a NUL, and one that is too long keeps the program from starting. */
const MAX_VALUE = 4096

function variables(document: Readonly<Record<string, unknown>>): Record<string, string> {
  const names = ['check', 'type', 'state', 'previous', 'reason', 'message', 'since', 'host', 'owner', 'text']
  const plain = (value: unknown): string =>
    String(value ?? '')
      .replaceAll('\0', '')
      .slice(0, MAX_VALUE)
  const found = names.map(name => [`YARDER_${name.toUpperCase()}`, plain(document[name])])
  return { ...Object.fromEntries(found), YARDER_JSON: JSON.stringify(document) }
}
