// The status of an agent without any trouble, for tests that show one.
import type { Status } from '../../src/agent/status.ts'

export const STATUS: Status = {
  state: 'green',
  message: 'Ready',
  version: '1',
  pid: 1,
  uptimeSeconds: 1,
  ready: true,
  draining: false,
  configFiles: [],
  configError: undefined,
  outputs: [],
  inputs: [],
  checks: []
}

export const OUTPUT_STATUS: Status['outputs'][number] = {
  name: 'elastic',
  type: 'elasticsearch',
  state: 'green',
  message: 'ok',
  since: '',
  target: undefined,
  lastError: undefined,
  lastSuccess: undefined,
  unacknowledged: 0,
  oldestAgeMs: 0,
  full: false,
  whenFull: 'detach',
  dropped: 0,
  deadLetters: 0,
  unwrittenDeadLetters: 0
}
