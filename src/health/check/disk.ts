// `disk` check: how full a file system is, in space and inodes, as df counts it; whether it can be written; when it is full.
import { realpath, statfs } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { defineCheck } from '../../core/component.ts'
import type { CheckResult } from '../../core/component.ts'
import { errnoOf } from '../../core/errors.ts'
import { boolean, duration, optional, string } from '../../core/field.ts'
import { hostMounts, mountOf } from '../../core/mounts.ts'
import { FileSystems } from '../file-systems.ts'
import { judge, lintRanges, range, SCALES, worst } from '../range.ts'
import type { Part } from '../range.ts'
import { notSeen } from '../sandbox.ts'
import { sharedOf } from '../shared.ts'
import { createTrend } from '../trend.ts'
import type { Trend } from '../trend.ts'

export const disk = defineCheck({
  name: 'disk',
  summary:
    'Looks how full a file system is, in space and in inodes, whether it can be written, and when it will be full.',
  description:
    'Counted as df does: what only root may still fill is neither used nor free. File systems without a fixed number of inodes are judged by space alone. `full_within_*` draw a line through the use of the last `trend_over`; until a quarter of that was seen since the start, they say nothing.',
  fields: {
    path: string('Any path in the file system.', { example: '/' }),
    warning: range('Used space that is still no warning; a range such as `85%`.', SCALES.percent, { default: '85%' }),
    critical: range('Used space that is still not critical.', SCALES.percent, { default: '95%' }),
    inodes_warning: range('Used inodes that are still no warning.', SCALES.percent, { default: '85%' }),
    inodes_critical: range('Used inodes that are still not critical.', SCALES.percent, { default: '95%' }),
    read_only: boolean('Whether it may be mounted read-only, as the kernel does after an error of the disk.', {
      default: false
    }),
    full_within_warning: optional(duration('It is a warning when it will be full so soon.', { example: '24h' })),
    full_within_critical: optional(duration('It is critical when it will be full so soon.', { example: '4h' })),
    trend_over: duration('How far back the trend looks.', { default: '1h', min: '1m', max: '7d' })
  },
  examples: [
    { title: 'The root file system', yaml: 'type: disk\npath: /\nwarning: 85%\ncritical: 95%' },
    {
      title: 'Told before it is full',
      yaml: 'type: disk\npath: /var/log\nfull_within_warning: 24h\nfull_within_critical: 4h'
    }
  ],
  *lint(o) {
    yield* lintRanges(o.warning, o.critical)
    yield* lintRanges(o.inodes_warning, o.inodes_critical, ['inodes_warning', 'inodes_critical'])
    if ((o.full_within_warning ?? Infinity) < (o.full_within_critical ?? 0))
      yield ['full_within_warning', 'must not be below full_within_critical']
  },
  build(o, context) {
    const path = resolve(context.configDir, o.path)
    const limits = { warning: o.full_within_warning, critical: o.full_within_critical }
    const systems = sharedOf(context, FileSystems)
    const writable = createWritable(path, context.clock, systems)
    const trend = (limits.warning ?? limits.critical) ? createTrend(o.trend_over) : undefined
    return async signal => {
      try {
        const { bsize, blocks, bfree, bavail, files, ffree } = await systems.ask(path, signal, () => statfs(path))
        const used = blocks - bfree
        const space = share(used, used + bavail)
        const inodes = share(files - ffree, files)
        const fullIn = trend === undefined ? undefined : fullInMs(trend, context.clock.elapsed(), used, bavail)
        const values = {
          used_bytes: used * bsize,
          available_bytes: bavail * bsize,
          used_percent: space,
          inodes_used_percent: inodes,
          ...(fullIn === undefined || fullIn === Infinity ? {} : { full_in_seconds: fullIn / 1000 })
        }
        const parts: [Part, ...Part[]] = [
          judge(space, { warning: o.warning, critical: o.critical }, 'space', `${path} is ${space.toFixed(1)} % full`),
          judge(
            inodes,
            { warning: o.inodes_warning, critical: o.inodes_critical },
            'inodes',
            `${path} has ${inodes.toFixed(1)} % of its inodes in use`
          )
        ]
        if (!o.read_only) parts.push(await writable(signal))
        if (fullIn !== undefined) parts.push(soon(path, fullIn, limits))
        return { ...worst(parts), values }
      } catch (error) {
        return notThere(error)
      }
    }
  }
})

const share = (part: number, whole: number): number => (whole > 0 ? (100 * part) / whole : 0)

function notThere(error: unknown): CheckResult {
  const missing = errnoOf(error) === 'ENOENT'
  return {
    state: missing ? 'critical' : 'unknown',
    reason: missing ? 'missing' : 'permission',
    message: notSeen(error)
  }
}

/** Milliseconds until the blocks that are left are used; Infinity when it does not grow, undefined when nobody knows yet. */
function fullInMs(trend: Trend, now: number, used: number, left: number): number | undefined {
  trend.add(now, used)
  const slope = trend.slope()
  return slope === undefined ? undefined : slope > 0 ? (left / slope) * 1000 : Infinity
}

function soon(
  path: string,
  fullIn: number,
  limits: { readonly warning: number | undefined; readonly critical: number | undefined }
): Part {
  const state = fullIn <= (limits.critical ?? -1) ? 'critical' : fullIn <= (limits.warning ?? -1) ? 'warning' : 'ok'
  const message = `${path} will be full in ${(fullIn / 3_600_000).toFixed(1)} hours at this rate`
  return state === 'ok' ? { state, reason: 'ok', message } : { state, reason: 'space', message }
}

/** Where a path leads is asked anew after so long: it costs as much as all else. */
const KNOWN_FOR_MS = 60_000

/** Tells whether the file system of a path can be written. */
function createWritable(path: string, clock: Clock, systems: FileSystems): (signal: AbortSignal) => Promise<Part> {
  let known: { readonly at: number; readonly real: string } | undefined
  return async signal => {
    const now = clock.elapsed()
    if (known === undefined || now - known.at >= KNOWN_FOR_MS)
      known = { at: now, real: await systems.ask(path, signal, () => realpath(path)) }
    return mountOf(hostMounts('/proc'), known.real)?.readOnly === true
      ? { state: 'critical', reason: 'read_only', message: `${path} is mounted read-only` }
      : { state: 'ok', reason: 'ok', message: `${path} can be written` }
  }
}
