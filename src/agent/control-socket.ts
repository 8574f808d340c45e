// The control socket on a disk that may refuse it for a while: the agent runs without it then, and comes back to it.
import { join } from 'node:path'
import { errnoOf, describe } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { startControl } from './admin.ts'
import type { AdminSource, ControlActions, Listener } from './admin.ts'

/** What a disk that is full, read-only or broken says. */
const REFUSALS = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'])
const RETRY_MS = 5000

/** Where the control socket is made, and its mode. */
export interface ControlPlace {
  readonly path: string
  readonly mode: number
}

/**
 * In systemd's $RUNTIME_DIRECTORY the group may use it too: that is the service's own there, which can read the
 * configuration as well. In a data directory the group is whatever the user who started the agent has.
 */
export function controlPlace(env: NodeJS.ProcessEnv, dataDir: string): ControlPlace {
  const runtime = (env['RUNTIME_DIRECTORY'] ?? '').split(':')[0]!
  const own = runtime === ''
  return { path: join(own ? dataDir : runtime, 'yarder.sock'), mode: own ? 0o600 : 0o660 }
}

/** As startControl, but a disk that refuses the socket is told, and asked again every few seconds. Rejects for any other reason. */
export async function openControl(
  source: AdminSource,
  { path, mode }: ControlPlace,
  actions: ControlActions,
  log: Log
): Promise<Pick<Listener, 'close'>> {
  try {
    return await startControl(source, path, actions, mode)
  } catch (error) {
    if (!REFUSALS.has(errnoOf(error))) throw error
    const sentence = 'The control socket cannot be made; the command line cannot ask this agent until it can.'
    log.error({ path, error: describe(error) }, sentence)
  }
  let opened: Listener | undefined
  let trying: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    trying = trying.then(async () => {
      if (opened !== undefined) return
      opened = await startControl(source, path, actions, mode).catch(() => undefined)
      if (opened === undefined) return
      clearInterval(timer)
      log.info({ path }, 'The control socket is there.')
    })
  }, RETRY_MS)
  return {
    close: async () => {
      clearInterval(timer)
      await trying
      await opened?.close()
    }
  }
}
