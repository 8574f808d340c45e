// A copy of the state file's rows in plain lines beside it, from which a damaged one is mended.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { checksum } from './state-db.ts'
import type { Row } from './state-db.ts'

/** Rows written between two looks at the other work of the process. */
const ROWS_A_TURN = 500

/** What a copy holds: the rows that are whole, and when it was made (ms since the epoch). */
export interface Copy {
  readonly at: number
  readonly rows: readonly Row[]
}

/** `<state file>.copy` */
export const copyPath = (path: string): string => `${path}.copy`

const half = (path: string): string => `${copyPath(path)}.half`
const last = (path: string): string => `${copyPath(path)}.last`
const headOf = (at: number): string => `${JSON.stringify({ yarder_state_copy: 1, at })}\n`

function lineOf({ scope, key, value }: Row): string {
  const text = JSON.stringify(value)
  return `${JSON.stringify([checksum(scope, key, text), scope, key, value])}\n`
}

/** Writes it in turns, so that nothing waits for it; it is the old one or the new one. Rejects when the disk refuses or `signal` aborts. */
export async function writeCopy(path: string, rows: readonly Row[], at: number, signal: AbortSignal): Promise<void> {
  try {
    const file = await open(half(path), 'w', 0o600)
    try {
      await file.writeFile(headOf(at))
      for (let from = 0; from < rows.length; from += ROWS_A_TURN) {
        await file.writeFile(
          rows
            .slice(from, from + ROWS_A_TURN)
            .map(lineOf)
            .join('')
        )
        await setImmediate()
        signal.throwIfAborted()
      }
      await file.sync()
      signal.throwIfAborted()
    } finally {
      await file.close()
    }
    await rename(half(path), copyPath(path))
  } catch (error) {
    // Half a copy on a full disk takes the room that the state itself needs.
    await rm(half(path), { force: true }).catch(() => {})
    throw error
  }
}

/** The same at once, for the end of the process. */
export function writeCopySync(path: string, rows: readonly Row[], at: number): void {
  try {
    const fd = openSync(last(path), 'w', 0o600)
    try {
      const bytes = Buffer.from(headOf(at) + rows.map(lineOf).join(''))
      for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(last(path), copyPath(path))
  } catch (error) {
    rmSync(last(path), { force: true })
    throw error
  }
}

/** Undefined when there is none that could be read; lines that are damaged are left out. */
export function readCopy(path: string): Copy | undefined {
  let lines: string[]
  try {
    lines = readFileSync(copyPath(path), 'utf8').split('\n')
  } catch {
    return undefined
  }
  const head = parsed(lines[0]!) as { yarder_state_copy?: unknown; at?: unknown } | undefined
  if (head?.yarder_state_copy !== 1 || typeof head.at !== 'number') return undefined
  return { at: head.at, rows: lines.slice(1).flatMap(line => rowOf(parsed(line)) ?? []) }
}

function rowOf(line: unknown): Row | undefined {
  if (!Array.isArray(line) || line.length !== 4) return undefined
  const [sum, scope, key, value] = line as [unknown, unknown, unknown, unknown]
  if (typeof scope !== 'string' || typeof key !== 'string' || value === undefined) return undefined
  return checksum(scope, key, JSON.stringify(value)) === sum ? { scope, key, value } : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
