// What is done about a check that fails: a program or a restart of a unit, so often and no more, and never in silence.
import type { Clock } from '../core/clock.ts'
import type { CheckState } from '../core/component.ts'
import { describe } from '../core/errors.ts'
import { choice, duration, integer, list, object, optional, string, text } from '../core/field.ts'
import type { Values } from '../core/field.ts'
import type { Log } from '../core/log.ts'
import { runProgram } from './program.ts'
import { actOnUnit } from './systemd.ts'

const fields = {
  command: optional(
    list(text('The program, or one argument.'), 'The program and its arguments, an item each. No shell reads it.', {
      min: 1,
      example: ['/usr/local/bin/clear-cache']
    })
  ),
  restart: optional(
    string(
      'The unit that systemd restarts. An agent that is not root needs leave: `/usr/share/yarder/drop-ins/units.rules`.',
      {
        example: 'nginx.service',
        pattern: /^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*$/,
        must: 'the name of a unit such as "nginx.service"'
      }
    )
  ),
  at: choice(['critical', 'warning', 'unknown'], 'The state in which it is done.', { default: 'critical' }),
  times: integer('So often within `within`, then it is left and told.', { default: 2, min: 1, max: 100 }),
  within: duration('The time that `times` are counted over.', { default: '15m', min: '1m', max: '7d' }),
  timeout: duration('A program that takes longer is killed, with all it started.', {
    default: '1m',
    min: '100ms',
    max: '1h'
  })
}
export type RemedyOptions = Values<typeof fields>

export const remedyField = optional(
  object(
    fields,
    'What is done when it fails, besides telling people: at once, and again after as many further failures as made it critical. Nothing is done in maintenance, or while what it depends on fails.',
    { example: { restart: 'nginx.service' } }
  )
)

/** What is wrong with a combination of its options. */
export function* lintRemedy(o: RemedyOptions | undefined): Iterable<readonly [option: string, message: string]> {
  if (o === undefined) return
  if ((o.command === undefined) === (o.restart === undefined)) yield ['remedy', 'takes either command or restart']
}

export interface RemedySurroundings {
  readonly check: string
  /** Further failures before it is done again. */
  readonly every: number
  readonly clock: Clock
  readonly log: Log
  /** `done`, `failed` or `left`. */
  count(outcome: string): void
}

/** One for a check; at most one program of it at a time. */
export class Remedy {
  readonly #options: RemedyOptions
  readonly #around: RemedySurroundings
  readonly #abort = new AbortController()
  #done: number[] = []
  #failuresAtLast: number | undefined
  #given = false
  #work: Promise<void> | undefined

  constructor(options: RemedyOptions, around: RemedySurroundings) {
    this.#options = options
    this.#around = around
  }

  /** After each look at the target. `failures` are those in a row; returns at once. */
  look(state: CheckState, failures: number): void {
    if (state !== this.#options.at) {
      this.#failuresAtLast = undefined
      this.#given = false
      return
    }
    const { clock, log, every, check, count } = this.#around
    const due = this.#failuresAtLast === undefined || failures >= this.#failuresAtLast + every
    if (!due || this.#work !== undefined || this.#abort.signal.aborted) return
    const now = clock.elapsed()
    this.#done = this.#done.filter(at => now - at < this.#options.within)
    if (this.#done.length >= this.#options.times) {
      if (this.#given) return
      this.#given = true
      count('left')
      log.error({ check, times: this.#done.length }, 'A remedy has not helped and is left; somebody has to look.')
      return
    }
    this.#given = false
    this.#failuresAtLast = failures
    this.#done.push(now)
    this.#work = this.#run().finally(() => {
      this.#work = undefined
    })
  }

  /** Whether its program runs. */
  get busy(): boolean {
    return this.#work !== undefined
  }

  /** What runs is killed. */
  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#work
  }

  async #run(): Promise<void> {
    const { command, restart, timeout } = this.#options
    const { log, check, count, clock } = this.#around
    // An argument may be a secret.
    log.warn({ check, ...(command === undefined ? { restart } : { command: command[0] }) }, 'A remedy is tried.')
    const limit = new AbortController()
    const over = new AbortController()
    const signal = AbortSignal.any([limit.signal, this.#abort.signal])
    void clock.wait(timeout, over.signal).then(() => limit.abort())
    try {
      const { fault, said } = await (command === undefined
        ? restartUnit(restart!, signal)
        : runCommand(command, signal))
      if (fault === undefined) log.info({ check, said }, 'A remedy was done.')
      else log.error({ check, said, how: fault }, 'A remedy has failed.')
      count(fault === undefined ? 'done' : 'failed')
    } catch (error) {
      log.error({ check, error: describe(error) }, 'A remedy has failed.')
      count('failed')
    } finally {
      over.abort()
    }
  }
}

/** What came of it; `fault` is undefined when it was done. */
interface Outcome {
  readonly fault: string | undefined
  readonly said?: string | undefined
}

async function runCommand(argv: readonly string[], signal: AbortSignal): Promise<Outcome> {
  const { code, signal: by, stdout, stderr } = await runProgram(argv, signal)
  const said = (stderr.trim() || stdout.trim()).split('\n').at(-1)?.slice(0, 200) || undefined
  return { said, fault: code === 0 ? undefined : code === undefined ? by : `exit status ${code}` }
}

const restartUnit = async (unit: string, signal: AbortSignal): Promise<Outcome> => ({
  fault: await actOnUnit('systemctl', ['restart'], unit, signal)
})
