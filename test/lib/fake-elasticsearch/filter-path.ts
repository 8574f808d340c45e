// The response filter that bulk clients send: filter_path=errors,items.*.status.

/**
 * Keeps the parts of `value` that one of the comma-separated paths names, as Elasticsearch's filter_path does:
 * `*` stands for one name, `**` for any number, and arrays are passed through without a name of their own.
 */
export function filterPath(value: unknown, filter: string | null): unknown {
  if (filter === null || filter === '') return value
  const paths = filter.split(',').map(path => path.split('.'))
  return keep(value, paths) ?? {}
}

function keep(value: unknown, paths: string[][]): unknown {
  if (paths.some(path => path.length === 0)) return value
  if (Array.isArray(value)) {
    const kept = value.map(item => keep(item, paths)).filter(item => item !== undefined)
    return kept.length > 0 ? kept : undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const kept: Array<[string, unknown]> = []
  for (const [name, inner] of Object.entries(value)) {
    const next = keep(
      inner,
      paths.flatMap(path => step(path, name))
    )
    if (next !== undefined) kept.push([name, next])
  }
  return kept.length > 0 ? Object.fromEntries(kept) : undefined
}

/** What is left of a path after going into `name`; nothing when it doesn't lead there. */
function step(path: string[], name: string): string[][] {
  const [head, ...rest] = path
  if (head === '**') return [path, ...step(rest, name)]
  return head === '*' || head === name ? [rest] : []
}
