// `memory` check: how much of the host's memory is in use, and of its swap.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineCheck } from '../../core/component.ts'
import { describe } from '../../core/errors.ts'
import { optional, string } from '../../core/field.ts'
import { judge, lintRanges, range, SCALES, worst } from '../range.ts'
import type { Part } from '../range.ts'

export const memory = defineCheck({
  name: 'memory',
  summary: 'Looks how much memory is in use.',
  description:
    'In use is what programs could not be given: all but what the kernel calls `MemAvailable`. Its caches count as free, since it gives them up.',
  fields: {
    warning: range('Used memory that is still no warning; a range such as `90%`.', SCALES.percent, { default: '90%' }),
    critical: range('Used memory that is still not critical.', SCALES.percent, { default: '95%' }),
    swap_warning: optional(range('Used swap that is still no warning.', SCALES.percent, { example: '50%' })),
    swap_critical: optional(range('Used swap that is still not critical.', SCALES.percent, { example: '80%' })),
    proc: string('Where the kernel shows its numbers.', { default: '/proc' })
  },
  examples: [{ title: 'Memory and swap', yaml: 'type: memory\nwarning: 90%\ncritical: 95%\nswap_warning: 50%' }],
  *lint(o) {
    yield* lintRanges(o.warning, o.critical)
    yield* lintRanges(o.swap_warning, o.swap_critical, ['swap_warning', 'swap_critical'])
  },
  build: o => async () => {
    try {
      const info = readFileSync(join(o.proc, 'meminfo'), 'latin1')
      const bytes = (name: string): number =>
        Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(info)?.[1] ?? NaN) * 1024
      const [total, available, swapTotal, swapFree] = ['MemTotal', 'MemAvailable', 'SwapTotal', 'SwapFree'].map(bytes)
      if (!(total! > 0) || Number.isNaN(available)) throw new Error(`${o.proc}/meminfo says nothing about memory`)
      const used = (100 * (total! - available!)) / total!
      const swap = swapTotal! > 0 ? (100 * (swapTotal! - swapFree!)) / swapTotal! : 0
      const parts: [Part, ...Part[]] = [
        judge(used, o, 'limit', `${used.toFixed(1)} % of the memory is in use`),
        judge(
          swap,
          { warning: o.swap_warning, critical: o.swap_critical },
          'limit',
          `${swap.toFixed(1)} % of the swap is in use`
        )
      ]
      const values = { used_percent: used, available_bytes: available!, total_bytes: total!, swap_used_percent: swap }
      return { ...worst(parts), values }
    } catch (error) {
      return { state: 'unknown', reason: 'error', message: describe(error) }
    }
  }
})
