// The configuration as a tree that remembers where everything stands: what YAML is read into and checks walk.

/** A place in a file of the configuration; lines and columns count from 1, columns in UTF-16 units. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly at: Position
  readonly value: string | number | boolean | null
  /** The text as it was written, or as it stands after variables were put in: `1.20` stays `1.20`. */
  readonly text: string
  /** Written without quotes. */
  readonly plain: boolean
  /** It came from `${file:…}` or a credential: never shown. */
  readonly secret: boolean
  /** Its fault was reported already (an unset variable, an unknown tag): no further message about it. */
  readonly broken: boolean
}

export interface ListNode {
  readonly kind: 'list'
  readonly at: Position
  readonly items: readonly Node[]
}

/** `at` is where the key stands. */
export interface Entry {
  readonly at: Position
  readonly value: Node
}

export interface MapNode {
  readonly kind: 'map'
  readonly at: Position
  readonly entries: ReadonlyMap<string, Entry>
}

export type Node = ScalarNode | ListNode | MapNode

export const mapNode = (at: Position, entries: ReadonlyMap<string, Entry> = new Map()): MapNode => ({
  kind: 'map',
  at,
  entries
})

export const scalarNode = (at: Position, value: ScalarNode['value'], more: Partial<ScalarNode> = {}): ScalarNode => ({
  kind: 'scalar',
  at,
  value,
  text: value === null ? '' : String(value),
  plain: typeof value !== 'string',
  secret: false,
  broken: false,
  ...more
})

/** A node whose fault was told already. */
export const brokenNode = (at: Position): ScalarNode => scalarNode(at, null, { broken: true })

/** True for nothing: an empty file, `key:` without a value, `null`. */
export const isNothing = (node: Node): boolean => node.kind === 'scalar' && node.value === null && !node.broken

/** True when all that is wrong with it was told. */
export const isBroken = (node: Node): boolean => node.kind === 'scalar' && node.broken

/** True when the test holds for some scalar in it. */
export function someScalar(node: Node, test: (scalar: ScalarNode) => boolean): boolean {
  if (node.kind === 'scalar') return test(node)
  if (node.kind === 'list') return node.items.some(item => someScalar(item, test))
  for (const entry of node.entries.values()) if (someScalar(entry.value, test)) return true
  return false
}

export const hasFault = (node: Node): boolean => someScalar(node, isBroken)
export const hasSecret = (node: Node): boolean => someScalar(node, s => s.secret)

/** Puts a key or an index behind a path: `inputs.nginx.paths[0]`. */
export const joinPath = (path: string, key: string | number): string =>
  typeof key === 'number' ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`

/** What stands at a path, or as near to it as there is something. */
export interface Located {
  /** Absent when the path leads to something that isn't there. */
  readonly node: Node | undefined
  /** It, or the last one on the way to it. */
  readonly nearest: Node
  /** Of the key that leads to it, or of the nearest one above it. */
  readonly keyAt: Position
  /** Of a plain value on its key's line, else as `keyAt`: where a wrong value is best pointed at. */
  readonly at: Position
}

/** Follows a path such as `hosts[0]`, `tls.ca_file` or `.tls`; `owner` is where the key of `node` stands. */
export function locate(node: Node, path: string, owner: Position): Located {
  let here = node
  let keyAt = owner
  let rest = path
  while (rest !== '') {
    const next = here.kind === 'list' ? intoList(here, rest) : here.kind === 'map' ? intoMap(here, rest) : undefined
    if (next === undefined) return { node: undefined, nearest: here, keyAt, at: keyAt }
    here = next.entry.value
    keyAt = next.entry.at
    rest = next.rest
  }
  const beside = here.kind === 'scalar' && here.at.line === keyAt.line && path !== ''
  return { node: here, nearest: here, keyAt, at: beside ? here.at : keyAt }
}

function intoList(list: ListNode, path: string): { entry: Entry; rest: string } | undefined {
  const m = /^\[(\d+)\]/.exec(path)
  const item = m === null ? undefined : list.items[Number(m[1])]
  return item === undefined ? undefined : { entry: { at: item.at, value: item }, rest: path.slice(m![0].length) }
}

/** Keys may have dots and brackets in them (`http.method`, `[a][b]`): the longest key that fits is meant. */
function intoMap(map: MapNode, path: string): { entry: Entry; rest: string } | undefined {
  const text = path.startsWith('.') ? path.slice(1) : path
  for (let end = text.length; end > 0; end = Math.max(text.lastIndexOf('.', end - 1), text.lastIndexOf('[', end - 1))) {
    const entry = map.entries.get(text.slice(0, end))
    if (entry !== undefined) return { entry, rest: text.slice(end) }
  }
  return undefined
}
