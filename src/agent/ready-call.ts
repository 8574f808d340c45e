// Tells others, once after a start, that the agent is ready for work: when it has looked at itself and found nothing wrong.
import type { Clock } from '../core/clock.ts'
import type { Notification } from '../core/component.ts'
import type { Log } from '../core/log.ts'
import { PENDING } from '../health/checks.ts'

export interface ReadyCallOptions {
  readonly clock: Clock
  readonly log: Log
  /** Entries of `notify`; none of them: there is no call. */
  names(): readonly string[]
  /** Why it is not ready; undefined when it is. */
  objection(): string | undefined
  tell(names: readonly string[], notification: Notification): void
}

const LOOK_MS = 250

/** Resolves when it has told, when there is nobody to tell, or when the signal aborts. */
export async function callReady(o: ReadyCallOptions, signal: AbortSignal): Promise<void> {
  const started = o.clock.now()
  let said: string | undefined
  while (!signal.aborted && o.names().length > 0) {
    const objection = o.objection()
    if (objection === undefined) {
      const names = o.names()
      o.log.info({ notify: names.join(', ') }, 'Ready for work, as the checks say.')
      o.tell(names, readyNotification(started, o.clock.now()))
      return
    }
    if (objection !== PENDING && said === undefined) {
      said = objection
      o.log.warn({ reason: objection }, 'Not ready for work; nobody is told that it is until that is mended.')
    }
    await o.clock.wait(LOOK_MS, signal)
  }
}

const readyNotification = (started: number, now: number): Notification => ({
  check: 'yarder',
  type: 'agent',
  state: 'ok',
  previous: 'unknown',
  reason: 'ok',
  message: 'ready for work',
  since: now,
  previousSince: started,
  owner: undefined
})
