// What the model found (model.test.ts): each the shortest script that failed once.
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, truncateSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parsed, play } from './actions.ts'
import { Rig } from './rig.ts'

const inside = { paths: ['log/*.log*'] }
const multiline = { multiline: { pattern: '^\\s', flush_timeout: '1s' } }

const found: Array<[claim: string, script: string, options?: Record<string, unknown>, outputs?: string[]]> = [
  [
    'what was read in a copy and not taken over before a stop is read there again',
    'append 1; hold; poll; copytruncate 1; poll; stop'
  ],
  [
    'what was read of a deleted file and not taken over before a stop is told as lost',
    'hold; append 0; poll; delete 0; poll; idle; poll; stop'
  ],
  [
    'a copy that has no more than was read, and less than the fingerprint, is not looked at for ever',
    'append 0; poll; copy 0; append 0; look; stop'
  ],
  ['a copy that the file has outgrown is known once the file was cut', 'append 0; copy 0; append 0; poll'],
  [
    'a copy that the file has outgrown is known over a restart',
    'append 1; copy 1; append 1; poll; commit; reload; stop',
    inside
  ],
  ['a file and its copy that are seen together for the first time', 'append 1; copy 1; append 1; idle; poll', inside],
  ['after the clock was set back a copy of an older file is found', 'append 0; jump 0 0; reload; copytruncate 0'],
  [
    'an open record is given in its time though its file was renamed twice meanwhile',
    'reload; append 1; rename 1; glance; turn; create 1; copytruncate 1',
    multiline
  ],
  [
    'an open record of a file that is over is not waited for',
    'append 0 6; poll; shorten 0 67; link; copytruncate 0; half 0',
    multiline
  ],
  [
    'a file that was rotated unseen in a folder that was away is read',
    'append 0; away; rename 0; jump 0 52; look; reload'
  ],
  ['a folder that is away at the start is waited for', 'kill; away; append 0; rename 0; jump 0 52; poll'],
  [
    'what changed and cannot be opened for want of a descriptor is not taken for new under its next name',
    'append 1; look; dated 1; bury 1; append 0; rename 1; look; append 0; switch; copytruncate 0',
    { max_open_files: 1, close_inactive: '1s' }
  ],
  [
    'an output that is behind gets a file that is shorter than its fingerprint',
    'half 2; half 2; decline; poll',
    { ...inside, max_open_files: 2 },
    ['a', 'b']
  ],
  ['a copy as long as the file that grows before it is cut', 'append 0; copy 0; look; append 0 4; poll'],
  [
    'a copy that was compressed since is the copy that it was',
    'append 1; copy 1; append 1; stop; append 0; poll; compress 1'
  ],
  [
    'what a copy lacks is told after a kill, too',
    'append 0; copy 0; append 0; look; truncate 0; idle; poll; reload; kill',
    inside
  ],
  [
    'a file that grew, was renamed and compressed in a folder that is away',
    'append 0; poll; half 0; rename 0; away; compress 0; stop; glance'
  ],
  ['what is found unread after a restart is held open before its turn', 'append 0; look; stop; look; delete 0'],
  [
    'a compressed copy that is being written is not preferred to what it is made of',
    'append 1 24; poll; copytruncate 1; kill; compress 1 80; kill'
  ],
  [
    'a compressed copy that the file has outgrown is the copy that it was',
    'append 1 5; copy 1; append 1 1; poll; compress 1'
  ]
]
for (const [claim, script, options = {}, outputs] of found) {
  test(claim, async t => play(t, parsed(script), { ...options }, outputs))
}

test('unread bytes that were cut off are told as lost, and what is written there then is read', async t => {
  const r = new Rig(t, { start_at: 'beginning' })
  mkdirSync(r.logs)
  r.start()
  const a = join(r.logs, 'a.log')
  writeFileSync(a, `${'x'.repeat(1100)}\ntwo\nthree\n`)
  await r.input.look(true)
  truncateSync(a, 1105)
  await r.input.look(true)
  assert.deepEqual(r.lost, { truncated: 6 })
  appendFileSync(a, '3\n')
  await r.finish()
  assert.deepEqual(r.texts, ['x'.repeat(1100), 'two', '3'])
  assert.deepEqual(r.lost, { truncated: 6 })
})

test('what was seen before a kill and is gone after it is told to the last byte that was seen', async t => {
  const r = new Rig(t, { start_at: 'beginning' })
  mkdirSync(r.logs)
  r.start()
  const a = join(r.logs, 'a.log')
  writeFileSync(a, 'one\n')
  await r.poll()
  appendFileSync(a, 'two\n')
  await r.input.look(true)
  r.state.commit()
  await r.kill()
  unlinkSync(a)
  await r.start().finish()
  assert.deepEqual(r.lost, { deleted: 4 })
})

test('after the clock was set back what was rotated away unseen is found', async t => {
  const r = new Rig(t, { start_at: 'beginning' })
  mkdirSync(r.logs)
  await r.start().poll()
  const back = 50 * 60_000
  r.wall = () => Date.now() - back
  const rotated = join(r.logs, 'a.log.1')
  writeFileSync(rotated, 'one\n')
  utimesSync(rotated, r.wall() / 1000, r.wall() / 1000)
  writeFileSync(join(r.logs, 'a.log'), 'two\n')
  await r.finish()
  r.expect(['one', 'two'])
})
