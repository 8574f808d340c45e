import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holdWorld } from '../../test/lib/world.ts'
import type { Status } from '../agent/status.ts'
import { renderStatus } from './status.ts'

const EVIL = '/var/log/x\u001b[2J\u009b31m\n  elastic (elasticsearch)  green  Ready\u202e.log'

test('a file of a wicked name and the words of a wicked peer cannot steer the terminal of who asks for the status, or add a line', () => {
  const state = 'red' as const
  const status: Status = {
    state,
    message: EVIL,
    version: '1',
    pid: 1,
    uptimeSeconds: 1,
    ready: true,
    draining: false,
    configFiles: [EVIL],
    configError: EVIL,
    outputs: [
      {
        name: 'es',
        type: 'elasticsearch',
        state,
        message: EVIL,
        since: '',
        target: EVIL,
        lastError: EVIL,
        lastSuccess: undefined,
        unacknowledged: 0,
        oldestAgeMs: 0,
        full: false,
        whenFull: 'detach',
        dropped: 0,
        deadLetters: 0,
        unwrittenDeadLetters: 0
      }
    ],
    inputs: [
      {
        name: 'a',
        type: 'file',
        state: 'running',
        message: EVIL,
        files: [{ path: EVIL, size: 9, read: 1, acked: 0, state: 'unreadable', reason: EVIL }]
      }
    ],
    checks: []
  }
  for (const files of [true, false]) {
    const text = renderStatus(holdWorld({ terminal: true }), status, files)
    // eslint-disable-next-line no-control-regex -- that is what it is about
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    assert.doesNotMatch(text, /^ {2}elastic \(elasticsearch\)/m)
    assert.match(text, /x\\x1b\[2J\\x9b31m\\n {2}elastic/)
  }
})
