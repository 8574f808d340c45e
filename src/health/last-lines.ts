// The last lines of a log, shown with the record of a failure: why it failed mostly stands there.
import { describe } from '../core/errors.ts'
import { integer, object, optional, string } from '../core/field.ts'
import type { Values } from '../core/field.ts'
import { tail } from './tail.ts'
import { runProgram } from './program.ts'

/** At most so much of the end of a log is looked at. */
const MAX_BYTES = 64 * 1024
const MAX_LINE = 1000

const fields = {
  file: optional(string('The log.', { example: '/var/log/nginx/error.log', pattern: /^\//, must: 'an absolute path' })),
  unit: optional(
    string('The unit whose lines are asked of the journal.', {
      example: 'nginx.service',
      pattern: /^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*$/,
      must: 'the name of a unit such as "nginx.service"'
    })
  ),
  lines: integer('So many lines.', { default: 10, min: 1, max: 100 })
}
export type LogOptions = Values<typeof fields>

export const showLogField = optional(
  object(
    fields,
    'Its last lines go into the record of a failure (`check.log`), as they stand there: no pipeline takes secrets out of them.',
    { example: { file: '/var/log/nginx/error.log' } }
  )
)

/** What is wrong with a combination of its options. */
export function* lintShowLog(o: LogOptions | undefined): Iterable<readonly [option: string, message: string]> {
  if (o === undefined) return
  if ((o.file === undefined) === (o.unit === undefined)) yield ['show_log', 'takes either file or unit']
}

/** The oldest first; one line that says why, when they cannot be read. Never rejects. */
export async function lastLines({ file, unit, lines }: LogOptions, signal: AbortSignal): Promise<readonly string[]> {
  try {
    const text = file === undefined ? await journal(unit!, lines, signal) : await tail(file, MAX_BYTES)
    const all = text.split('\n').filter(line => line !== '')
    return all.slice(-lines).map(line => line.slice(0, MAX_LINE))
  } catch (error) {
    return [`(no log: ${describe(error)})`]
  }
}

async function journal(unit: string, lines: number, signal: AbortSignal): Promise<string> {
  const argv = ['journalctl', '--quiet', '--no-pager', '--output=short-iso', `--lines=${lines}`, `--unit=${unit}`]
  const { code, stdout, stderr } = await runProgram(argv, signal, { env: { LC_ALL: 'C' }, maxBytes: MAX_BYTES })
  if (code !== 0) throw new Error(`journalctl: ${stderr.trim().split('\n')[0] || `exit status ${code}`}`)
  return stdout
}
