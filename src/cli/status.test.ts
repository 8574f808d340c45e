import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holdWorld } from '../../test/lib/world.ts'
import type { Status } from '../agent/status.ts'
import { renderStatus } from './status.ts'

const status = (n: number): Status => ({
  state: 'yellow',
  message: 'x',
  version: '1',
  pid: 1,
  uptimeSeconds: 1,
  ready: true,
  draining: false,
  configFiles: [],
  configError: undefined,
  outputs: [
    {
      name: 'es',
      type: 'elasticsearch',
      state: 'yellow',
      message: 'Refused',
      since: '',
      target: 'es:9200',
      lastError: 'x',
      lastSuccess: undefined,
      unacknowledged: n,
      oldestAgeMs: 1000,
      full: false,
      whenFull: 'detach',
      dropped: n,
      deadLetters: n,
      unwrittenDeadLetters: n
    }
  ],
  inputs: [],
  checks: []
})

test('one of a thing is one of it, and two are two', () => {
  const one = renderStatus(holdWorld({}), status(1), false)
  for (const text of [', 1 record unack', '1 record dropped', '1 dead letter:', 'written: 1 record\n'])
    assert.ok(one.includes(text), `${text} in ${one}`)
  const two = renderStatus(holdWorld({}), status(2), false)
  for (const text of [', 2 records unack', '2 records dropped', '2 dead letters:', 'written: 2 records\n'])
    assert.ok(two.includes(text), `${text} in ${two}`)
})
