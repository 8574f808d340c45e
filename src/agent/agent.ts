// The running agent: takes its data directory, runs what the configuration names, swaps what a reload changed, and drains.
import type { Clock } from '../core/clock.ts'
import { describe } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { createStore } from '../metrics/store.ts'
import type { Store } from '../metrics/store.ts'
import type { LogService } from '../service/log.ts'
import { controlActions } from './actions.ts'
import { AdminPage } from './admin-page.ts'
import type { ControlActions, Listener, ListenerSource } from './admin.ts'
import { Assembly } from './assembly.ts'
import type { CheckedConfig } from './components.ts'
import { controlPlace, openControl } from './control-socket.ts'
import { DataDir, dataDirOf } from './data-dir.ts'
import { keepOwnNumbers } from './own-numbers.ts'
import type { Pausable } from './positions.ts'
import { Progress } from './progress.ts'
import { callReady } from './ready-call.ts'
import { reclaimWhenCalm, thisProcess } from './reclaim.ts'
import { meterState, statePart } from './state-health.ts'
import { maskedStatus, redMessage, statusOf } from './status.ts'
import type { Status } from './status.ts'

export interface AgentOptions {
  readonly checked: CheckedConfig
  readonly configDir: string
  readonly env: NodeJS.ProcessEnv
  readonly logs: LogService
  readonly clock: Clock
  readonly version: string
  /** Read to the end, deliver, and be done. */
  readonly once: boolean
  /** What the control socket can ask for, besides what the agent itself knows. */
  readonly actions?: ControlActions
}

interface Running {
  readonly data: DataDir
  readonly assembly: Assembly
}

/** One agent. `start` once, then `reload` and `stop`. */
export class Agent {
  readonly #options: AgentOptions
  readonly #log: Log
  readonly #store: Store = createStore()
  readonly #reloaded: (taken: boolean) => void
  readonly #started: number
  /** Lines through the pipelines, and whether one stands still. */
  readonly progress: Progress
  /** The configuration in force. */
  #checked: CheckedConfig
  #configError: string | undefined
  /** From when the data directory is taken. */
  #running: Running | undefined
  readonly #admin = new AdminPage(this.#adminSource())
  #control: Pick<Listener, 'close'> | undefined
  #ready = false
  #draining = false
  /** Ends a reload's wait for an output. */
  readonly #stopping = new AbortController()
  /** Never rejects; the change that is under way, or the last. */
  #changing: Promise<unknown> = Promise.resolve()
  #stopped: Promise<boolean> | undefined
  readonly #finished = Promise.withResolvers<void>()
  readonly #pointless = Promise.withResolvers<void>()

  constructor(options: AgentOptions) {
    const { checked, logs, clock, version } = options
    this.#options = options
    this.#checked = checked
    this.#log = logs.root.child('agent')
    this.#started = clock.elapsed()
    this.progress = new Progress(clock)
    this.#reloaded = keepOwnNumbers(this.#store.instruments, logs, version)
  }

  /** Takes the data directory and starts all; throws YarderError when the environment does not allow it. */
  start(): Promise<void> {
    return this.#inTurn(() => this.#start())
  }

  async #start(): Promise<void> {
    const { env, clock, once } = this.#options
    this.#configureLog()
    const running = this.#take()
    const { data, assembly } = running
    await this.#admin.apply(this.#checked.sections.admin.values)
    const place = controlPlace(env, data.path)
    this.#control = await openControl(this.#adminSource(), place, this.#actions(running), this.#log)
    await assembly.plan(this.#checked)(this.shutdownTimeout)
    this.#reloaded(true)
    data.keepWriting()
    // It may be stopped by now.
    this.#ready = !this.#draining
    if (!once) void reclaimWhenCalm(thisProcess(), clock, this.#stopping.signal)
    this.#log.info(
      {
        listen: this.#admin.address,
        data_dir: data.path,
        inputs: assembly.inlets.size,
        outputs: assembly.outlets.names.length
      },
      'Started.'
    )
    if (!once) void this.#callReady(assembly)
    this.#lookForEnd(assembly)
  }

  /** Throws YarderError when the data directory can't be had. */
  #take(): Running {
    const { logs, clock } = this.#options
    const data = new DataDir(this.#dataDirOf(this.#checked), this.#log, logs.root.child('agent.state'), clock)
    meterState(this.#store.instruments, data.state)
    const assembly: Assembly = new Assembly({
      ...this.#options,
      store: this.#store,
      state: data.state,
      dataDir: data.path,
      progress: this.progress,
      stopping: this.#stopping.signal,
      onBroken: output => this.#broken(assembly, output),
      onEnd: () => void this.#changing.then(() => this.#lookForEnd(assembly))
    })
    this.#running = { data, assembly }
    return this.#running
  }

  /** Changes are made one after the other; a stop waits for them. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const mine = this.#changing.then(change)
    this.#changing = mine.catch(() => {})
    return mine
  }

  /**
   * Resolves when every input there is has come to its own end, as with `--once` or at the end of standard input. One
   * that a reload stops has not, and without any input there are the health checks to go on with.
   */
  get finished(): Promise<void> {
    return this.#finished.promise
  }

  /** True when an input ended by a bug, so that not everything was read. */
  get failed(): boolean {
    return this.#running?.assembly.inlets.failed === true
  }

  /** Resolves when everything that was read is acknowledged. */
  async settled(): Promise<void> {
    await this.#running?.assembly.inlets.settled()
  }

  /** Resolves when the last output that still worked can't go on for good: nobody reads stdout any more. */
  get pointless(): Promise<void> {
    return this.#pointless.promise
  }

  #broken({ outlets }: Assembly, name: string): void {
    if (outlets.broken) return this.#pointless.resolve()
    this.#log.error({ output: name }, 'An output can take nothing any more; inputs that send to it wait for good.')
  }

  /** Asked for when an input has ended and when the configuration has changed; not while it changes. */
  #lookForEnd({ inlets, outlets }: Assembly): void {
    if ((inlets.size > 0 || this.#options.once) && inlets.over) this.#finished.resolve()
    if (outlets.broken) this.#pointless.resolve()
  }

  /**
   * Takes over a new configuration: only what changed is stopped and started; what is on its way arrives. On a
   * configuration that cannot be built nothing has changed and the reason is returned.
   */
  reload(load: () => Promise<CheckedConfig>): Promise<string | undefined> {
    return this.#inTurn(() => this.#reload(load))
  }

  async #reload(load: () => Promise<CheckedConfig>): Promise<string | undefined> {
    const running = this.#running
    if (this.#draining || running === undefined) return 'the agent is stopping'
    try {
      const { data, assembly } = running
      const checked = await load()
      const dataDir = this.#dataDirOf(checked)
      if (dataDir !== data.path)
        throw new Error(`agent.data_dir cannot change while running (it is ${data.path}); restart for ${dataDir}`)
      // Everything is built before anything is touched: what cannot be built changes nothing.
      const apply = assembly.plan(checked)
      await this.#admin.apply(checked.sections.admin.values)
      await apply(this.shutdownTimeout)
      this.#checked = checked
      this.#configureLog()
      this.#configError = undefined
      this.#reloaded(true)
      const { inlets, outlets } = assembly
      this.#log.info({ inputs: inlets.size, outputs: outlets.names.length }, 'Configuration reloaded.')
      this.#lookForEnd(assembly)
      return undefined
    } catch (error) {
      this.#configError = describe(error)
      this.#reloaded(false)
      this.#log.error({ error: this.#configError }, 'The new configuration was refused; the old one stays in force.')
      return this.#configError
    }
  }

  /** Stops reading, lets what was read arrive within `agent.shutdown_timeout`, writes positions. False when some did not arrive. */
  stop(): Promise<boolean> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<boolean> {
    this.#draining = true
    this.#ready = false
    const deadline = this.#options.clock.elapsed() + this.shutdownTimeout
    this.#log.info({ unacknowledged: this.#unacknowledged }, 'Stopping.')
    this.#stopping.abort()
    await this.#changing
    const { data, assembly } = this.#running ?? {}
    const arrived = (await assembly?.drain(deadline)) ?? true
    // The last numbers are shown, and sent, once they are durable.
    data?.writeLast()
    await assembly?.close()
    data?.closeState()
    await Promise.all([this.#admin.close(), this.#control?.close()])
    data?.release()
    if (arrived) this.#log.info({}, 'Stopped; everything that was read has arrived.')
    else {
      const sentence = 'Stopped; what was not acknowledged is read again at the next start.'
      this.#log.warn({ unacknowledged: this.#unacknowledged }, sentence)
    }
    return arrived
  }

  get #unacknowledged(): number {
    return this.#running?.assembly.outlets.unacknowledged ?? 0
  }

  /** How long a stop may wait for outputs, milliseconds: as the configuration in force says. */
  get shutdownTimeout(): number {
    return this.#checked.sections.agent.values.shutdown_timeout
  }

  status(): Status {
    const { data, assembly } = this.#running ?? {}
    const running = assembly?.status() ?? { outputs: [], inputs: [], checks: [] }
    const status = statusOf(running, statePart(data?.state), {
      version: this.#options.version,
      pid: process.pid,
      uptimeSeconds: Math.round((this.#options.clock.elapsed() - this.#started) / 1000),
      ready: this.#ready,
      draining: this.#draining,
      configFiles: [...this.#checked.files],
      configError: this.#configError
    })
    return maskedStatus(status, this.#checked.mask)
  }

  #callReady({ health }: Assembly): Promise<void> {
    const call = {
      clock: this.#options.clock,
      log: this.#log,
      names: () => this.#checked.sections.agent.values.notify_ready ?? [],
      objection: () => health.objection() ?? redMessage(this.status()),
      tell: health.tell
    }
    return callReady(call, this.#stopping.signal)
  }

  /** The address of /metrics, once started. */
  get address(): string | undefined {
    return this.#admin.address
  }

  #dataDirOf(checked: CheckedConfig): string {
    return dataDirOf(checked, this.#options.configDir, this.#options.env)
  }

  #configureLog(): void {
    const { log_level: level, log_format: format, environment } = this.#checked.sections.agent.values
    this.#options.logs.configure({
      level: this.#options.env['LOGLEVEL'] ? undefined : level,
      environment,
      format,
      mask: this.#checked.mask
    })
  }

  #adminSource(): ListenerSource {
    return {
      store: this.#store,
      status: () => this.status(),
      configDir: () => this.#options.configDir,
      log: () => this.#log
    }
  }

  #actions({ data, assembly }: Running): ControlActions {
    const { actions, logs, clock } = this.#options
    const agent: Pausable = {
      dataDir: data.path,
      state: data.state,
      log: this.#log,
      status: () => this.status(),
      pause: (input, edit) => this.#inTurn(() => assembly.pause(this.#checked, input, edit))
    }
    return { ...actions, ...controlActions({ agent, assembly, store: this.#store, logs, clock }) }
  }
}
