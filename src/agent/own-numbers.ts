// The numbers of the agent as such: its version, its last reload, and the lines of its log that were held back.
import type { Instruments } from '../core/instruments.ts'
import type { LogService } from '../service/log.ts'

/** Keeps them; what is returned is told how each reload went. */
export function keepOwnNumbers(
  instruments: Instruments,
  logs: LogService,
  version: string
): (reloaded: boolean) => void {
  const held = 'Lines of its own log that the agent held back and told once, with a count.'
  const suppressed = instruments.counter('yarder_log_suppressed_total', held, ['level'])
  for (const level of ['error', 'warn', 'info', 'debug']) suppressed.add(0, level)
  logs.onHeld = level => suppressed.add(1, level)
  const reloads = instruments.gauge(
    'yarder_config_last_reload_successful',
    'Whether the last reload of the configuration was taken over.'
  )
  instruments
    .gauge('yarder_build_info', 'The version that runs; always 1.', ['version', 'node'])
    .set(1, version, process.versions.node)
  return reloaded => reloads.set(reloaded ? 1 : 0)
}
