import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OUTPUT_STATUS, STATUS } from '../../test/lib/status.ts'
import { holdWorld } from '../../test/lib/world.ts'
import type { Status } from '../agent/status.ts'
import { renderStatus } from './status.ts'

const status = (n: number): Status => ({
  ...STATUS,
  outputs: [
    {
      ...OUTPUT_STATUS,
      lastError: 'x',
      unacknowledged: n,
      oldestAgeMs: 1000,
      dropped: n,
      deadLetters: n,
      unwrittenDeadLetters: n
    }
  ]
})

test('one of a thing is one of it, and two are two', () => {
  const one = renderStatus(holdWorld({}), status(1), false)
  for (const text of [', 1 record unack', '1 record dropped', '1 dead letter:', 'written: 1 record\n'])
    assert.ok(one.includes(text), `${text} in ${one}`)
  const two = renderStatus(holdWorld({}), status(2), false)
  for (const text of [', 2 records unack', '2 records dropped', '2 dead letters:', 'written: 2 records\n'])
    assert.ok(two.includes(text), `${text} in ${two}`)
})
