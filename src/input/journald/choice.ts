// Which entries are wanted, where journalctl can't be asked: units by patterns, and none of the agent's own lines.
import { readFileSync } from 'node:fs'
import { compileExclude } from '../file/glob.ts'
import type { Entry } from './export.ts'
import { hasPattern, isWild } from './settings.ts'
import type { Settings } from './settings.ts'

const SUFFIX = /\.(?:service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$/

/** Whether an entry is wanted. Without patterns, and without a service of our own, all that journalctl gives is. */
export function compileChoice(settings: Settings, ownUnit = unitOfThis()): (entry: Entry) => boolean {
  const isOwn = settings.own ? () => false : ownLines(ownUnit)
  if (!hasPattern(settings.units)) return entry => !isOwn(entry)
  const fits = compileUnits(settings.units)
  return entry => isAbout(entry, fits) && !isOwn(entry)
}

const valueOf = ({ names, values }: Entry, name: string): string | undefined => {
  const at = names.indexOf(name)
  return at < 0 ? undefined : values[at]
}

function compileUnits(units: readonly string[]): (unit: string) => boolean {
  const whole = units.flatMap(unit =>
    SUFFIX.test(unit) ? unit : isWild(unit) ? [unit, `${unit}.service`] : `${unit}.service`
  )
  const plain = new Set(whole.filter(unit => !isWild(unit)))
  const wild = compileExclude(whole.filter(isWild), '/')
  return unit => plain.has(unit) || wild(unit)
}

/** What `journalctl --unit` shows of a unit: its own lines, and what systemd, its helpers and a crash say about it. */
function isAbout(entry: Entry, fits: (unit: string) => boolean): boolean {
  const has = (name: string): boolean => {
    const unit = valueOf(entry, name)
    return unit !== undefined && fits(unit)
  }
  return (
    has('_SYSTEMD_UNIT') ||
    (has('UNIT') && valueOf(entry, '_PID') === '1') ||
    ((has('OBJECT_SYSTEMD_UNIT') || has('COREDUMP_UNIT')) && valueOf(entry, '_UID') === '0') ||
    has('_SYSTEMD_SLICE')
  )
}

/** Lines of this process, and of the service that it is: shipped, each would make the next. */
function ownLines(unit: string | undefined): (entry: Entry) => boolean {
  const pid = String(process.pid)
  const boot = bootId()
  return entry =>
    (unit !== undefined && valueOf(entry, '_SYSTEMD_UNIT') === unit) ||
    (valueOf(entry, '_PID') === pid && valueOf(entry, '_BOOT_ID') === boot)
}

/** The service whose output goes to the journal, by the name of its control group; undefined when this is none. */
function unitOfThis(): string | undefined {
  if (process.env['JOURNAL_STREAM'] === undefined) return undefined
  const groups = read('/proc/self/cgroup').split('\n')
  const path = groups.find(line => line.startsWith('0::') || line.includes(':name=systemd:')) ?? ''
  const unit = path.slice(path.lastIndexOf('/') + 1)
  return unit.endsWith('.service') ? unit : undefined
}

const bootId = (): string => read('/proc/sys/kernel/random/boot_id').trim().replaceAll('-', '')

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
