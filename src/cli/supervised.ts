// What `yarder run` tells systemd while it runs: ready, how it is, alive, reloading, stopping.
import type { Progress } from '../agent/progress.ts'
import type { Status } from '../agent/status.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { monotonicMicroseconds } from '../service/systemd.ts'
import type { Notice, Systemd } from '../service/systemd.ts'
import { statusLine } from './status-line.ts'

export interface SupervisedOptions {
  readonly systemd: Systemd
  readonly status: () => Status
  readonly progress: Progress
  readonly clock: Clock
  readonly log: Log
  /** Takes secrets out of what others can read. */
  readonly mask: (text: string) => string
}

const EVERY_MS = 5000
/** A pipeline gives up on a batch long before; one that takes so long hangs by a bug. */
const STUCK_MS = 30_000
/** While it stops, systemd is asked for so much more time again and again, until the stop should long be over. */
const EXTEND_MS = 15_000

/** One for the life of the agent. */
export class Supervised {
  readonly #options: SupervisedOptions
  readonly #timer: NodeJS.Timeout
  #phase: 'starting' | 'running' | 'stopping' = 'starting'
  /** A notice that systemd had no room for. */
  #owed: Notice | undefined
  #told = ''
  #stuck = false
  #lines = 0
  #at: number
  /** On the clock: who still stops then hangs, and gets no more time. */
  #overBy = Infinity

  constructor(options: SupervisedOptions) {
    this.#options = options
    this.#at = options.clock.elapsed()
    const { watchdogMs = Infinity } = options.systemd
    this.#timer = setInterval(() => this.#tick(), Math.min(EVERY_MS, watchdogMs / 3))
    this.#timer.unref()
  }

  /** Inputs and the listener stand. */
  ready(): void {
    this.#phase = 'running'
    this.#say({ READY: 1, STATUS: this.#line() })
  }

  /** Around a reload; `reload` gives the reason when it was refused. */
  async reloading(reload: () => Promise<string | undefined>): Promise<string | undefined> {
    if (this.#phase !== 'running') return reload()
    this.#say({ RELOADING: 1, MONOTONIC_USEC: monotonicMicroseconds(), STATUS: 'Reloading the configuration' })
    try {
      return await reload()
    } finally {
      if (this.#phase === 'running') this.#say({ READY: 1, STATUS: this.#line() })
    }
  }

  /** It begins to drain, for which it has so many milliseconds; what is to be closed afterwards takes a moment. */
  stopping(withinMs: number): void {
    this.#phase = 'stopping'
    this.#overBy = this.#options.clock.elapsed() + withinMs + EXTEND_MS
    this.#say({ STOPPING: 1, STATUS: 'Stopping', EXTEND_TIMEOUT_USEC: EXTEND_MS * 1000 })
  }

  /** It is over, or could not start. */
  close(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const owed = this.#owed
    this.#owed = undefined
    if (owed !== undefined) this.#say(owed)
    const notice: Notice = {}
    if (this.#moves()) notice.WATCHDOG = 1
    if (this.#phase === 'stopping' && this.#options.clock.elapsed() < this.#overBy)
      notice.EXTEND_TIMEOUT_USEC = EXTEND_MS * 1000
    const line = this.#phase === 'starting' ? this.#told : this.#line()
    if (line !== this.#told) notice.STATUS = line
    if (Object.keys(notice).length > 0 && this.#options.systemd.tell(notice)) this.#told = line
  }

  /** That this is asked at all shows that the loop turns. */
  #moves(): boolean {
    const { progress, log } = this.#options
    const stuck = progress.oldestMs > STUCK_MS
    if (stuck && !this.#stuck)
      log.error(
        { forMs: Math.round(progress.oldestMs) },
        'A pipeline does not come back; systemd is not told that all is well.'
      )
    this.#stuck = stuck
    return !stuck
  }

  #say(notice: Notice): void {
    if (this.#options.systemd.tell(notice)) this.#told = notice.STATUS ?? this.#told
    else this.#owed = notice
  }

  #line(): string {
    const { status, progress, clock, mask } = this.#options
    const now = clock.elapsed()
    const lines = progress.lines
    const passed = now - this.#at
    const rate = passed < 1000 ? undefined : ((lines - this.#lines) * 1000) / passed
    if (passed >= 1000) {
      this.#lines = lines
      this.#at = now
    }
    return mask(statusLine(status(), rate))
  }
}
