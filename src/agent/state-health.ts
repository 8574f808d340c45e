// What the rest of the world learns about the state file: a part of /health, and a number.
import type { Instruments } from '../core/instruments.ts'
import type { StateFile } from '../core/state-file.ts'
import type { State } from './status.ts'

/** Yellow while positions are in memory only: everything works, but a kill would send again. */
export function statePart(state: StateFile | undefined): { name: string; state: State; message: string } {
  const trouble = state?.trouble
  if (trouble === undefined) return { name: 'state', state: 'green', message: 'Ready' }
  return { name: 'state', state: 'yellow', message: `positions are kept in memory only: ${trouble}` }
}

/** Keeps `yarder_state_writable`. */
export function meterState(instruments: Instruments, state: StateFile): void {
  const writable = instruments.gauge(
    'yarder_state_writable',
    'Whether the last commit of positions reached the disk; while 0 they are kept in memory.'
  )
  instruments.beforeScrape(() => writable.set(state.trouble === undefined ? 1 : 0))
}
