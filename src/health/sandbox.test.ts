import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { runCheck } from '../../test/lib/check.ts'
import { processCheck } from './check/process.ts'
import { elsewhere, notSeen, ownerHidden } from './sandbox.ts'

/** A /proc of these files. */
function kernel(t: TestContext, files: Record<string, string>): string {
  const proc = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(proc, { recursive: true, force: true }))
  for (const pid of ['1', 'self']) mkdirSync(join(proc, pid))
  for (const [path, text] of Object.entries(files)) writeFileSync(join(proc, path), text)
  return proc
}

test('a folder that the service has for itself is told from one that is the host’s, however it is mounted', t => {
  const proc = kernel(t, {
    '1/mountinfo': '27 1 254:0 / / rw - ext4 /dev/vda rw\n28 27 254:9 / /srv rw - xfs /dev/vdb rw\n',
    'self/mountinfo': [
      '40 1 254:0 / / ro - ext4 /dev/vda rw',
      '41 40 254:9 / /srv ro - xfs /dev/vdb rw',
      '42 40 254:0 /home /home ro - ext4 /dev/vda rw',
      '43 40 254:0 /tmp/systemd-private-1-yarder.service-2/tmp /tmp rw - ext4 /dev/vda rw',
      '44 40 0:9 /systemd/inaccessible/dir /opt/secret ro - tmpfs tmpfs rw'
    ].join('\n')
  })
  for (const path of ['/', '/etc/passwd', '/home/a/b', '/srv/data', '/tmpfile'])
    assert.equal(elsewhere(path, proc), undefined, path)
  assert.match(
    elsewhere('/tmp/lock', proc)!,
    /^the service does not see the host's \/tmp\/lock .*see-host\.conf lets it$/
  )
  assert.match(elsewhere('/opt/secret/x', proc)!, /^the service does not see/)
  assert.equal(elsewhere('/tmp/lock', join(proc, 'none')), undefined, 'nobody can tell')
})

test('nobody is an owner on the host, and says nothing in a namespace of the service’s own', t => {
  const host = kernel(t, { 'self/uid_map': '         0          0 4294967295\n' })
  const own = kernel(t, { 'self/uid_map': '0 0 1\n998 998 1\n' })
  assert.equal(ownerHidden(65_534, host), undefined)
  assert.match(ownerHidden(65_534, own)!, /see-host\.conf/)
  assert.equal(ownerHidden(0, own), undefined)
})

test('processes that are hidden are unknown, not missing', async t => {
  const proc = kernel(t, { uptime: '1 1' })
  const look = async (limits: Record<string, number>): Promise<string> =>
    (await runCheck(processCheck, { process: 'nginx', proc, ...limits })).state
  assert.equal(await look({}), 'unknown')
  assert.equal(await look({ min: 0, max: 0 }), 'unknown')
  for (const file of ['comm', 'cmdline']) writeFileSync(join(proc, '1', file), 'init\0')
  assert.equal(await look({}), 'critical')
  assert.equal(await look({ min: 0, max: 0 }), 'ok')
})

test('what the agent may not look at says what would let it', () => {
  const error = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })
  assert.match(notSeen(error), /; the drop-in .*\/read-all-files\.conf lets the service look$/)
  assert.doesNotMatch(notSeen(Object.assign(new Error('EIO'), { code: 'EIO' })), /drop-in/)
})
