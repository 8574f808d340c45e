import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { hostMounts } from './mounts.ts'

// As they look from within a service with ProtectSystem=strict, and from outside.
const INSIDE = '27 1 254:0 / / ro,relatime - ext4 /dev/vda rw\n30 27 7:1 / /srv ro,relatime - ext4 /dev/vdb ro\n'
const OUTSIDE = '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n30 27 7:1 / /srv rw,relatime - ext4 /dev/vdb ro\n'

test('what only the sandbox of a service makes read-only is not read-only', t => {
  const proc = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(proc, { recursive: true, force: true }))
  for (const pid of ['1', 'self']) mkdirSync(join(proc, pid))
  writeFileSync(join(proc, 'self/mountinfo'), INSIDE)
  const seen = (): unknown => hostMounts(proc).map(({ point, readOnly }) => [point, readOnly])
  const expected = [
    ['/', false],
    ['/srv', true]
  ]
  assert.deepEqual(seen(), expected, 'the first process is hidden')
  writeFileSync(join(proc, '1/mountinfo'), OUTSIDE)
  assert.deepEqual(seen(), expected, 'as the first process sees them')
  writeFileSync(join(proc, '1/mountinfo'), INSIDE)
  assert.deepEqual(hostMounts(proc)[0]!.readOnly, true, 'the host itself mounted it read-only')
})
