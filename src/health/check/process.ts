// `process` check: how many processes of a name run, and what they use.
import { defineCheck } from '../../core/component.ts'
import { describe } from '../../core/errors.ts'
import { integer, optional, string } from '../../core/field.ts'
import type { Values } from '../../core/field.ts'
import { openDescriptors, ProcessTable, residentBytes, uptimeSeconds } from '../processes.ts'
import type { Process } from '../processes.ts'
import { judge, lintRanges, range, SCALES, worst } from '../range.ts'
import { processesHidden } from '../sandbox.ts'
import { sharedOf } from '../shared.ts'
import type { Part, Range, Scale } from '../range.ts'

const limit = (what: string, scale: Scale, example: string) => optional(range(what, scale, { example }))

const fields = {
  process: string('Name of the program, without a path.', {
    example: 'nginx',
    pattern: /^[^/]+$/,
    must: 'a name without a path'
  }),
  min: integer('Fewer are critical.', { default: 1, min: 0 }),
  max: optional(integer('More are critical.', { min: 0 })),
  memory_warning: limit('Resident memory of all of them that is still no warning.', SCALES.size, '500MiB'),
  memory_critical: limit('Resident memory of all of them that is still not critical.', SCALES.size, '1GiB'),
  cpu_warning: limit(
    'Processor time of all of them that is still no warning; `100` is one processor.',
    SCALES.number,
    '80'
  ),
  cpu_critical: limit('Processor time of all of them that is still not critical.', SCALES.number, '150'),
  descriptors_warning: limit('Open files and sockets of any of them that are still no warning.', SCALES.number, '800'),
  descriptors_critical: limit(
    'Open files and sockets of any of them that are still not critical.',
    SCALES.number,
    '1000'
  ),
  age_warning: limit(
    'Age of the youngest that is no warning; `"5m:"` tells of one that started lately.',
    SCALES.duration,
    '5m:'
  ),
  age_critical: limit('Age of the youngest that is not critical.', SCALES.duration, '10s:'),
  proc: string('Where the kernel shows its processes.', { default: '/proc' })
}
type Options = Values<typeof fields>

export const processCheck = defineCheck({
  name: 'process',
  summary: 'Counts the processes with exactly this name, and looks at what they use.',
  description:
    'The name is that of the kernel (as `ps -o comm`) or the file name of the program that was started; never a part of either, and never an argument. Neither the agent itself nor a dead process that nobody has waited for counts. One that started within the last five seconds may not be among several yet, but none is called missing that runs. Processor time is that since the look before, so the first look has none. Open files of other users are seen by root alone.',
  fields,
  examples: [
    { title: 'nginx runs', yaml: 'type: process\nprocess: nginx' },
    {
      title: 'A program that leaks',
      yaml: 'type: process\nprocess: app\nmemory_warning: 1GiB\ndescriptors_warning: 800'
    }
  ],
  *lint(o) {
    if (o.max !== undefined && o.max < o.min) yield ['max', 'must not be below min']
    for (const what of ['memory', 'cpu', 'descriptors', 'age'] as const)
      yield* lintRanges(o[`${what}_warning`], o[`${what}_critical`], [`${what}_warning`, `${what}_critical`])
  },
  build(o, context) {
    const table = sharedOf(context, ProcessTable)
    let before: { readonly at: number; readonly cpu: ReadonlyMap<number, number> } | undefined

    /** Percent of one processor since the look before; of those that were there then. */
    function cpuPercent(found: readonly Process[]): number | undefined {
      const at = context.clock.elapsed()
      const cpu = new Map(found.map(p => [p.pid, p.cpuSeconds]))
      const last = before
      before = { at, cpu }
      if (last === undefined || at <= last.at) return undefined
      const used = found.reduce((sum, p) => sum + Math.max(0, p.cpuSeconds - (last.cpu.get(p.pid) ?? p.cpuSeconds)), 0)
      return (used / ((at - last.at) / 1000)) * 100
    }

    return async () => {
      try {
        const found = await table.named(o.proc, o.process, o.min)
        const parts: [Part, ...Part[]] = [judgeCount(o, found.length)]
        if (found.length === 0) return { ...worst(parts), values: { count: 0 } }
        const used = await usage(o, found, cpuPercent(found))
        return { ...worst([...parts, ...used.parts]), values: { count: found.length, ...used.values } }
      } catch (error) {
        return { state: 'unknown', reason: 'error', message: describe(error) }
      }
    }
  }
})

function judgeCount(o: Options, count: number): Part {
  const message = `${count} process${count === 1 ? '' : 'es'} called ${o.process}`
  const few = count < o.min
  const hidden = few || (o.max !== undefined && count <= o.max) ? processesHidden(o.proc) : undefined
  if (hidden !== undefined) return { state: 'unknown', reason: 'permission', message: `${message}, but ${hidden}` }
  if (!few && count <= (o.max ?? Infinity)) return { state: 'ok', reason: 'ok', message }
  const wanted = o.max === undefined ? `at least ${o.min}` : `${o.min} to ${o.max}`
  return { state: 'critical', reason: count === 0 ? 'missing' : 'count', message: `${message}, expected ${wanted}` }
}

async function usage(
  o: Options,
  found: readonly Process[],
  cpu: number | undefined
): Promise<{ parts: Part[]; values: Record<string, number> }> {
  const parts: Part[] = []
  const values: Record<string, number> = {}
  const look = (name: string, n: number, shown: string, warning?: Range, critical?: Range): void => {
    values[name] = n
    parts.push(judge(n, { warning, critical }, name === 'age_seconds' ? 'age' : 'limit', `${o.process} ${shown}`))
  }
  const memory = found.reduce((sum, p) => sum + residentBytes(o.proc, p.pid), 0)
  look(
    'memory_bytes',
    memory,
    `holds ${(memory / 1024 ** 2).toFixed(1)} MiB of memory`,
    o.memory_warning,
    o.memory_critical
  )
  if (cpu !== undefined)
    look('cpu_percent', cpu, `uses ${cpu.toFixed(1)} % of a processor`, o.cpu_warning, o.cpu_critical)
  const age = Math.max(0, uptimeSeconds(o.proc) - Math.max(...found.map(p => p.startedAt)))
  look('age_seconds', age, `started ${Math.round(age)} s ago`, o.age_warning, o.age_critical)
  if (o.descriptors_warning ?? o.descriptors_critical) {
    const open = await Promise.all(found.map(p => openDescriptors(o.proc, p.pid)))
    const seen = open.filter(n => n !== undefined)
    if (seen.length < open.length)
      parts.push({
        state: 'unknown',
        reason: 'permission',
        message: `open files of ${o.process} are not the agent’s to see`
      })
    const most = Math.max(0, ...seen)
    look('descriptors', most, `has ${most} files open`, o.descriptors_warning, o.descriptors_critical)
  }
  return { parts, values }
}
