// What a cursor of the journal says: which entry of which sequence it is.
import { hash } from 'node:crypto'

/** The parts of a cursor that are used here. */
export interface CursorParts {
  /** Sequence number's id and boot, which make the identity of a source. */
  readonly sequence: string
  readonly boot: string
  /** Counts up in its sequence. */
  readonly number: number
  /** Of the entry itself, wherever it was copied to: boot, monotonic and real time, and the checksum of its data. */
  readonly entry: string
}

/** `s=…;i=…;b=…;m=…;t=…;x=…`; undefined when it is no cursor. */
export function parseCursor(cursor: string): CursorParts | undefined {
  const m = /^s=([0-9a-f]{32});i=([0-9a-f]{1,16});(b=([0-9a-f]{32});m=[0-9a-f]+;t=[0-9a-f]+;x=[0-9a-f]+)$/.exec(cursor)
  if (m === null) return undefined
  return { sequence: m[1]!, number: parseInt(m[2]!, 16), entry: m[3]!, boot: m[4]! }
}

/**
 * Identity of a source: numbers count up for ever in a sequence. The boot stands beside it, as after a crash that lost
 * the end of a file the numbers of lost entries are given again, and as two copies of a machine go on in one sequence.
 */
export const sourceIdOf = ({ sequence, boot }: CursorParts): string =>
  hash('sha256', `${sequence}${boot}`, 'base64url').slice(0, 16)
