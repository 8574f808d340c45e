// The configuration in effect, as people may see it: defaults filled in, secrets masked.
import { isMap } from '../core/field.ts'
import type { Field, Fields } from '../core/field.ts'
import { expectsSecret, expectsText, shapeInside } from './shape.ts'
import type { Shape } from './shape.ts'
import type { Node } from './tree.ts'

const MASKED = '***'

/** What of the values must not be shown. */
interface Hidden {
  readonly mask: (text: string) => string
  /** Values that are shown in another way. */
  readonly concealed: ReadonlyMap<Node, string>
}

/** A map of options with the defaults of those that were not given. */
export function showOptions(fields: Fields, node: Node, shape: Shape, hidden: Hidden): Record<string, unknown> {
  const entries = node.kind === 'map' ? node.entries : undefined
  const out: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const entry = entries?.get(name)
    if (entry !== undefined) out[name] = showField(field, entry.value, shapeInside(shape, name), hidden)
    else if (field.default !== undefined) out[name] = showDefault(field)
  }
  return out
}

/** A default that is a map of options, with the defaults of those that it doesn't name. */
function showDefault({ default: value, fields, type }: Field<unknown>): unknown {
  if (fields === undefined || type.startsWith('map of') || !isMap(value)) return value
  const given = Object.entries(fields).filter(([, field]) => field.default !== undefined)
  return { ...Object.fromEntries(given.map(([name, field]) => [name, showDefault(field)])), ...value }
}

/** One value; a map of named options in it gets its defaults too. */
export function showField(field: Field<unknown>, node: Node, shape: Shape, hidden: Hidden): unknown {
  const { fields, type } = field
  if (field.secret === true) return MASKED
  if (fields === undefined) return showNode(node, shape, hidden)
  if (node.kind === 'list') return node.items.map((item, i) => showOptions(fields, item, shapeInside(shape, i), hidden))
  if (node.kind === 'map' && type.startsWith('map of')) {
    return Object.fromEntries(
      [...node.entries].map(([key, e]) => [key, showOptions(fields, e.value, shapeInside(shape, key), hidden)])
    )
  }
  return node.kind === 'map' ? showOptions(fields, node, shape, hidden) : showNode(node, shape, hidden)
}

function showNode(node: Node, shape: Shape, hidden: Hidden): unknown {
  if (node.kind === 'list') return node.items.map((item, i) => showNode(item, shapeInside(shape, i), hidden))
  if (node.kind === 'map') {
    return Object.fromEntries(
      [...node.entries].map(([key, entry]) => [key, showNode(entry.value, shapeInside(shape, key), hidden)])
    )
  }
  if (node.secret || expectsSecret(shape)) return MASKED
  const value = hidden.concealed.get(node) ?? (expectsText(shape) && node.value !== null ? node.text : node.value)
  // What is shown can be read again, so a plain "${" must stay one.
  return typeof value === 'string' ? hidden.mask(value).replaceAll('${', () => '$${') : value
}
