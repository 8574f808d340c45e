import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Rig } from './rig.ts'

const UNREADABLE = 'yarder_input_unreadable_paths{in}'

test('a file that is named and not there makes the input degraded, until it comes', async t => {
  const rig = new Rig(t)
  mkdirSync(rig.logs)
  const path = join(rig.logs, 'named.log')
  rig.options = { paths: [path] }
  rig.start()
  await rig.poll()
  const { degraded, message } = rig.input.describe()
  assert.deepEqual([degraded, message], [true, `1 path cannot be read: ${path} does not exist`])
  assert.equal(rig.scrape().get(UNREADABLE), 1)
  writeFileSync(path, 'a line\n')
  await rig.poll(2)
  assert.deepEqual([rig.input.describe().degraded, rig.input.describe().message], [false, ''])
  assert.equal(rig.scrape().get(UNREADABLE), 0)
})

test('a pattern that matches nothing yet is no trouble, nor is its folder that is not there yet', async t => {
  const rig = new Rig(t)
  rig.start()
  await rig.poll()
  const before = rig.input.describe()
  assert.deepEqual([before.degraded, before.message], [false, `no file matches yet: ${rig.logs} does not exist`])
  assert.equal(rig.scrape().get(UNREADABLE), 0)
  mkdirSync(rig.logs)
  await rig.poll(2)
  assert.deepEqual([rig.input.describe().degraded, rig.input.describe().message], [false, 'no file matches yet'])
})

test('one file among many that cannot be read is told; when it is all there is, the input is degraded', async t => {
  const rig = new Rig(t, { start_at: 'beginning' })
  mkdirSync(rig.logs)
  // Root may read everything, but nobody can follow a link that leads to itself.
  symlinkSync('loop.log', join(rig.logs, 'loop.log'))
  rig.start()
  await rig.poll()
  assert.match(rig.input.describe().message, /^1 path cannot be read: ELOOP: .*loop\.log/)
  assert.equal(rig.input.describe().degraded, true)
  writeFileSync(join(rig.logs, 'good.log'), 'a line\n')
  await rig.poll(2)
  assert.equal(rig.input.describe().degraded, false)
  assert.match(rig.input.describe().message, /loop\.log/)
  rmSync(join(rig.logs, 'loop.log'))
  await rig.poll(2)
  assert.equal(rig.input.describe().message, '')
})

test('a pattern whose folder is none makes the input degraded', async t => {
  const rig = new Rig(t)
  writeFileSync(rig.logs, '')
  rig.start()
  await rig.poll()
  assert.equal(rig.input.describe().degraded, true)
  assert.match(rig.input.describe().message, /^1 path cannot be read: .*log: it is not a folder/)
  renameSync(rig.logs, join(rig.dir, 'other'))
  mkdirSync(rig.logs)
  await rig.poll(2)
  assert.equal(rig.input.describe().degraded, false)
})
