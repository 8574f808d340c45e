// The syntax tree of a Ruby regular expression, as far as it can be said exactly in JavaScript.
import type { CharSet } from './charset.ts'

export type Anchor = 'line-start' | 'line-end' | 'text-start' | 'text-end' | 'text-end-newline' | 'word' | 'not-word'

/** Captures have the numbers 1, 2, … in the order of their opening. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'seq'; readonly items: readonly Node[] }
  | { readonly kind: 'alt'; readonly items: readonly Node[] }
  | { readonly kind: 'capture'; readonly group: number; readonly body: Node }
  | { readonly kind: 'atomic'; readonly body: Node }
  | { readonly kind: 'look'; readonly behind: boolean; readonly negative: boolean; readonly body: Node }
  | { readonly kind: 'repeat'; readonly min: number; readonly max: number; readonly lazy: boolean; readonly body: Node }
  | { readonly kind: 'anchor'; readonly at: Anchor }
  | { readonly kind: 'backref'; readonly group: number }

/** A parsed expression: its tree and the names of its captures; without any name the captures are plain ones. */
export interface Parsed {
  readonly root: Node
  readonly groups: number
  readonly names: readonly string[]
}

/** The parts of a node. */
export function children(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'seq':
    case 'alt':
      return node.items
    case 'capture':
    case 'atomic':
    case 'look':
    case 'repeat':
      return [node.body]
    default:
      return []
  }
}

/** Whether a node or a part of it satisfies a test. */
export function some(node: Node, test: (node: Node) => boolean): boolean {
  return test(node) || children(node).some(child => some(child, test))
}

/** The captures inside of a node. */
export function captures(node: Node): number[] {
  const own = node.kind === 'capture' ? [node.group] : []
  return [...own, ...children(node).flatMap(captures)]
}

/** Whether a node can match without taking a character. */
export function nullable(node: Node): boolean {
  switch (node.kind) {
    case 'text':
    case 'set':
      return false
    case 'seq':
      return node.items.every(nullable)
    case 'alt':
      return node.items.some(nullable)
    case 'capture':
    case 'atomic':
      return nullable(node.body)
    case 'repeat':
      return node.min === 0 || nullable(node.body)
    default:
      return true
  }
}
