import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkFaults, runCheck } from '../../../test/lib/check.ts'
import { mount } from './mount.ts'

const look = async (options: Record<string, unknown>): Promise<string> => {
  const { state, reason, message } = await runCheck(mount, options)
  return `${state} ${reason}: ${message}`
}

test('what is mounted on this host is found as findmnt does', async () => {
  const [source, fstype] = execFileSync('findmnt', ['-n', '-o', 'SOURCE,FSTYPE', '/proc'], { encoding: 'utf8' })
    .trim()
    .split(/\s+/)
  assert.equal(await look({ path: '/proc/', fstype }), `ok ok: ${source} (${fstype}) is mounted at /proc`)
  assert.equal(await look({ path: '/proc', fstype: 'ext4' }), `critical content: /proc is ${fstype}, expected ext4`)
  assert.equal(await look({ path: '/no such' }), 'critical missing: nothing is mounted at /no such')
  assert.equal(await look({ path: '/no such', mounted: false }), 'ok ok: nothing is mounted at /no such')
  assert.match(await look({ path: '/proc', mounted: false }), /^critical present: /)
})

test('options, odd names and what is mounted over another are read right', async t => {
  const proc = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(proc, { recursive: true }))
  mkdirSync(join(proc, 'self'))
  writeFileSync(
    join(proc, 'self/mountinfo'),
    [
      '36 35 8:1 / /srv/my\\040data rw,noatime shared:1 - ext4 /dev/sda1 rw',
      '37 36 8:2 / /srv/my\\040data rw,relatime - xfs /dev/sdb1 rw,inode64',
      '38 35 8:3 / /broken rw,nosuid - ext4 /dev/sdc1 ro,errors=remount-ro',
      '39 35 8:4 / /here ro - ext4 /dev/sdd1 rw',
      ''
    ].join('\n')
  )
  const path = '/srv/my data'
  assert.equal(await look({ proc, path, options: ['rw', 'inode64'] }), `ok ok: /dev/sdb1 (xfs) is mounted at ${path}`)
  assert.equal(
    await look({ proc, path, source: '/dev/sda1' }),
    `critical content: ${path} is /dev/sdb1, expected /dev/sda1`
  )
  assert.equal(await look({ proc, path, options: ['noatime'] }), `critical mode: ${path} is mounted without noatime`)
  assert.equal(
    await look({ proc, path: '/broken', options: ['nosuid'] }),
    'ok ok: /dev/sdc1 (ext4) is mounted at /broken'
  )
  assert.equal(
    await look({ proc, path: '/broken', options: ['rw'] }),
    'critical read_only: /broken is mounted without rw'
  )
  assert.match(await look({ proc, path: '/here', options: ['rw'] }), /^ok ok: /, 'read-only for the agent alone')
  mkdirSync(join(proc, '1'))
  writeFileSync(join(proc, '1/mountinfo'), '39 35 8:4 / /here ro - ext4 /dev/sdd1 rw\n')
  assert.match(await look({ proc, path: '/here', options: ['ro'] }), /^ok ok: /, 'read-only for everybody')
  assert.match(await look({ proc, path }), /^critical missing: /, 'seen by the agent alone')
})

test('what must not be mounted has nothing to be judged by', () => {
  assert.match(checkFaults(mount, { path: '/x', mounted: false, fstype: 'ext4' })[0] ?? '', /^mounted: what must not/)
  assert.match(checkFaults(mount, { path: 'x' })[0] ?? '', /must be an absolute path/)
})
