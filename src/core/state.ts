// What must survive a restart: positions, counters, histories. One SQLite file, committed as a whole.

/**
 * A key-value table in scopes. Reads and writes are in memory; what changed is committed together about once a
 * second, or at once by `commit`. On a full disk it stays in memory until there is room.
 */
export interface State {
  get(scope: string, key: string): unknown
  /** Every pair of a scope; don't change the scope while walking it. */
  entries(scope: string): Iterable<readonly [key: string, value: unknown]>
  /** `value` is JSON data; the caller doesn't change it afterwards. */
  set(scope: string, key: string, value: unknown): void
  delete(scope: string, key: string): void
  /** Writes what changed now; returns false (and keeps it in memory) when the disk refused. Durable against a killed process. */
  commit(): boolean
  /** Called at the start of each commit, to `set` what is only then worth writing. Returns the way to take it back. */
  beforeCommit(write: () => void): () => void
}

/** Keeps nothing: for commands that run once, and for inputs that can't be read again. */
export function memoryState(): State {
  const scopes = new Map<string, Map<string, unknown>>()
  const hooks = new Set<() => void>()
  return {
    get: (scope, key) => scopes.get(scope)?.get(key),
    entries: scope => scopes.get(scope) ?? [],
    set: (scope, key, value) => {
      const table = scopes.get(scope) ?? new Map<string, unknown>()
      scopes.set(scope, table.set(key, value))
    },
    delete: (scope, key) => {
      scopes.get(scope)?.delete(key)
    },
    commit: () => {
      for (const hook of hooks) hook()
      return true
    },
    beforeCommit: hook => {
      hooks.add(hook)
      return () => hooks.delete(hook)
    }
  }
}
