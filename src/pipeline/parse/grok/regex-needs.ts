// The text that every match of a tree contains: a line without it needs no search from each of its positions.
import { children } from './regex-ast.ts'
import type { Node } from './regex-ast.ts'

/** The longest text, of two characters at least, that a match cannot do without; '' when there is none. */
export function neededText(root: Node): string {
  let best = ''
  const visit = (node: Node): void => {
    if (node.kind === 'text' && node.text.length > best.length) best = node.text
    if (node.kind === 'alt' || node.kind === 'look' || (node.kind === 'repeat' && node.min === 0)) return
    for (const child of children(node)) visit(child)
  }
  visit(root)
  return best.length < 2 ? '' : best
}

/** Whether a search can only begin at the start of the text. */
export function anchored(root: Node): boolean {
  switch (root.kind) {
    case 'anchor':
      return root.at === 'text-start' || root.at === 'line-start'
    case 'seq':
      return root.items.length > 0 && anchored(root.items[0]!)
    case 'alt':
      return root.items.every(anchored)
    case 'capture':
    case 'atomic':
      return anchored(root.body)
    default:
      return false
  }
}
