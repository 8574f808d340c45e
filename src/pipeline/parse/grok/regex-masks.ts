// Which characters can stand first, last and next in a tree: what lets a translation drop tests that cannot fail.
import { asciiMask, BEYOND_ASCII } from './charset.ts'
import type { CharSet } from './charset.ts'
import { nullable } from './regex-ast.ts'
import type { Node } from './regex-ast.ts'

/** Anything may stand there, the edge of the text (bit 129, beside those of `asciiMask`) too. */
export const ANYTHING = (1n << 130n) - 1n

const maskOfText = (text: string, index: number): bigint => {
  const code = text.charCodeAt(index)
  return code < 128 ? 1n << BigInt(code) : BEYOND_ASCII
}

/** A memory for the masks of sets, which cost much to compute. */
export type MaskCache = Map<CharSet, bigint>

function maskOfSet(set: CharSet, cache: MaskCache): bigint {
  let mask = cache.get(set)
  if (mask === undefined) {
    mask = asciiMask(set)
    cache.set(set, mask)
  }
  return mask
}

/** The characters that can come first where a node begins, given those that can follow it. A superset, never less. */
export function firstMask(node: Node, follow: bigint, cache: MaskCache): bigint {
  switch (node.kind) {
    case 'text':
      return maskOfText(node.text, 0)
    case 'set':
      return maskOfSet(node.set, cache)
    case 'seq':
      return node.items.reduceRight((mask, item) => firstMask(item, mask, cache), follow)
    case 'alt':
      return node.items.reduce((mask, item) => mask | firstMask(item, follow, cache), 0n)
    case 'capture':
    case 'atomic':
      return firstMask(node.body, follow, cache)
    case 'repeat':
      return firstMask(node.body, follow, cache) | (node.min === 0 ? follow : 0n)
    case 'look':
    case 'anchor':
      return follow
    case 'backref':
      return ANYTHING
  }
}

/** The characters that can have come last where a node ends, given those that can stand before it. */
export function lastMask(node: Node, before: bigint, cache: MaskCache): bigint {
  switch (node.kind) {
    case 'text':
      return maskOfText(node.text, node.text.length - 1)
    case 'set':
      return maskOfSet(node.set, cache)
    case 'seq':
      return node.items.reduce((mask, item) => lastMask(item, mask, cache), before)
    case 'alt':
      return node.items.reduce((mask, item) => mask | lastMask(item, before, cache), 0n)
    case 'capture':
    case 'atomic':
      return lastMask(node.body, before, cache)
    case 'repeat':
      return lastMask(node.body, before, cache) | (node.min === 0 ? before : 0n)
    case 'look':
    case 'anchor':
      return before
    case 'backref':
      return ANYTHING
  }
}

/**
 * Whether an atomic group needs no atomicity: at each of its choices the next character alone tells which way can lead
 * on, and the ways that take nothing come last. Then no way but the first could make what follows match.
 */
export function decided(node: Node, follow: bigint, cache: MaskCache): boolean {
  switch (node.kind) {
    case 'seq': {
      let next = follow
      for (let i = node.items.length - 1; i >= 0; i--) {
        const item = node.items[i]!
        if (!decided(item, next, cache)) return false
        next = firstMask(item, next, cache)
      }
      return true
    }
    case 'alt': {
      let seen = 0n
      return node.items.every((item, i) => {
        const mask = firstMask(item, follow, cache)
        const apart = (mask & seen) === 0n
        seen |= mask
        return apart && (i === node.items.length - 1 || !nullable(item)) && decided(item, follow, cache)
      })
    }
    case 'repeat': {
      if (node.min === node.max && node.max === 1) return decided(node.body, follow, cache)
      const mask = firstMask(node.body, 0n, cache)
      if (nullable(node.body)) return false
      if (node.min !== node.max && (node.lazy || (mask & follow) !== 0n)) return false
      return decided(node.body, node.max > 1 ? follow | mask : follow, cache)
    }
    case 'capture':
    case 'atomic':
      return decided(node.body, follow, cache)
    case 'look':
      return true
    case 'backref':
      return false
    default:
      return true
  }
}
