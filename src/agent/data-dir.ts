// The data directory: which one it is, and what the agent that has taken it keeps there.
import { join, resolve } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { lock } from '../core/lock.ts'
import type { Lock } from '../core/lock.ts'
import type { Log } from '../core/log.ts'
import { StateFile } from '../core/state-file.ts'
import type { CheckedConfig } from './components.ts'

const COMMIT_EVERY_MS = 1000

/** Where positions and dead letters are kept: `agent.data_dir`, else systemd's StateDirectory, else /var/lib/yarder. */
export function dataDirOf(checked: CheckedConfig, configDir: string, env: NodeJS.ProcessEnv): string {
  const own = checked.sections.agent.values.data_dir
  return resolve(configDir, own ?? (env['STATE_DIRECTORY'] || '/var/lib/yarder').split(':')[0]!)
}

/** One agent has it at a time: from here until `release`. */
export class DataDir {
  readonly path: string
  readonly state: StateFile
  readonly #lock: Lock
  readonly #log: Log
  #commits: NodeJS.Timeout | undefined

  /** Takes it. Throws YarderError when another process has it, or it can't be used. */
  constructor(path: string, log: Log, stateLog: Log, clock: Clock) {
    this.path = path
    this.#log = log
    this.#lock = lock(path)
    try {
      this.state = new StateFile(join(path, 'state.db'), stateLog, clock)
    } catch (error) {
      this.#lock.release()
      throw error
    }
  }

  /** From now on what was acknowledged is written once a second. */
  keepWriting(): void {
    this.#commits = setInterval(() => this.state.commit(), COMMIT_EVERY_MS)
  }

  /** Nothing is acknowledged any more: what was is written. */
  writeLast(): void {
    clearInterval(this.#commits)
    this.state.commit()
  }

  closeState(): void {
    if (this.state.close()) return
    this.#log.error({}, 'The positions could not be written; what was acknowledged since the last time is sent again.')
  }

  /** Another agent may have it. Nothing that this one put there is in use any more, the control socket included. */
  release(): void {
    this.#lock.release()
  }
}
