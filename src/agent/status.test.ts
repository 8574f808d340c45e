import assert from 'node:assert/strict'
import { test } from 'node:test'
import { statusOf } from './status.ts'
import type { InputStatus } from './status.ts'

const OWN = {
  version: '1',
  pid: 1,
  uptimeSeconds: 1,
  ready: true,
  draining: false,
  configFiles: [],
  configError: undefined
}

const wholeOf = (state: InputStatus['state'], message = ''): [string, string] => {
  const input = { name: 'app', type: 'file', state, message, files: [] }
  const calm = { name: 'state', state: 'green', message: '' } as const
  const whole = statusOf({ outputs: [], inputs: [input], checks: [] }, calm, OWN)
  return [whole.state, whole.message]
}

test('an input that cannot read what it was told to makes the whole yellow, with the reason; a failed one makes it red', () => {
  assert.deepEqual(wholeOf('running', 'no file matches yet'), ['green', 'Ready'])
  assert.deepEqual(wholeOf('finished'), ['green', 'Ready'])
  assert.deepEqual(wholeOf('degraded', '1 path cannot be read'), ['yellow', 'app: 1 path cannot be read'])
  assert.deepEqual(wholeOf('failed', 'a bug'), ['red', 'app: a bug'])
})
