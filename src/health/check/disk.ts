// `disk` check: how full a file system is, in space and inodes, as df counts it.
import { statfs } from 'node:fs/promises'
import { resolve } from 'node:path'
import { defineCheck } from '../../core/component.ts'
import type { CheckReason, CheckResult, CheckState } from '../../core/component.ts'
import { describe, errnoOf } from '../../core/errors.ts'
import { string } from '../../core/field.ts'
import { percent } from '../percent.ts'

export const disk = defineCheck({
  name: 'disk',
  summary: 'Looks how full a file system is; healthy below `warning`, in space and in inodes.',
  description:
    'Counted as df does: what only root may still fill is neither used nor free. File systems without a fixed number of inodes are judged by space alone.',
  fields: {
    path: string('Any path in the file system.', { example: '/' }),
    warning: percent('Used space from which on it is a warning.', { default: '85%' }),
    critical: percent('Used space from which on it is critical.', { default: '95%' }),
    inodes_warning: percent('Used inodes from which on it is a warning.', { default: '85%' }),
    inodes_critical: percent('Used inodes from which on it is critical.', { default: '95%' })
  },
  examples: [{ title: 'The root file system', yaml: 'type: disk\npath: /\nwarning: 85%\ncritical: 95%' }],
  *lint(o) {
    if (o.warning > o.critical) yield ['warning', 'must not be above critical']
    if (o.inodes_warning > o.inodes_critical) yield ['inodes_warning', 'must not be above inodes_critical']
  },
  build(o, context) {
    const path = resolve(context.configDir, o.path)
    return async () => {
      try {
        const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path)
        const used = blocks - bfree
        const space = share(used, used + bavail)
        const inodes = share(files - ffree, files)
        const values = {
          used_bytes: used * bsize,
          available_bytes: bavail * bsize,
          used_percent: space,
          inodes_used_percent: inodes
        }
        const parts: Part[] = [
          {
            state: level(space, o.warning, o.critical),
            reason: 'space',
            message: `${path} is ${space.toFixed(1)} % full`
          },
          {
            state: level(inodes, o.inodes_warning, o.inodes_critical),
            reason: 'inodes',
            message: `${path} has ${inodes.toFixed(1)} % of its inodes in use`
          }
        ]
        return { ...worst(parts), values }
      } catch (error) {
        const missing = errnoOf(error) === 'ENOENT'
        return {
          state: missing ? 'critical' : 'unknown',
          reason: missing ? 'missing' : 'permission',
          message: describe(error)
        }
      }
    }
  }
})

interface Part {
  readonly state: CheckState
  readonly reason: CheckReason
  readonly message: string
}

const share = (part: number, whole: number): number => (whole > 0 ? (100 * part) / whole : 0)

const level = (n: number, warning: number, critical: number): CheckState =>
  n >= critical ? 'critical' : n >= warning ? 'warning' : 'ok'

function worst(parts: readonly Part[]): CheckResult {
  const part = parts.find(p => p.state === 'critical') ?? parts.find(p => p.state === 'warning') ?? parts[0]!
  return part.state === 'ok' ? { ...part, reason: 'ok' } : part
}
