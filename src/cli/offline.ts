// Surroundings for components that are built by a command, not by the agent: nothing is kept, counted or logged.
import { resolve } from 'node:path'
import type { CheckedConfig } from '../agent/components.ts'
import { contextMaker } from '../agent/context.ts'
import type { MakeContext } from '../agent/context.ts'
import { systemClock } from '../core/clock.ts'
import { silentInstruments } from '../core/instruments.ts'
import { silentLog } from '../core/log.ts'
import type { Log } from '../core/log.ts'
import { memoryState } from '../core/state.ts'
import type { LogService } from '../service/log.ts'
import { version } from './command.ts'

/** Makes contexts for what a configuration names. `log` hears the components' own messages. */
export function offlineContexts(
  checked: CheckedConfig,
  configDir: string,
  env: NodeJS.ProcessEnv,
  log: Log = silentLog
): MakeContext {
  return contextMaker({
    checked,
    logs: { ...SILENT, root: log },
    clock: systemClock,
    instruments: silentInstruments,
    state: memoryState(),
    dataDir: resolve(configDir, checked.sections.agent.values.data_dir ?? '/var/lib/yarder'),
    configDir,
    env,
    version: version(),
    once: true
  })
}

const SILENT: LogService = {
  root: silentLog,
  onError: undefined,
  onHeld: undefined,
  flush() {},
  setLevel() {},
  levels: () => [],
  configure() {}
}

/** What a component warns about is for whoever runs the command; that it does its work is not. */
export const warningsOf = (log: Log): Log => ({
  error: (data, message) => log.error(data, message),
  warn: (data, message) => log.warn(data, message),
  info() {},
  debug() {},
  debugs: false,
  child: (subsystem, data) => warningsOf(log.child(subsystem, data))
})
