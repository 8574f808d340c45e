// `load` check: how many tasks run or wait to, as the kernel averages it.
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineCheck } from '../../core/component.ts'
import { describe } from '../../core/errors.ts'
import { boolean, choice, string } from '../../core/field.ts'
import { judge, lintRanges, range, SCALES } from '../range.ts'

const OVER = ['1m', '5m', '15m'] as const

export const load = defineCheck({
  name: 'load',
  summary: 'Looks at the load of the host.',
  description: 'Linux counts tasks that wait for a disk too, so a high load need not mean busy processors.',
  fields: {
    over: choice(OVER, 'Which of the three averages.', { default: '5m' }),
    per_core: boolean('Whether the limits are for each processor, or for all together.', { default: true }),
    warning: range('Load that is still no warning; a range such as `2`.', SCALES.number, { default: '2' }),
    critical: range('Load that is still not critical.', SCALES.number, { default: '4' }),
    proc: string('Where the kernel shows its numbers.', { default: '/proc' })
  },
  examples: [{ title: 'Twice as much to do as it can', yaml: 'type: load\nover: 5m\nwarning: 2\ncritical: 4' }],
  *lint(o) {
    yield* lintRanges(o.warning, o.critical)
  },
  build: o => async () => {
    try {
      const averages = readFileSync(join(o.proc, 'loadavg'), 'latin1').split(' ').slice(0, 3).map(Number)
      const whole = averages[OVER.indexOf(o.over)] ?? NaN
      if (!Number.isFinite(whole)) throw new Error(`${o.proc}/loadavg holds no load`)
      const cores = availableParallelism()
      const n = o.per_core ? whole / cores : whole
      const message = o.per_core
        ? `the load over ${o.over} is ${n.toFixed(2)} a processor (${whole} on ${cores})`
        : `the load over ${o.over} is ${whole}`
      const [load1 = 0, load5 = 0, load15 = 0] = averages
      return { ...judge(n, o, 'limit', message), values: { load1, load5, load15, per_core: whole / cores } }
    } catch (error) {
      return { state: 'unknown', reason: 'error', message: describe(error) }
    }
  }
})
