// `mount` check: something is mounted at a place, of the right kind and with the right options.
import { defineCheck } from '../../core/component.ts'
import type { CheckReason } from '../../core/component.ts'
import { describe } from '../../core/errors.ts'
import { boolean, list, optional, string } from '../../core/field.ts'
import { hostMounts } from '../../core/mounts.ts'
import type { HostMount } from '../../core/mounts.ts'

export const mount = defineCheck({
  name: 'mount',
  summary: 'Looks whether something is mounted at a place, and what, and how.',
  description:
    'Read from the kernel, so that a network file system that hangs keeps nobody waiting. What counts is what the first process of the host sees: the agent itself, in the sandbox of its service, sees everything read-only. Where that process is hidden, `rw` and `ro` are those of the file system, and the rest is what the agent sees.',
  fields: {
    path: string('Where it is mounted.', { example: '/srv/data', pattern: /^\//, must: 'an absolute path' }),
    mounted: boolean('Whether something should be mounted there.', { default: true }),
    source: optional(string('The device or share.', { example: '/dev/sdb1' })),
    fstype: optional(string('Type of the file system.', { example: 'ext4' })),
    options: list(string('An option.'), 'Options that it must have; `rw` is one too.', {
      default: [],
      example: ['rw', 'nosuid']
    }),
    proc: string('Where the kernel shows its mounts.', { default: '/proc' })
  },
  examples: [{ title: 'The data disk', yaml: 'type: mount\npath: /srv/data\nfstype: ext4\noptions: [rw, noatime]' }],
  *lint(o) {
    if (!o.mounted && (o.source ?? o.fstype ?? o.options[0]) !== undefined)
      yield ['mounted', 'what must not be mounted has no source, fstype or options']
  },
  build(o) {
    const point = o.path.length > 1 ? o.path.replace(/\/+$/, '') : o.path

    function fault(found: HostMount | undefined): [reason: CheckReason, message: string] | undefined {
      if (found === undefined) return o.mounted ? ['missing', `nothing is mounted at ${point}`] : undefined
      if (!o.mounted) return ['present', `${found.source} is mounted at ${point}`]
      if (o.source !== undefined && found.source !== o.source)
        return ['content', `${point} is ${found.source}, expected ${o.source}`]
      if (o.fstype !== undefined && found.type !== o.fstype)
        return ['content', `${point} is ${found.type}, expected ${o.fstype}`]
      const missing = o.options.filter(option => !has(found, option))
      if (missing.length === 0) return undefined
      const readOnly = missing.includes('rw')
      return [readOnly ? 'read_only' : 'mode', `${point} is mounted without ${missing.join(', ')}`]
    }

    return async () => {
      try {
        const found = hostMounts(o.proc).findLast(m => m.point === point)
        const is =
          found === undefined
            ? `nothing is mounted at ${point}`
            : `${found.source} (${found.type}) is mounted at ${point}`
        const [reason, message] = fault(found) ?? ['ok', is]
        return { state: reason === 'ok' ? 'ok' : 'critical', reason, message }
      } catch (error) {
        return { state: 'unknown', reason: 'error', message: describe(error) }
      }
    }
  }
})

const has = ({ readOnly, options }: HostMount, option: string): boolean =>
  option === 'rw' ? !readOnly : option === 'ro' ? readOnly : options.has(option)
