// What the model found (model.test.ts): each the shortest script that failed once.
import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
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
  ],
  [
    'a copy of a file that no descriptor was left for is known as one',
    'append 1 0; half 0 0; copy 1 0; append 1 0; glance; append 0 0; half 0 0; rename 0 0',
    { max_open_files: 1, close_inactive: '1s' }
  ],
  [
    'a file that was rotated away empty and unseen is read when its writer goes on with it',
    'create 0 0; rename 0 0; append 0 0; poll; append 0 0; half 0 0; late 0 22; commit'
  ],
  [
    'a compressed copy is read on inside although a copy that counts as read has become it, too',
    'append 1 5; poll; copytruncate 1; kill; decline; look; compress 1; idle; rename 0',
    { ...inside, max_open_files: 2, close_inactive: '1s', close_removed: '1s' },
    ['a', 'b']
  ],
  [
    'what was rotated away unseen and not found before a reload is found after it',
    'append 1; truncate 1; poll; append 1; rename 1; append 1 43; compress 1; poll; reload; poll',
    { max_open_files: 1, close_inactive: '1s' }
  ],
  [
    'what was rotated and compressed in a folder that was away is read, also under a name of the patterns',
    'append 1 0; away 0 0; copy 1 0; jump 0 51; compress 1 0; truncate 0 0; append 0 0; hold 0 0; append 0 0',
    inside
  ],
  [
    'a file that was shortened, written and renamed between two looks is the file it was, not a copy of it',
    'append 1 18; poll; shorten 1 32; idle; append 1; rename 1',
    inside
  ],
  [
    'a compressed copy is not given up for want of a descriptor',
    'half 1; look; append 0; rename 0; dated 1; compress 0; commit; compress 1; poll',
    { max_open_files: 1, close_inactive: '1s' }
  ],
  [
    'an output that is behind reads on in a file that was moved out of sight',
    'decline; append 0; look; away; dated 0; poll; append 0',
    {},
    ['a', 'b']
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

/** A log of one short line that was read, on a disk on which nobody looks any more. */
async function readAndStopped(t: TestContext, options: Record<string, unknown> = {}): Promise<{ r: Rig; a: string }> {
  const r = new Rig(t, { start_at: 'beginning', ...options })
  mkdirSync(r.logs)
  await r.start().poll()
  const a = join(r.logs, 'a.log')
  writeFileSync(a, 'started\n')
  await r.poll()
  await r.stop()
  return { r, a }
}

/** How many short files were taken for copies: as many as were told. */
function presumed(r: Rig): number {
  const told = r.said.filter(s => s.startsWith('warn A short file is taken for a copy'))
  assert.equal(r.counted['yarder_input_presumed_copies_total'] ?? 0, told.length)
  return told.length
}

for (const [what, options] of [
  ['outside', {}],
  ['inside', inside]
] as const) {
  test(`short files that are all alike, rotated while the agent is down, are each read: names ${what} the patterns`, async t => {
    const { r, a } = await readAndStopped(t, options)
    renameSync(a, `${a}.2`)
    writeFileSync(`${a}.1`, 'started\n')
    // The kernel's clock ticks slower than a test runs.
    do writeFileSync(`${a}.new`, 'started\n')
    while (statSync(`${a}.new`).birthtimeMs === statSync(`${a}.1`).mtimeMs && unlinkSync(`${a}.new`) === undefined)
    renameSync(`${a}.new`, a)
    await r.start().finish()
    r.expect(['started', 'started', 'started'])
    assert.equal(new Set(r.got.map(g => g.id)).size, 3)
    assert.equal(presumed(r), 0)
  })
}

test('of short files that are all alike and compressed each is read, the one that was read by its mtime', async t => {
  const { r, a } = await readAndStopped(t)
  const { mtimeMs } = statSync(a)
  unlinkSync(a)
  const later = mtimeMs / 1000 + 30
  for (const [name, time] of [
    [`${a}.1.gz`, later],
    [`${a}.2.gz`, mtimeMs / 1000]
  ] as const) {
    writeFileSync(name, gzipSync('started\n'))
    utimesSync(name, time, time)
  }
  writeFileSync(a, 'on\n')
  await r.start().finish()
  r.expect(['started', 'started', 'on'])
  assert.equal(presumed(r), 0)
})

test('a short file that may be a copy of one that is gone is left out, told and counted', async t => {
  const { r, a } = await readAndStopped(t)
  unlinkSync(a)
  writeFileSync(`${a}.1`, 'started\n')
  writeFileSync(a, 'on\n')
  await r.start().finish()
  r.expect(['started', 'on'])
  assert.equal(presumed(r), 1)
})

test('a second short file that is the same as one which was copied is told', async t => {
  const { r, a } = await readAndStopped(t)
  for (const n of [1, 2]) writeFileSync(`${a}.${n}`, 'started\n')
  appendFileSync(a, 'on\n')
  await r.start().finish()
  r.expect(['started', 'on'])
  assert.equal(presumed(r), 1)
})

test('a compressed file that cannot be read inside is told once when it was never seen, and not when it was read', async t => {
  const { r, a } = await readAndStopped(t)
  const { mtimeMs } = statSync(a)
  unlinkSync(a)
  const sealed = { bz2: 'BZh9', xz: '\xfd7zXZ\0', lz4: '\x04"M\x18' }
  for (const [end, magic] of Object.entries(sealed)) writeFileSync(`${a}.1.${end}`, Buffer.from(`${magic}…`, 'latin1'))
  writeFileSync(`${a}.2.bz2`, 'BZh9…')
  utimesSync(`${a}.2.bz2`, mtimeMs / 1000, mtimeMs / 1000)
  for (const end of Object.keys(sealed)) utimesSync(`${a}.1.${end}`, mtimeMs / 1000 + 30, mtimeMs / 1000 + 30)
  writeFileSync(a, 'on\n')
  await r.start().finish()
  r.expect(['started', 'on'])
  const told = r.data.filter((_, i) => r.said[i]!.startsWith('warn A file that was rotated away unseen is compressed'))
  assert.deepEqual(
    told.map(d => String(d['rotated'])).sort(),
    Object.keys(sealed)
      .map(end => `${a}.1.${end}`)
      .sort()
  )
})
