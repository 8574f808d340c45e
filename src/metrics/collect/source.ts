// Where the kernel shows its numbers, read so that what a host does not have is no error.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../../core/errors.ts'

/** What a kernel without a feature answers: it is not there, switched off at the boot, or not for this device. */
const ABSENT = new Set(['ENOENT', 'EOPNOTSUPP', 'ENODEV', 'ENOTDIR', 'EINVAL'])

function orAbsent<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (ABSENT.has(errnoOf(error) ?? '')) return undefined
    throw error
  }
}

/** The text of a file of /proc or /sys; undefined where there is no such. Throws when it may not be read. */
export const textOf = (...path: string[]): string | undefined =>
  orAbsent(() => readFileSync(join(...path), 'utf8').trimEnd())

/** The number in a file; NaN where there is none (`max` is none either), which is left out of the samples. */
export const numberOf = (...path: string[]): number => Number(textOf(...path) ?? NaN)

/** Names in a folder; none where there is no such. */
export const namesIn = (...path: string[]): string[] => orAbsent(() => readdirSync(join(...path)).sort()) ?? []

/** `name value` lines, as of /proc/vmstat and cpu.stat; NaN for a name that is not among them. */
export function valuesOf(text: string): (name: string) => number {
  const found = new Map(text.split('\n').map(line => [line.split(' ', 1)[0]!, line.slice(line.indexOf(' ') + 1)]))
  return name => Number(found.get(name) ?? NaN)
}

/** Whether a name is one of these, in which `*` stands for any text and `?` for one character. */
export function matcher(patterns: readonly string[]): (name: string) => boolean {
  const all = patterns.map(
    pattern =>
      new RegExp(
        `^${pattern
          .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
          .replaceAll('*', '.*')
          .replaceAll('?', '.')}$`,
        's'
      )
  )
  return name => all.some(one => one.test(name))
}
