// What a start after a kill would find: the positions as they stand in the state file, whatever the agent has in memory.
import { join } from 'node:path'
import { readState } from '../../../src/core/state-read.ts'
import { positionsOf } from '../../../src/input/file/positions.ts'

/** The streams of the input `logs` that a start would read on, as `path at byte of bytes`; undefined without positions. */
export function behind(data: string): string[] | undefined {
  const positions = positionsOf(readState(join(data, 'state.db')).state, 'logs')
  if (positions.length === 0) return undefined
  return positions
    .filter(({ state, read, size }) => state === 'live' && read < size)
    .map(({ at, path, read, size }) => `${at ?? path} at ${read} of ${size}`)
}
