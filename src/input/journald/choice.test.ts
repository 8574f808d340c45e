import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { compileChoice } from './choice.ts'
import type { Entry } from './export.ts'
import type { Settings } from './settings.ts'

const settings = (over: Partial<Settings> = {}): Settings => ({
  units: [],
  identifiers: [],
  priority: undefined,
  matches: [],
  currentBootOnly: false,
  startAt: 'end',
  since: undefined,
  directory: undefined,
  own: false,
  maxLineBytes: 1000,
  ...over
})
const entry = (fields: Record<string, string>): Entry => ({
  cursor: 'c',
  time: 1,
  names: Object.keys(fields),
  values: Object.values(fields),
  cut: false
})

test('a pattern fits the unit of an entry, and what systemd and a crash say about such a unit', () => {
  const wants = compileChoice(settings({ units: ['hello-*', 'nginx', 'app@?'] }), undefined)
  for (const fields of [
    { _SYSTEMD_UNIT: 'hello-world.service' },
    { _SYSTEMD_UNIT: 'hello-1.socket' },
    { _SYSTEMD_UNIT: 'nginx.service' },
    { _SYSTEMD_UNIT: 'app@1.service' },
    { _SYSTEMD_UNIT: 'init.scope', _PID: '1', UNIT: 'hello-world.service' },
    { _SYSTEMD_UNIT: 'x.service', _UID: '0', COREDUMP_UNIT: 'nginx.service' }
  ])
    assert.equal(wants(entry(fields)), true, JSON.stringify(fields))
  for (const fields of [
    {},
    { _SYSTEMD_UNIT: 'hello.service' },
    { _SYSTEMD_UNIT: 'nginx.socket' },
    { _SYSTEMD_UNIT: 'app@12.service' },
    { _SYSTEMD_UNIT: 'liar.service', _PID: '77', _UID: '1000', UNIT: 'nginx.service', COREDUMP_UNIT: 'nginx.service' }
  ])
    assert.equal(wants(entry(fields)), false, JSON.stringify(fields))
})

test('lines of the agent itself are left out, what systemd says about it is not', () => {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim().replaceAll('-', '')
  const wants = compileChoice(settings(), 'yarder.service')
  assert.equal(wants(entry({ _SYSTEMD_UNIT: 'yarder.service', _PID: '5' })), false, 'of an earlier run')
  assert.equal(wants(entry({ _PID: String(process.pid), _BOOT_ID: boot })), false, 'of this one, in a terminal')
  assert.equal(wants(entry({ _PID: String(process.pid), _BOOT_ID: 'b'.repeat(32) })), true, 'of another boot')
  assert.equal(wants(entry({ _SYSTEMD_UNIT: 'init.scope', UNIT: 'yarder.service', _PID: '1' })), true)
  assert.equal(
    compileChoice(settings({ own: true }), 'yarder.service')(entry({ _SYSTEMD_UNIT: 'yarder.service' })),
    true
  )
})
