// Checks that depend on each other in a circle: each would keep the others silent for ever.

export interface Dependent {
  readonly name: string
  readonly dependsOn: readonly string[]
}

/** For each check that depends on itself by way of others, the way: `[a, b, a]`. One circle is told once. */
export function dependencyCircles(checks: readonly Dependent[]): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>()
  const edges = new Map(checks.map(check => [check.name, check.dependsOn]))
  const done = new Set<string>()

  function visit(name: string, path: readonly string[]): void {
    const at = path.indexOf(name)
    if (at !== -1) return void found.set(name, [...path.slice(at), name])
    if (done.has(name)) return
    for (const next of edges.get(name) ?? []) visit(next, [...path, name])
    done.add(name)
  }

  for (const { name } of checks) visit(name, [])
  return found
}
