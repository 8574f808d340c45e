// The options of a file input as its parts use them.
import type { Multiline } from '../multiline.ts'

/** Milliseconds and bytes. */
export interface Settings {
  readonly paths: readonly string[]
  readonly exclude: readonly string[]
  readonly startAt: 'beginning' | 'end'
  readonly maxLineBytes: number
  readonly multiline: Multiline | undefined
  readonly chunkBytes: number
  readonly maxOpenFiles: number
  readonly poll: number
  readonly closeInactive: number
  readonly closeRemoved: number
  readonly cleanRemoved: number
  /** 0: never. */
  readonly ignoreOlder: number
  /** False: no events are asked for, the poll alone finds changes. */
  readonly watch: boolean
}
