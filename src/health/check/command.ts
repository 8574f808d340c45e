// `command` check: runs a program as Nagios runs its plugins.
import { resolve } from 'node:path'
import { defineCheck } from '../../core/component.ts'
import type { CheckResult, CheckState } from '../../core/component.ts'
import { describe } from '../../core/errors.ts'
import { list, map, optional, string, text } from '../../core/field.ts'
import type { Field } from '../../core/field.ts'
import { runProgram } from '../program.ts'
import type { Ended } from '../program.ts'

const STATES: readonly CheckState[] = ['ok', 'warning', 'critical', 'unknown']
/** Of what the program printed goes into the message. */
const MAX_MESSAGE = 500
const MAX_VALUES = 50
const MAX_LABEL = 100

const items = list(
  text('The program, or one argument.'),
  'The program and its arguments, an item each. No shell reads it.',
  {
    min: 1,
    example: ['/usr/lib/nagios/plugins/check_load', '-w', '5,4,3', '-c', '10,8,6']
  }
)
const argv: Field<string[]> = {
  ...items,
  read: (value, report) =>
    typeof value === 'string'
      ? void report(
          '',
          `must be a list, the program and each argument an item, got ${JSON.stringify(value)}; no shell reads it`
        )
      : items.read(value, report)
}

export const command = defineCheck({
  name: 'command',
  summary: 'Runs a program; its exit status is the state, as with Nagios plugins.',
  description:
    'Exit status 0 is ok, 1 warning, 2 critical, 3 and everything else unknown. The first line that it prints is the message, up to a `|`; after that stands performance data, whose first 50 numbers become `yarder_check_value`, in seconds and bytes. At the time limit the program is killed with all that it started. It gets `PATH`, `HOME`, `USER`, `LOGNAME`, `LANG`, `LC_ALL` and `TZ` of the environment, and what `env` says.',
  fields: {
    command: argv,
    env: map(text('Value of the variable.'), 'Added to its environment.', { default: {}, example: { LC_ALL: 'C' } }),
    cwd: optional(string('Folder that it runs in.', { example: '/srv/app' }))
  },
  examples: [
    {
      title: 'A Nagios plugin',
      yaml: 'type: command\ncommand: [/usr/lib/nagios/plugins/check_load, -w, "5,4,3", -c, "10,8,6"]'
    }
  ],
  *lint(o) {
    if (o.command[0] === '') yield ['command[0]', 'must be a program']
    const bad = o.command.findIndex(item => item.includes('\0'))
    if (bad !== -1) yield [`command[${bad}]`, 'must not hold a NUL']
  },
  build(o, context) {
    const cwd = o.cwd === undefined ? undefined : resolve(context.configDir, o.cwd)
    return async signal => {
      try {
        return judge(await runProgram(o.command, signal, { cwd, env: o.env }))
      } catch (error) {
        return { state: 'unknown', reason: 'start', message: `starting ${o.command[0]}: ${describe(error)}` }
      }
    }
  }
})

function judge({ code, signal, stdout, stderr }: Ended): CheckResult {
  const state = STATES[code ?? 3] ?? 'unknown'
  const how = code === undefined ? `ended by ${signal}` : `exit status ${code}`
  const [said = '', data = ''] = (firstLine(stdout) || firstLine(stderr)).split('|', 2)
  const text = said.trim().slice(0, MAX_MESSAGE)
  const message = text === '' ? how : code !== undefined && code <= 3 ? text : `${how}: ${text}`
  const items = perfdata(data)
  const values = valuesOf(items)
  return {
    state,
    reason: state === 'ok' ? 'ok' : 'exit',
    message,
    ...(Object.keys(values).length === 0 ? {} : { values, perfdata: items.map(item => item.text) })
  }
}

const firstLine = (output: string): string => output.split('\n').find(line => line.trim() !== '') ?? ''

/** Factors to the base unit of what the guidelines allow; plugins count their KB by 1024. A `c` is a counter's. */
const FACTORS: Record<string, number> = {
  '': 1,
  c: 1,
  '%': 1,
  s: 1,
  ms: 1e-3,
  us: 1e-6,
  b: 1,
  kb: 1024,
  mb: 1024 ** 2,
  gb: 1024 ** 3,
  tb: 1024 ** 4
}

interface Item {
  readonly label: string
  /** In its base unit. */
  readonly value: number
  /** As it was printed. */
  readonly text: string
}

/** `'a label'=1.5s;warn;crit;min;max b=3`: the Monitoring Plugins' development guidelines, "Performance data". */
function perfdata(data: string): Item[] {
  const found = data.matchAll(/(?:'((?:[^']|'')+)'|([^\s=']+))=(-?[\d.]+)([^\s;]*)(?:;\S*)?/g)
  return [...found.take(MAX_VALUES)].flatMap(([text, quoted, bare, number, unit]) => {
    const value = Number(number) * (FACTORS[unit!.toLowerCase()] ?? 1)
    const label = (quoted?.replaceAll("''", "'") ?? bare!).slice(0, MAX_LABEL)
    return Number.isFinite(value) ? [{ label, value, text }] : []
  })
}

function valuesOf(items: readonly Item[]): Record<string, number> {
  const values: Record<string, number> = Object.create(null)
  for (const { label, value } of items) values[label] = value
  return values
}
