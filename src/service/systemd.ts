// Tells systemd how the agent is, in the way of sd_notify(3): datagrams to the socket it names in the environment.
import { unixDatagrams } from '../core/unix-datagrams.ts'

/** What sd_notify(3) lets a service say; times are microseconds. */
export interface Notice {
  READY?: 1
  RELOADING?: 1
  STOPPING?: 1
  WATCHDOG?: 1
  /** One line, shown by `systemctl status`. */
  STATUS?: string
  MONOTONIC_USEC?: bigint
  EXTEND_TIMEOUT_USEC?: number
}

export interface Systemd {
  /** Hands a notice over without waiting. False when systemd has no room for it now. */
  tell(notice: Notice): boolean
  /** systemd restarts a service that has not said WATCHDOG for so many milliseconds; undefined when it does not watch. */
  readonly watchdogMs: number | undefined
}

/**
 * The systemd that started this process with `Type=notify`; undefined when none did. Takes its variables out of `env`,
 * so that no program a check starts can speak for the agent. Throws when the socket can't be used.
 */
export function connectSystemd(env: NodeJS.ProcessEnv): Systemd | undefined {
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = env
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name]
  if (path === undefined || !/^[/@]/.test(path)) return undefined
  const send = unixDatagrams(path)
  const period = pid === undefined || Number(pid) === process.pid ? Number(usec ?? 0) / 1000 : 0
  return {
    watchdogMs: period > 0 ? period : undefined,
    tell(notice) {
      const text = Object.entries(notice).map(([name, value]) => `${name}=${oneLine(String(value))}\n`)
      return send(Buffer.from(text.join(''))) === ''
    }
  }
}

/** A line end in a value would be a second assignment. */
const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f]+/g, ' ')

/** systemd's clock for MONOTONIC_USEC, which tells a reload's answer from an earlier one. */
export const monotonicMicroseconds = (): bigint => process.hrtime.bigint() / 1000n
