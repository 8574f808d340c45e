// `process` check: how many processes of a name run, read from /proc.
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { defineCheck } from '../../core/component.ts'
import { describe } from '../../core/errors.ts'
import { integer, optional, string } from '../../core/field.ts'

/** Processes looked at before the loop turns. */
const SLICE = 200
/** The kernel keeps so many bytes of a name (TASK_COMM_LEN less its NUL). */
const COMM = 15

export const processCheck = defineCheck({
  name: 'process',
  summary: 'Counts the processes with exactly this name; healthy when there are enough and not too many.',
  description:
    'The name is that of the kernel (as `ps -o comm`) or the file name of the program that was started; never a part of either, and never an argument. Neither the agent itself nor a dead process that nobody has waited for counts.',
  fields: {
    process: string('Name of the program, without a path.', {
      example: 'nginx',
      pattern: /^[^/]+$/,
      must: 'a name without a path'
    }),
    min: integer('Fewer are critical.', { default: 1, min: 0 }),
    max: optional(integer('More are critical.', { min: 0 })),
    proc: string('Where the kernel shows its processes.', { default: '/proc' })
  },
  examples: [{ title: 'nginx runs', yaml: 'type: process\nprocess: nginx' }],
  *lint(o) {
    if (o.max !== undefined && o.max < o.min) yield ['max', 'must not be below min']
  },
  build: o => async signal => {
    try {
      const count = await countNamed(o.proc, o.process, signal)
      const good = count >= o.min && count <= (o.max ?? Infinity)
      const wanted = o.max === undefined ? `at least ${o.min}` : `${o.min} to ${o.max}`
      return {
        state: good ? 'ok' : 'critical',
        reason: good ? 'ok' : count === 0 ? 'missing' : 'count',
        message: `${count} process${count === 1 ? '' : 'es'} called ${o.process}${good ? '' : `, expected ${wanted}`}`,
        values: { count }
      }
    } catch (error) {
      return { state: 'unknown', reason: 'error', message: describe(error) }
    }
  }
})

async function countNamed(proc: string, name: string, signal: AbortSignal): Promise<number> {
  const pids = readdirSync(proc).filter(entry => /^\d+$/.test(entry) && entry !== String(process.pid))
  let count = 0
  for (let i = 0; i < pids.length; i++) {
    if (i % SLICE === SLICE - 1) await turn()
    signal.throwIfAborted()
    if (isNamed(join(proc, pids[i]!), name)) count++
  }
  return count
}

function isNamed(folder: string, name: string): boolean {
  try {
    // `pid (comm) state …`; a comm may hold blanks and brackets itself.
    const stat = readFileSync(join(folder, 'stat'), 'latin1')
    const end = stat.lastIndexOf(')')
    if (/^[ZX]/.test(stat.slice(end + 2))) return false
    const comm = Buffer.from(stat.slice(stat.indexOf('(') + 1, end), 'latin1').toString()
    if (comm === name && Buffer.byteLength(name) < COMM) return true
    const started = readFileSync(join(folder, 'cmdline'), 'utf8').split('\0', 1)[0]!
    return basename(started) === name || (comm === name && started === '')
  } catch {
    // It has ended meanwhile.
    return false
  }
}
