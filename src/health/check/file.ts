// `file` check: a file exists (or does not), and is as old, as big and as protected as it should be.
import { stat } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { resolve } from 'node:path'
import { defineCheck } from '../../core/component.ts'
import type { CheckReason } from '../../core/component.ts'
import { describe, errnoOf } from '../../core/errors.ts'
import { boolean, duration, optional, size, string } from '../../core/field.ts'

export const fileCheck = defineCheck({
  name: 'file',
  summary: 'Looks at a file or folder: whether it exists, its age, size and mode.',
  fields: {
    path: string('The file or folder.', { example: '/var/backups/db.dump' }),
    exists: boolean('Whether it should exist.', { default: true }),
    max_age: optional(duration('It was changed at most this long ago.', { example: '25h' })),
    min_age: optional(duration('It was changed at least this long ago.', { example: '1m' })),
    min_size: optional(size('It is at least this big.', { example: '1KiB' })),
    max_size: optional(size('It is at most this big.', { example: '1GiB' })),
    mode: optional(
      string('Its permissions, octal.', {
        example: '0640',
        pattern: /^0?[0-7]{3,4}$/,
        must: 'an octal mode such as "0640"'
      })
    )
  },
  examples: [
    { title: 'Last night’s backup', yaml: 'type: file\npath: /var/backups/db.dump\nmax_age: 25h\nmin_size: 1MiB' },
    { title: 'No leftover lock', yaml: 'type: file\npath: /run/deploy.lock\nexists: false' }
  ],
  *lint(o) {
    const others = [o.max_age, o.min_age, o.min_size, o.max_size, o.mode]
    if (!o.exists && others.some(v => v !== undefined))
      yield ['exists', 'a file that must not exist has no age, size or mode']
    if ((o.min_size ?? 0) > (o.max_size ?? Infinity)) yield ['min_size', 'must not be above max_size']
    if ((o.min_age ?? 0) > (o.max_age ?? Infinity)) yield ['min_age', 'must not be above max_age']
  },
  build(o, context) {
    const path = resolve(context.configDir, o.path)
    const mode = o.mode === undefined ? undefined : Number.parseInt(o.mode, 8)

    function fault(s: Stats, age: number): [reason: CheckReason, message: string] | undefined {
      const seconds = Math.round(age / 1000)
      const is = (s.mode & 0o7777).toString(8).padStart(4, '0')
      if (!o.exists) return ['present', `${path} exists`]
      if (age > (o.max_age ?? Infinity)) return ['age', `${path} was changed ${seconds} s ago, too long`]
      if (age < (o.min_age ?? -Infinity)) return ['age', `${path} was changed ${seconds} s ago, too recently`]
      if (s.size < (o.min_size ?? 0)) return ['size', `${path} has ${s.size} bytes, too few`]
      if (s.size > (o.max_size ?? Infinity)) return ['size', `${path} has ${s.size} bytes, too many`]
      if (mode !== undefined && (s.mode & 0o7777) !== mode)
        return ['mode', `${path} has mode ${is}, expected ${o.mode}`]
      return undefined
    }

    return async () => {
      try {
        const s = await stat(path)
        const age = context.clock.now() - s.mtimeMs
        const values = { age_seconds: age / 1000, size_bytes: s.size }
        const [reason, message] = fault(s, age) ?? ['ok', `${path} is as expected`]
        return { state: reason === 'ok' ? 'ok' : 'critical', reason, message, values }
      } catch (error) {
        if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(error)))
          return { state: 'unknown', reason: 'permission', message: describe(error) }
        if (!o.exists) return { state: 'ok', reason: 'ok', message: `${path} does not exist` }
        return { state: 'critical', reason: 'missing', message: `${path} does not exist` }
      }
    }
  }
})
