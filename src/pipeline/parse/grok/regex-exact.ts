// Decides whether JavaScript's RegExp can match a tree exactly as Oniguruma does, captures included.
import { captures, children, nullable, some } from './regex-ast.ts'
import type { Node } from './regex-ast.ts'

/**
 * Why JavaScript cannot match the tree as Oniguruma would; undefined when it can. Three things differ: JavaScript forgets
 * the captures of a repeated group at each round, it refuses a round that took nothing where Oniguruma leaves the loop,
 * and a back-reference to an unset capture matches the empty string where Oniguruma fails.
 */
export function whyNotJs(root: Node): string | undefined {
  return loops(root) ?? looks(root) ?? references(root, new Set()).reason
}

function loops(node: Node): string | undefined {
  if (node.kind === 'repeat' && node.max > 1) {
    // With at most one round there is no loop: it is written as an alternative.
    const inside = captures(node.body)
    const empty = nullable(node.body)
    const always = definite(node.body)
    if (inside.length > 0 && (empty || inside.some(group => !always.has(group))))
      return 'a capture in a repeated group that not every round sets'
    // A round that takes nothing ends Oniguruma's loop even before its least number of rounds; JavaScript goes on.
    if (empty && node.min > 1) return 'a counted repeat of what may be empty'
    if (empty && !emptyLast(node.body)) return 'a repeated group that prefers to match nothing'
  }
  return first(children(node), loops)
}

function looks(node: Node): string | undefined {
  if (node.kind === 'look') {
    if (node.negative && captures(node.body).length > 0) return 'a capture in a negative look-around'
    if (node.behind && some(node.body, part => part.kind === 'atomic' || part.kind === 'backref'))
      return 'an atomic group or a back-reference in a look-behind'
  }
  return first(children(node), looks)
}

function first(nodes: readonly Node[], test: (node: Node) => string | undefined): string | undefined {
  for (const node of nodes) {
    const reason = test(node)
    if (reason !== undefined) return reason
  }
  return undefined
}

/** The captures that every way through a node sets. */
function definite(node: Node): Set<number> {
  switch (node.kind) {
    case 'alt': {
      const [head, ...rest] = node.items.map(definite)
      return rest.reduce((all, set) => all.intersection(set), head ?? new Set())
    }
    case 'repeat':
      return node.min > 0 ? definite(node.body) : new Set()
    case 'look':
      return node.negative ? new Set() : definite(node.body)
    case 'capture':
      return definite(node.body).add(node.group)
    default:
      return children(node).reduce((all, child) => all.union(definite(child)), new Set<number>())
  }
}

/** Whether matching nothing is the last thing a node tries. */
function emptyLast(node: Node): boolean {
  if (!nullable(node)) return true
  switch (node.kind) {
    case 'seq':
      return node.items.every(emptyLast)
    case 'alt':
      return node.items.every((item, i) => (i < node.items.length - 1 ? !nullable(item) : emptyLast(item)))
    case 'repeat':
      return !node.lazy && emptyLast(node.body)
    case 'capture':
      return emptyLast(node.body)
    default:
      return true
  }
}

interface Walk {
  readonly set: Set<number>
  readonly reason: string | undefined
}

/** Follows which captures are surely set, up to the first back-reference that may find its own unset. */
function references(node: Node, before: Set<number>): Walk {
  if (node.kind === 'backref') {
    const reason = before.has(node.group) ? undefined : 'a back-reference to a capture that may be unset'
    return { set: before, reason }
  }
  let set = before
  for (const child of children(node)) {
    const walk = references(child, node.kind === 'alt' ? before : set)
    if (walk.reason !== undefined) return walk
    set = walk.set
  }
  return { set: before.union(definite(node)), reason: undefined }
}
