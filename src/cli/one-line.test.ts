import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OUTPUT_STATUS, STATUS } from '../../test/lib/status.ts'
import { holdWorld } from '../../test/lib/world.ts'
import type { Status } from '../agent/status.ts'
import { renderStatus } from './status.ts'

const EVIL = '/var/log/x\u001b[2J\u009b31m\n  elastic (elasticsearch)  green  Ready\u202e.log'

test('a file of a wicked name and the words of a wicked peer cannot steer the terminal of who asks for the status, or add a line', () => {
  const state = 'red' as const
  const status: Status = {
    ...STATUS,
    state,
    message: EVIL,
    configFiles: [EVIL],
    configError: EVIL,
    outputs: [{ ...OUTPUT_STATUS, name: 'es', state, message: EVIL, target: EVIL, lastError: EVIL }],
    inputs: [
      {
        name: 'a',
        type: 'file',
        state: 'running',
        message: EVIL,
        files: [{ path: EVIL, size: 9, read: 1, acked: 0, state: 'unreadable', reason: EVIL }]
      }
    ]
  }
  for (const files of [true, false]) {
    const text = renderStatus(holdWorld({ terminal: true }), status, files)
    // eslint-disable-next-line no-control-regex -- that is what it is about
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    assert.doesNotMatch(text, /^ {2}elastic \(elasticsearch\)/m)
    assert.match(text, /x\\x1b\[2J\\x9b31m\\n {2}elastic/)
  }
})
