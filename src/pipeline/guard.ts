// Runs a function with a time limit that even a regular expression in full flight obeys.
import { Script } from 'node:vm'

/** What a guarded call came to. */
export type Guarded = 'done' | 'timeout'

const SLOT = '__yarderGuarded'
const globals = globalThis as unknown as Record<string, (() => void) | undefined>

/**
 * Calls `work` and interrupts it after `limitMs` of wall-clock time. Only V8's own execution limit can stop a RegExp;
 * it is reached through vm.Script, whose code can call only what is global: hence the slot, filled for the length of
 * the (synchronous) call. Costs about 0.1 ms, so guard batches, not lines (measured: shared dependencies, section 4).
 */
export function createGuard(): (work: () => void, limitMs: number) => Guarded {
  const script = new Script(`${SLOT}()`, { filename: 'yarder-guard' })
  return (work, limitMs) => {
    const outer = globals[SLOT]
    globals[SLOT] = work
    try {
      script.runInThisContext({ timeout: limitMs, breakOnSigint: false })
      return 'done'
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
      return 'timeout'
    } finally {
      globals[SLOT] = outer
    }
  }
}
