// The options of a journald input as its parts use them, and the arguments that journalctl gets of them.
import { readFileSync } from 'node:fs'

export interface Settings {
  readonly units: readonly string[]
  readonly identifiers: readonly string[]
  readonly priority: string | undefined
  readonly matches: readonly string[]
  readonly currentBootOnly: boolean
  readonly startAt: 'end' | 'beginning'
  readonly since: string | undefined
  readonly directory: string | undefined
  readonly own: boolean
  readonly maxLineBytes: number
}

/** Where reading begins: at an entry, or with the first one from a time on. */
export interface Start {
  /** '' when there is none yet. */
  readonly cursor: string
  /** As journalctl takes it; undefined: at the beginning. */
  readonly since: string | undefined
}

export const isWild = (unit: string): boolean => /[*?[]/.test(unit)

/** journalctl looks up patterns once, at its start; units that come later would never be seen, so they are matched here. */
export const hasPattern = (units: readonly string[]): boolean => units.some(isWild)

/** journalctl leaves out what is not wanted, so that nothing is seen of it here. */
export const choosesByJournalctl = ({ units, identifiers, priority, matches }: Settings): boolean =>
  (units.length > 0 && !hasPattern(units)) || identifiers.length > 0 || priority !== undefined || matches.length > 0

/** All that the same journal has. */
export const unchosen = (settings: Settings): Settings => ({
  ...settings,
  units: [],
  identifiers: [],
  priority: undefined,
  matches: [],
  currentBootOnly: false
})

/** Following it, up to its end, or its last entry alone. */
export type How = 'follow' | 'rest' | 'last'

/** What it prints, in the export format; see Start. Never interpreted by a shell. */
export function argumentsFor(settings: Settings, start: Start, how: How, machine = machineId()): string[] {
  const { units, identifiers, priority, matches, currentBootOnly, directory } = settings
  return [
    '--output=export',
    '--all',
    '--no-pager',
    ...(how === 'follow' ? ['--follow', '--no-tail'] : how === 'last' ? ['--lines=1'] : []),
    ...(directory === undefined ? [] : [`--directory=${directory}`]),
    // Without --merge, --follow shows nothing but the boot that it takes for the current one: entries before a reboot would
    // be left out, and all of them where a sandbox hides a container's boot id (seen with systemd 252).
    ...(currentBootOnly ? ['--boot'] : ['--merge']),
    ...(priority === undefined ? [] : [`--priority=${priority}`]),
    ...(hasPattern(units) ? [] : units.map(unit => `--unit=${unit}`)),
    ...identifiers.map(name => `--identifier=${name}`),
    // Not --after-cursor: when the entry is gone it leaves out the next one too (seen with systemd 252).
    ...(start.cursor !== ''
      ? [`--cursor=${start.cursor}`]
      : start.since === undefined
        ? []
        : [`--since=${start.since}`]),
    ...(directory === undefined && !currentBootOnly && machine !== '' ? [`_MACHINE_ID=${machine}`] : []),
    ...matches
  ]
}

/** Merged, the journals of other hosts that are kept on this one would be entries, too. */
function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'latin1').trim()
  } catch {
    return ''
  }
}

/** `--since` for microseconds since the epoch. */
export const sinceOf = (micros: number): string =>
  `@${Math.floor(micros / 1e6)}.${String(Math.floor(micros) % 1e6).padStart(6, '0')}`
