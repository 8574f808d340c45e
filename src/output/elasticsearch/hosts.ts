// Several hosts of one cluster: taken in turn, left out after three failures in a row, back after one good answer.
import type { Clock } from '../../core/clock.ts'
import { describe } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'

export interface Host {
  /** With a `/` at the end, without credentials. */
  readonly url: URL
  readonly authorization: string | undefined
}

const FAILURES = 3
const PROBE_MS = 5000

interface Standing {
  failures: number
  out: boolean
}

export interface HostsOptions {
  hosts: readonly Host[]
  clock: Clock
  log: Log
  /** Rejects when the host doesn't answer. */
  probe(host: Host, signal: AbortSignal): Promise<void>
  /** Told when a host goes out of rotation or comes back. */
  onChange?: (host: Host, up: boolean) => void
}

export class Hosts {
  readonly #options: HostsOptions
  readonly #standings: Map<Host, Standing>
  readonly #stop = new AbortController()
  #next = 0

  constructor(options: HostsOptions) {
    this.#options = options
    this.#standings = new Map(options.hosts.map(host => [host, { failures: 0, out: false }]))
  }

  /** In which order to try them for one request; when all are out, all, since one of them must be asked. */
  order(): Host[] {
    const { hosts } = this.#options
    const standing = hosts.filter(host => !this.#standings.get(host)!.out)
    const usable = standing.length > 0 ? standing : hosts
    const first = this.#next++ % usable.length
    return [...usable.slice(first), ...usable.slice(0, first)]
  }

  good(host: Host): void {
    const standing = this.#standings.get(host)!
    standing.failures = 0
    if (!standing.out) return
    standing.out = false
    this.#options.log.info({ host: host.url.href }, 'Host is back in rotation.')
    this.#options.onChange?.(host, true)
  }

  bad(host: Host, error: unknown): void {
    const standing = this.#standings.get(host)!
    // A single host has no other to give way to; the delivery's waits are its probe.
    if (++standing.failures < FAILURES || standing.out || this.#standings.size === 1) return
    standing.out = true
    this.#options.log.warn(
      { host: host.url.href, failures: standing.failures, error: describe(error) },
      'Host is out of rotation.'
    )
    this.#options.onChange?.(host, false)
    void this.#watch(host, standing)
  }

  close(): void {
    this.#stop.abort(new Error('stopping'))
  }

  async #watch(host: Host, standing: Standing): Promise<void> {
    const { signal } = this.#stop
    for (;;) {
      await this.#options.clock.wait(PROBE_MS, signal)
      if (signal.aborted || !standing.out) return
      const alive = await this.#options.probe(host, signal).then(
        () => true,
        () => false
      )
      if (alive && !signal.aborted) return this.good(host)
    }
  }
}
