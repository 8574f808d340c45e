// The rows that remember how logs were rotated, over restarts: by path the stream that lay there, and the latest rotations.
import type { Context } from '../../core/component.ts'
import { isMap } from '../../core/field.ts'
import type { Rotation } from './expiry.ts'

/** Paths of an input that are remembered. */
const MAX_PATHS = 1000

interface Stored {
  readonly live: string
  readonly rotations: Rotation[]
}

export class Rotations {
  #context: Context
  #isThere: (path: string) => boolean
  #stored = new Map<string, Stored>()

  /** `isThere`: a path that is to be remembered rather than one that is gone. */
  constructor(context: Context, isThere: (path: string) => boolean) {
    this.#context = context
    this.#isThere = isThere
  }

  /** What earlier runs saw. */
  open(): void {
    for (const [path, row] of this.#context.state.entries(this.#scope)) {
      const stored = parseRow(row)
      if (stored !== undefined) this.#stored.set(path, stored)
    }
  }

  get(path: string): Stored | undefined {
    return this.#stored.get(path)
  }

  set(path: string, { live, rotations }: Stored): void {
    if (!this.#stored.has(path) && this.#stored.size >= MAX_PATHS && !this.#forgetOne()) return
    this.#stored.set(path, { live, rotations })
    const rows = rotations.map(({ at, size, kept }) => [at, size, kept ?? -1])
    this.#context.state.set(this.#scope, path, { live, rotations: rows })
  }

  get #scope(): string {
    return `rotations/${this.#context.name}`
  }

  /** A path that is gone makes room for one that is there. */
  #forgetOne(): boolean {
    for (const path of this.#stored.keys()) {
      if (this.#isThere(path)) continue
      this.#context.state.delete(this.#scope, path)
      return this.#stored.delete(path)
    }
    return false
  }
}

function parseRow(row: unknown): Stored | undefined {
  if (!isMap(row) || typeof row['live'] !== 'string' || !Array.isArray(row['rotations'])) return undefined
  const rotations: Rotation[] = []
  for (const triple of row['rotations'] as unknown[]) {
    if (!Array.isArray(triple) || !triple.every(n => typeof n === 'number')) return undefined
    const [at = 0, size = 0, kept = -1] = triple
    rotations.push({ at, size, kept: kept < 0 ? undefined : kept })
  }
  return { live: row['live'], rotations }
}
