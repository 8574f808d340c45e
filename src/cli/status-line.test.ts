import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OUTPUT_STATUS, STATUS } from '../../test/lib/status.ts'
import type { Status } from '../agent/status.ts'
import { statusLine } from './status-line.ts'

const file = { path: '/var/log/a', size: 3_000_000, read: 1_000_000, acked: 902_848, state: 'active' }
const input = { name: 'app', type: 'file', state: 'running' as const, message: 'reading', files: [file] }
const output = OUTPUT_STATUS
const base: Status = { ...STATUS, outputs: [output], inputs: [input] }

test('a healthy agent says how much it reads and how far it is behind', () => {
  assert.equal(statusLine(base, 12_345.6), 'Ready; 12,346 lines/s; 2.0 MiB behind in 1 of 1 file')
  const done = { ...input, files: [{ ...file, acked: file.size }] }
  assert.equal(statusLine({ ...base, inputs: [done] }, 0), 'Ready; 0 lines/s; 1 file, all acknowledged')
  assert.equal(statusLine({ ...base, inputs: [{ ...input, files: [] }] }, undefined), 'Ready; no files yet')
  const connecting = { ...output, state: 'yellow' as const, message: 'Waiting for elastic' }
  assert.equal(
    statusLine({ ...base, outputs: [connecting], inputs: [] }, 0),
    'Ready; 0 lines/s; no input is configured'
  )
})

test('what fails comes first', () => {
  const again = { ...output, state: 'yellow' as const, message: 'trying again', lastError: 'status 503' }
  assert.match(statusLine({ ...base, outputs: [again] }, 0), /^elastic yellow: trying again: status 503; 0 lines/)
  const down = {
    ...output,
    state: 'red' as const,
    message: 'connection refused',
    lastError: 'connection refused',
    unacknowledged: 1234,
    oldestAgeMs: 185_000
  }
  assert.equal(
    statusLine({ ...base, outputs: [down] }, 0),
    'elastic red: connection refused (1,234 records waiting for 3 min); 0 lines/s; 2.0 MiB behind in 1 of 1 file'
  )
  const unreadable = { ...input, files: [{ ...file, state: 'unreadable', reason: 'permission denied' }] }
  assert.match(
    statusLine({ ...base, inputs: [unreadable] }, 0),
    /^input app cannot read 1 file, first \/var\/log\/a: permission denied; 0 lines/
  )
  assert.match(statusLine({ ...base, configError: 'no' }, 0), /^the last reload was refused: no; /)
})

test('a stopping agent says what has not arrived, in a line that systemctl can show', () => {
  const waiting = { ...output, unacknowledged: 1 }
  assert.equal(
    statusLine({ ...base, draining: true, outputs: [waiting] }, 5),
    'Stopping, 1 record not yet acknowledged'
  )
  assert.equal(statusLine({ ...base, configError: 'x'.repeat(1000) }, 5).length, 300)
})

test('an input that cannot read what it was told to is told with the reason, and its file is not called acknowledged', () => {
  const files = [{ ...file, size: 0, read: 0, acked: 0, state: 'missing', reason: 'not there' }]
  const blind = { ...input, state: 'degraded' as const, message: '1 path cannot be read: not there', files }
  assert.equal(
    statusLine({ ...base, state: 'yellow', inputs: [blind] }, 0),
    'input app degraded: 1 path cannot be read: not there; 0 lines/s; nothing can be read'
  )
})
