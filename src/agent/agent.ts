// The running agent: builds what the configuration names, starts it, swaps what a reload changed, and drains.
import { join, resolve } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { describe, YarderError } from '../core/errors.ts'
import type { Event } from '../core/event.ts'
import { lock } from '../core/lock.ts'
import type { Lock } from '../core/lock.ts'
import type { Log } from '../core/log.ts'
import { StateFile } from '../core/state-file.ts'
import { createStore } from '../metrics/store.ts'
import type { Store } from '../metrics/store.ts'
import type { LogService } from '../service/log.ts'
import { AdminPage } from './admin-page.ts'
import type { ControlActions, Listener, ListenerSource } from './admin.ts'
import { createBufferPool } from './buffers.ts'
import type { CheckedConfig, InputUnit } from './components.ts'
import { contextMaker } from './context.ts'
import { controlPlace, openControl } from './control-socket.ts'
import type { MakeContext } from './context.ts'
import { deadLetterActions } from './dead-letters.ts'
import { Exporters } from './exporters.ts'
import { RunningHostMetrics } from './host-metrics.ts'
import { Inlet } from './inlet.ts'
import { isMetered, metricsSignature, RunningMetrics } from './log-metrics.ts'
import { Outlets } from './outlets.ts'
import type { OutletPlan } from './outlets.ts'
import { HealthChecks, watchedByChecks } from './health-checks.ts'
import { Progress } from './progress.ts'
import { callReady } from './ready-call.ts'
import { OwnRecords } from './own-records.ts'
import { answerPositions } from './positions.ts'
import { listMetrics } from './metric-list.ts'
import { meterState, statePart } from './state-health.ts'
import { reclaimWhenCalm, thisProcess } from './reclaim.ts'
import { asPart, maskedStatus, outputPart, overall, redMessage } from './status.ts'
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

const COMMIT_EVERY_MS = 1000
/** What checks still have to tell has so long to arrive at a stop. */
const NOTIFY_AT_STOP_MS = 2000
/** Idle buffers kept for encoded records; more are freed. */
const IDLE_BUFFER_BYTES = 16 * 1024 * 1024
const BUFFER_BYTES = 1536 * 1024
/** So long an input may stand still for `yarder positions`; the command waits a little longer. */
const PAUSE_MS = 4000
/** So long an input waits for what is under way before it reads that again; later it may arrive twice. */
const UNDER_WAY_MS = 3000

/** Where positions and dead letters are kept: `agent.data_dir`, else systemd's StateDirectory, else /var/lib/yarder. */
export function dataDirOf(checked: CheckedConfig, configDir: string, env: NodeJS.ProcessEnv): string {
  const own = checked.sections.agent.values.data_dir
  return resolve(configDir, own ?? (env['STATE_DIRECTORY'] || '/var/lib/yarder').split(':')[0]!)
}

interface InletPlan {
  readonly name: string
  readonly signature: string
  start(): Inlet
}

/** One agent. `start` once, then `reload` and `stop`. */
export class Agent {
  readonly #options: AgentOptions
  readonly #log: Log
  readonly #buffers = createBufferPool(BUFFER_BYTES, IDLE_BUFFER_BYTES)
  readonly #outlets: Outlets
  readonly #exporters: Exporters
  readonly #store: Store = createStore()
  readonly #metrics: RunningMetrics
  readonly #host: RunningHostMetrics
  /** Lines through the pipelines, and whether one stands still. */
  readonly progress: Progress
  readonly #inlets = new Map<string, Inlet>()
  readonly #started: number
  readonly #reloads
  #checked: CheckedConfig
  #dataDir = ''
  #lock: Lock | undefined
  #state: StateFile | undefined
  #commits: NodeJS.Timeout | undefined
  readonly #admin = new AdminPage(this.#adminSource())
  #control: Pick<Listener, 'close'> | undefined
  #ownRecords: OwnRecords | undefined
  #health: HealthChecks | undefined
  #stopped: Promise<boolean> | undefined
  #ready = false
  #draining = false
  #configError: string | undefined
  readonly #finished = Promise.withResolvers<void>()
  readonly #pointless = Promise.withResolvers<void>()
  /** Ends a reload's wait for an output. */
  readonly #stopping = new AbortController()
  #changing: Promise<unknown> = Promise.resolve()

  constructor(options: AgentOptions) {
    this.#options = options
    this.#checked = options.checked
    this.#log = options.logs.root.child('agent')
    this.#started = options.clock.elapsed()
    this.progress = new Progress(options.clock)
    this.#metrics = new RunningMetrics(this.#store, options.clock)
    this.#host = new RunningHostMetrics(this.#store, options.clock, options.logs.root.child('metrics'))
    const reader = {
      read: () => this.#store.read(),
      checks: () => (this.#health?.status() ?? []).filter(check => check.lastRun !== undefined)
    }
    this.#exporters = new Exporters(reader, options.logs.root.child('metrics'))
    const settled = (): unknown => this.#state?.commit()
    this.#outlets = new Outlets(options.clock, name => this.#broken(name), settled)
    const gauge = this.#store.instruments
    const held = 'Lines of its own log that the agent held back and told once, with a count.'
    const suppressed = gauge.counter('yarder_log_suppressed_total', held, ['level'])
    for (const level of ['error', 'warn', 'info', 'debug']) suppressed.add(0, level)
    options.logs.onHeld = level => suppressed.add(1, level)
    this.#reloads = gauge.gauge(
      'yarder_config_last_reload_successful',
      'Whether the last reload of the configuration was taken over.'
    )
    gauge
      .gauge('yarder_build_info', 'The version that runs; always 1.', ['version', 'node'])
      .set(1, options.version, process.versions.node)
  }

  /** Takes the data directory and starts all; throws YarderError when the environment does not allow it. */
  start(): Promise<void> {
    const mine = this.#start()
    // A reload that is asked for meanwhile comes after it.
    this.#changing = mine.catch(() => {})
    return mine
  }

  async #start(): Promise<void> {
    const { env, configDir, logs, clock } = this.#options
    this.#configureLog()
    this.#dataDir = dataDirOf(this.#checked, configDir, env)
    this.#lock = lock(this.#dataDir)
    this.#state = new StateFile(join(this.#dataDir, 'state.db'), logs.root.child('agent.state'), clock)
    meterState(this.#store.instruments, this.#state)
    this.#health = new HealthChecks({
      clock,
      log: logs.root.child('health'),
      instruments: this.#store.instruments,
      state: this.#state,
      metrics: this.#store,
      ship: event => this.#ownRecords?.record(event)
    })
    await this.#admin.apply(this.#checked.sections.admin.values)
    const place = controlPlace(env, this.#dataDir)
    this.#control = await openControl(this.#adminSource(), place, this.#actions(), this.#log)
    await this.#plan(this.#checked)()
    this.#reloads.set(1)
    this.#commits = setInterval(() => this.#state?.commit(), COMMIT_EVERY_MS)
    this.#ready = true
    if (!this.#options.once) void reclaimWhenCalm(thisProcess(), this.#options.clock, this.#stopping.signal)
    this.#log.info(
      {
        listen: this.#admin.address,
        data_dir: this.#dataDir,
        inputs: this.#inlets.size,
        outputs: this.#outlets.names.length
      },
      'Started.'
    )
    if (!this.#options.once) void this.#callReady()
    this.#lookForEnd()
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
    return [...this.#inlets.values()].some(inlet => inlet.status().state === 'failed')
  }

  /** Resolves when everything that was read is acknowledged. */
  async settled(): Promise<void> {
    await Promise.all([...this.#inlets.values()].map(inlet => inlet.settled()))
  }

  /** Resolves when the last output that still worked can't go on for good: nobody reads stdout any more. */
  get pointless(): Promise<void> {
    return this.#pointless.promise
  }

  #broken(name: string): void {
    if (this.#outlets.broken) return this.#pointless.resolve()
    this.#log.error({ output: name }, 'An output can take nothing any more; inputs that send to it wait for good.')
  }

  /** Asked for when an input has ended and when the configuration has changed; not while it changes. */
  #lookForEnd(): void {
    const inlets = [...this.#inlets.values()]
    if ((inlets.length > 0 || this.#options.once) && inlets.every(inlet => inlet.over)) this.#finished.resolve()
    if (this.#outlets.broken) this.#pointless.resolve()
  }

  /**
   * Takes over a new configuration: only what changed is stopped and started; what is on its way arrives. On a
   * configuration that cannot be built nothing has changed and the reason is returned.
   */
  reload(load: () => Promise<CheckedConfig>): Promise<string | undefined> {
    const mine = this.#changing.then(() => this.#reload(load))
    this.#changing = mine.catch(() => {})
    return mine
  }

  async #reload(load: () => Promise<CheckedConfig>): Promise<string | undefined> {
    if (this.#draining) return 'the agent is stopping'
    try {
      const checked = await load()
      const dataDir = dataDirOf(checked, this.#options.configDir, this.#options.env)
      if (dataDir !== this.#dataDir)
        throw new Error(`agent.data_dir cannot change while running (it is ${this.#dataDir}); restart for ${dataDir}`)
      // Everything is built before anything is touched: what cannot be built changes nothing.
      const apply = this.#plan(checked)
      await this.#admin.apply(checked.sections.admin.values)
      await apply()
      this.#checked = checked
      this.#configureLog()
      this.#configError = undefined
      this.#reloads.set(1)
      this.#log.info({ inputs: this.#inlets.size, outputs: this.#outlets.names.length }, 'Configuration reloaded.')
      this.#lookForEnd()
      return undefined
    } catch (error) {
      this.#configError = describe(error)
      this.#reloads.set(0)
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
    const { clock } = this.#options
    const deadline = clock.elapsed() + this.#checked.sections.agent.values.shutdown_timeout
    this.#log.info({ unacknowledged: this.#outlets.unacknowledged }, 'Stopping.')
    this.#stopping.abort()
    await this.#changing
    await this.#health?.stop(NOTIFY_AT_STOP_MS)
    // What is held back of its errors is shipped while that can still arrive.
    this.#options.logs.flush()
    this.#ownRecords?.close()
    await Promise.all([...this.#inlets.values()].map(inlet => inlet.stopReading()))
    const arrived = await this.#outlets.drain(Math.max(0, deadline - clock.elapsed()))
    clearInterval(this.#commits)
    // The last numbers are shown, and sent, once they are durable.
    this.#state?.commit()
    await this.#exporters.stop()
    await this.#host.stop()
    if (this.#state?.close() === false)
      this.#log.error(
        {},
        'The positions could not be written; what was acknowledged since the last time is sent again.'
      )
    await Promise.all([this.#admin.close(), this.#control?.close()])
    this.#lock?.release()
    if (arrived) this.#log.info({}, 'Stopped; everything that was read has arrived.')
    else
      this.#log.warn(
        { unacknowledged: this.#outlets.unacknowledged },
        'Stopped; what was not acknowledged is read again at the next start.'
      )
    return arrived
  }

  status(): Status {
    const outputs = this.#outlets.status()
    const inputs = [...this.#inlets.values()].map(inlet => inlet.status())
    const checks = this.#health?.status() ?? []
    const broken = inputs
      .filter(i => i.state === 'failed')
      .map(i => ({ name: i.name, state: 'red' as const, message: i.message }))
    const status: Status = {
      ...overall(
        [...outputs.map(outputPart), ...broken, statePart(this.#state), ...checks.map(asPart)],
        this.#draining
      ),
      version: this.#options.version,
      pid: process.pid,
      uptimeSeconds: Math.round((this.#options.clock.elapsed() - this.#started) / 1000),
      ready: this.#ready,
      draining: this.#draining,
      configFiles: [...this.#checked.files],
      configError: this.#configError,
      outputs,
      inputs,
      checks
    }
    return maskedStatus(status, this.#checked.mask)
  }

  #callReady(): Promise<void> {
    const health = this.#health!
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

  /** Builds all that the configuration names; what is returned swaps it in. Throws ConfigError. */
  #plan(checked: CheckedConfig): () => Promise<void> {
    const context = this.#contexts(checked)
    const outlets = this.#outlets.plan(checked.units.outputs, name => context('output', name))
    const inlets = checked.units.inputs.map(unit => this.#planInlet(checked, unit, outlets, context))
    const numbers = this.#metrics.plan(checked, this.#state!, name => context('metrics', name))
    const checks = this.#health!.plan(checked, context)
    const exporters = this.#exporters.plan(checked.units.exporters, checked.sections.agent.signature, name =>
      context('metrics', name)
    )
    const own = context('input', 'yarder').constants
    const wanted = new Map(inlets.map(i => [i.name, i.signature]))
    this.#refuseToReopen(wanted)
    return async () => {
      await this.#dropInlets(new Map(inlets.map(i => [i.name, i])))
      await outlets.apply()
      numbers.apply()
      // Before the exporters, whose first reading is what later ones are compared with.
      if (!this.#options.once) await this.#host.apply(checked.sections.host_metrics)
      await exporters.apply()
      for (const plan of inlets) {
        if (!this.#inlets.has(plan.name)) this.#startInlet(plan)
      }
      this.#shipOwnRecords(checked, outlets, own)
      // Under --once there is nothing to watch.
      if (!this.#options.once) await checks.apply()
    }
  }

  #contexts(checked: CheckedConfig): MakeContext {
    const { logs, clock, env, configDir, version, once } = this.#options
    return contextMaker({
      checked,
      logs,
      clock,
      instruments: this.#store.instruments,
      state: this.#state!,
      dataDir: this.#dataDir,
      configDir,
      env,
      version,
      once
    })
  }

  /** Standard input can't be opened a second time: an input that reads it goes on as it is, or goes. */
  #refuseToReopen(wanted: ReadonlyMap<string, string>): void {
    if (this.#options.once) return
    for (const { name, signature, finite, over } of this.#inlets.values()) {
      if (!finite || over || !wanted.has(name) || wanted.get(name) === signature) continue
      const what = 'it, its pipeline, its outputs, the metrics or the section agent'
      throw new Error(
        `inputs.${name} reads a stream that cannot be opened again, and ${what} changed; restart for that`
      )
    }
  }

  #startInlet(plan: InletPlan): void {
    const inlet = plan.start()
    this.#inlets.set(plan.name, inlet)
    void inlet.finished.then(() => this.#changing).then(() => this.#lookForEnd())
  }

  /** Stops one input, lets what it read arrive, calls `edit`, and starts it again; others go on. Rejects when it can't. */
  #pause<T>(name: string, edit: () => T): Promise<T> {
    const mine = this.#changing.then(async () => {
      const before = this.#inlets.get(name)
      const unit = this.#checked.units.inputs.find(u => u.name === name)
      if (this.#draining || before === undefined || unit === undefined)
        throw new YarderError('REFUSED', `the input ${name} is being stopped or changed; try again in a moment`)
      const context = this.#contexts(this.#checked)
      const outlets = this.#outlets.plan(this.#checked.units.outputs, n => context('output', n))
      const plan = this.#planInlet(this.#checked, unit, outlets, context)
      await this.#end(before, AbortSignal.any([AbortSignal.timeout(PAUSE_MS), this.#stopping.signal]))
      try {
        this.#state?.commit()
        return edit()
      } finally {
        this.#state?.commit()
        this.#inlets.delete(name)
        this.#startInlet(plan)
      }
    })
    this.#changing = mine.catch(() => {})
    return mine
  }

  #planInlet(checked: CheckedConfig, unit: InputUnit, outlets: OutletPlan, context: MakeContext): InletPlan {
    const { pipeline, fields = {}, tags } = unit.common
    const outputs = [...new Set(unit.common.outputs ?? outlets.names)]
    const input = unit.build(
      context('input', unit.name, outputs, { fields, tags, metered: isMetered(checked, unit.name) })
    )
    const stepContext = context('pipeline', pipeline?.name ?? unit.name, outputs)
    const steps = (pipeline?.steps ?? []).map(step => ({ ...step.build(stepContext), name: step.name }))
    const { agent } = checked.sections
    const signature = [
      unit.signature,
      pipeline?.signature,
      agent.signature,
      outlets.signatureOf(outputs),
      // Its observers are part of it: an input whose metrics change starts anew with the new ones.
      metricsSignature(checked),
      String(watchedByChecks(checked, unit.name))
    ].join('\n')
    const { logs } = this.#options
    return {
      name: unit.name,
      signature,
      start: () =>
        new Inlet({
          name: unit.name,
          type: unit.type,
          signature,
          input,
          steps,
          pipelineName: pipeline?.inline === false ? pipeline.name : unit.name,
          sinks: this.#outlets.sinks(outputs),
          keys: outlets.keysOf(outputs),
          selections: outlets.selectionsOf(outputs),
          observers: [...this.#metrics.observersOf(unit.name), ...this.#health!.observersOf(checked, unit.name)],
          buffers: this.#buffers,
          rateLimit: unit.common.rate_limit,
          clock: this.#options.clock,
          progress: this.progress,
          log: logs.root,
          instruments: this.#store.instruments
        })
    }
  }

  /** Stops the inputs that are gone or changed, and waits a while until what they have read has arrived. */
  async #dropInlets(wanted: ReadonlyMap<string, InletPlan>): Promise<void> {
    const gone = [...this.#inlets.values()].filter(inlet => wanted.get(inlet.name)?.signature !== inlet.signature)
    const timeout = AbortSignal.timeout(Math.max(1, this.#checked.sections.agent.values.shutdown_timeout))
    const patience = AbortSignal.any([timeout, this.#stopping.signal])
    await Promise.all(
      gone.map(async inlet => {
        if (wanted.has(inlet.name)) await this.#end(inlet, patience)
        else {
          await inlet.stopReading()
          await inlet.settled(patience)
          await this.#store.forget('input', inlet.name)
        }
        this.#inlets.delete(inlet.name)
      })
    )
    this.#state?.commit()
  }

  /** Stops an input that will be started anew. What has not arrived in time it reads again then, so no output keeps it. */
  async #end(inlet: Inlet, patience: AbortSignal): Promise<void> {
    await inlet.stopReading()
    const { signal } = this.#stopping
    if ((await inlet.settled(patience)) || signal.aborted) return
    await Promise.race([this.#outlets.withdraw(inlet.name), this.#options.clock.wait(UNDER_WAY_MS, signal)])
  }

  #shipOwnRecords(checked: CheckedConfig, outlets: OutletPlan, constants: Readonly<Event>): void {
    this.#ownRecords?.close()
    const own = new OwnRecords({
      sinks: this.#outlets.sinks(outlets.names),
      keys: outlets.keysOf(outlets.names),
      selections: outlets.selectionsOf(outlets.names),
      constants,
      buffers: createBufferPool(64 * 1024, 64 * 1024),
      clock: this.#options.clock,
      instruments: this.#store.instruments
    })
    this.#ownRecords = own
    const ships = checked.sections.agent.values.ship_own_errors && !this.#options.once
    this.#options.logs.onError = ships ? line => own.error(line) : undefined
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

  #actions(): ControlActions {
    const { logs } = this.#options
    return {
      ...this.#options.actions,
      ...this.#health?.actions(),
      ...deadLetterActions(() => this.#dataDir, this.#outlets, this.#options.clock),
      'metrics-list': async () => ({ metrics: await listMetrics(this.#store) }),
      positions: body =>
        answerPositions(body, {
          dataDir: this.#dataDir,
          state: this.#state!,
          log: this.#log,
          status: () => this.status(),
          pause: (input, edit) => this.#pause(input, edit)
        }),
      'log-level': body => {
        const { subsystem, level, forMs } = (body ?? {}) as { subsystem?: string; level?: number; forMs?: number }
        if (typeof subsystem === 'string' && typeof level === 'number') logs.setLevel(subsystem, level, forMs)
        return { levels: logs.levels() }
      }
    }
  }
}
