// Several hosts that keep connections: one at a time or all at once, left out after three failures in a row, back when they answer again.
import type { Clock } from '../core/clock.ts'
import { describe } from '../core/errors.ts'
import type { Log } from '../core/log.ts'

const FAILURES = 3
const PROBE_MS = 5000
const LONGEST_PROBE_MS = 60_000

/** What is known of a host besides its address. */
interface Standing {
  failures: number
  /** It failed three times in a row and has not answered since. */
  down: boolean
  /** Set while it is out; ends the watch over it. */
  out: AbortController | undefined
  /** Times it went out since it last acknowledged something: connecting alone proves little, so it is asked less often. */
  relapses: number
}

/** Anything with a name that records go to. */
export interface Destination {
  readonly name: string
  /** Requests on their way to it. */
  readonly busy: number
  /** Rejects when it can't be connected to. */
  knock(signal: AbortSignal): Promise<void>
}

export interface HostsOptions<D extends Destination> {
  readonly hosts: readonly D[]
  /** All at once, the least busy first; otherwise one until it fails. */
  readonly loadbalance: boolean
  readonly clock: Clock
  readonly log: Log
  /** 0 up to 1: which is the first, so that many agents don't all choose the same. */
  readonly random?: () => number
  /** Told when a host has failed three times in a row, and when it answers again. */
  readonly onChange?: (host: D, up: boolean) => void
}

export class Hosts<D extends Destination> {
  readonly #o: HostsOptions<D>
  readonly #standings: ReadonlyMap<D, Standing>
  readonly #stop = new AbortController()
  #first: number

  constructor(options: HostsOptions<D>) {
    this.#o = options
    this.#standings = new Map(
      options.hosts.map(host => [host, { failures: 0, down: false, out: undefined, relapses: 0 }])
    )
    this.#first = Math.floor((options.random ?? Math.random)() * options.hosts.length)
  }

  /** In which order to try them for one request; when all are out, all, since one of them must be asked. */
  order(): D[] {
    const { hosts, loadbalance } = this.#o
    const turned = loadbalance ? hosts : turn(hosts, this.#first)
    const standing = turned.filter(host => this.#standings.get(host)!.out === undefined)
    const usable = standing.length > 0 ? standing : turned
    // Turned after those that are out have left, or the one behind them would get their share.
    return loadbalance ? turn(usable, this.#first++).sort((a, b) => a.busy - b.busy) : [...usable]
  }

  /** What `work` gives at the first host where it succeeds; rejects with the last error, at once when `signal` aborts. */
  async first<T>(work: (host: D) => Promise<T>, signal: AbortSignal): Promise<T> {
    let last: unknown = new Error('no host')
    for (const host of this.order()) {
      try {
        const result = await work(host)
        this.good(host)
        return result
      } catch (error) {
        if (signal.aborted) throw error
        last = error
        this.bad(host, error)
      }
    }
    throw last
  }

  /** It has acknowledged something. */
  good(host: D): void {
    const standing = this.#standings.get(host)!
    standing.relapses = 0
    standing.failures = 0
    this.#back(host, standing)
  }

  bad(host: D, error: unknown): void {
    const standing = this.#standings.get(host)!
    const { hosts, loadbalance } = this.#o
    if (!loadbalance && hosts[this.#first] === host) this.#first = (this.#first + 1) % hosts.length
    if (++standing.failures < FAILURES || standing.out !== undefined) return
    if (!standing.down) this.#o.onChange?.(host, false)
    standing.down = true
    // A single host has no other to give way to; the delivery's waits are its probe.
    if (hosts.length === 1) return
    standing.out = new AbortController()
    this.#o.log.warn(
      { host: host.name, failures: standing.failures, error: describe(error) },
      'Host is out of rotation.'
    )
    void this.#watch(host, standing, AbortSignal.any([this.#stop.signal, standing.out.signal]))
  }

  close(): void {
    this.#stop.abort(new Error('stopping'))
  }

  #back(host: D, standing: Standing): void {
    if (standing.down) this.#o.onChange?.(host, true)
    standing.down = false
    if (standing.out === undefined) return
    standing.out.abort()
    standing.out = undefined
    this.#o.log.info({ host: host.name }, 'Host is back in rotation.')
  }

  async #watch(host: D, standing: Standing, signal: AbortSignal): Promise<void> {
    const every = Math.min(LONGEST_PROBE_MS, PROBE_MS * 2 ** standing.relapses++)
    for (;;) {
      await this.#o.clock.wait(every, signal)
      if (signal.aborted) return
      const alive = await host.knock(signal).then(
        () => true,
        () => false
      )
      if (!alive || signal.aborted) continue
      // On trial: the next failure puts it out again.
      standing.failures = FAILURES - 1
      return this.#back(host, standing)
    }
  }
}

const turn = <T>(list: readonly T[], by: number): T[] => {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}
