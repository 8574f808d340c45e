// One seed for a whole run, from SEED or drawn, and a generator for each lane that depends on nothing but both.
//
//   SEED=12345 npm run test:torture
//
// A seed repeats what the lanes decide: when, how often, how long. It does not repeat the kernel's scheduling, so a
// failure may need more than one try with its seed.
import { randomInt } from 'node:crypto'

/** The seed of this run. The runner draws it once and hands it to every test file. */
export const SEED: number = Number(process.env['SEED'] ?? randomInt(2 ** 31))

export interface Random {
  /** A number from 0 up to, not including, 1. */
  fraction(): number
  /** A whole number, both ends included. */
  between(low: number, high: number): number
  pick<T>(from: readonly T[]): T
}

/** The generator for one lane; the same name and seed give the same numbers (mulberry32, 32 bits of state). */
export function randomFor(name: string, seed: number = SEED): Random {
  let state = seed >>> 0
  for (const char of name) state = Math.imul(state ^ char.codePointAt(0)!, 0x01_00_01_93) >>> 0
  const fraction = (): number => {
    state = (state + 0x6d_2b_79_f5) >>> 0
    let x = state
    x = Math.imul(x ^ (x >>> 15), x | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (low: number, high: number): number => low + Math.floor(fraction() * (high - low + 1))
  return { fraction, between, pick: from => from[between(0, from.length - 1)]! }
}
