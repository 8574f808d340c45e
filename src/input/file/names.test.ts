import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basesOf, isRotated, rootOf } from './names.ts'

test('knows the names that rotation gives', () => {
  for (const name of [
    'a.log.1',
    'a.log.12.gz',
    'a.log-20261122',
    'a.log-20261122.zst',
    'a.log-20261122-1763800000.gz',
    'a.log.2026-11-22',
    'a.log.2026-11-22T10:30:00Z',
    'a.log_20261122_1030',
    'a.log.old',
    'a.log.gz',
    'a-20261122.log',
    'a.1.log',
    'a_2026-11-22.log.gz'
  ])
    assert.ok(isRotated(name, 'a.log'), name)
})

test('takes no other file for a rotated one', () => {
  for (const name of [
    'b.log.1',
    'a.log',
    'a.log.conf',
    'a.logger',
    'a.log.1x',
    'a1.log',
    'access.log',
    'x-a.log',
    '.1',
    '1'
  ]) {
    assert.ok(!isRotated(name, 'a.log'), name)
  }
  assert.deepEqual(basesOf('plain.log'), [])
})

test('all files of one log have one root', () => {
  for (const name of ['a.log', 'a.log.1', 'a.log.2.gz', 'a.log.gz', 'a-20261122.log'])
    assert.equal(rootOf(`/x/${name}`), '/x/a.log')
})
