import assert from 'node:assert/strict'
import {
  appendFileSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  statSync,
  readdirSync
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { Rig } from './file/rig.ts'

function rig(t: TestContext, options: Record<string, unknown> = {}): Rig {
  const r = new Rig(t, { start_at: 'beginning', ...options })
  mkdirSync(r.logs)
  return r.start()
}
let n = 0
const lines = (count: number, word = 'line'): string[] => Array.from({ length: count }, () => `${word} ${n++}`)
const text = (all: readonly string[]): string => all.map(l => `${l}\n`).join('')
/** Writes lines and remembers them. */
function writer(all: string[]) {
  return (path: string, count = 3, word = 'line'): void => {
    const fresh = lines(count, word)
    all.push(...fresh)
    appendFileSync(path, text(fresh))
  }
}

test('reads what is there and what comes', async t => {
  const r = rig(t)
  const a = join(r.logs, 'a.log')
  writeFileSync(a, 'one\ntwo\n')
  await r.poll()
  assert.deepEqual(r.texts, ['one', 'two'])
  appendFileSync(a, 'thr')
  await r.poll()
  appendFileSync(a, 'ee\r\nfour')
  await r.poll()
  assert.deepEqual(r.texts, ['one', 'two', 'three'])
  assert.deepEqual(
    r.got.map(g => g.offset),
    [0, 4, 8]
  )
  assert.equal(r.got[0]!.path, a)
})

test('start_at end leaves out what stood there, but not the line being written, nor later files', async t => {
  const r = rig(t, { start_at: 'end' })
  writeFileSync(join(r.logs, 'a.log'), 'old\nhal')
  writeFileSync(join(r.logs, 'empty.log'), '')
  await r.poll()
  appendFileSync(join(r.logs, 'a.log'), 'f\n')
  appendFileSync(join(r.logs, 'empty.log'), 'e\n')
  writeFileSync(join(r.logs, 'b.log'), 'new\n')
  await r.poll()
  assert.deepEqual(r.texts.sort(), ['e', 'half', 'new'])
  await r.stop()
  writeFileSync(join(r.logs, 'c.log'), 'later\n')
  await r.start().poll()
  assert.deepEqual(r.texts.sort(), ['e', 'half', 'later', 'new'])
})

test('goes on after a restart, and after a kill sends again what was not acknowledged, under the same identity', async t => {
  const r = rig(t)
  const a = join(r.logs, 'a.log')
  writeFileSync(a, 'one\ntwo\n')
  await r.poll()
  await r.stop()
  appendFileSync(a, 'three\n')
  r.start().settles = false
  await r.poll()
  assert.deepEqual(r.texts, ['one', 'two', 'three'])
  await r.kill()
  r.start().settles = true
  await r.poll()
  assert.deepEqual(r.texts, ['one', 'two', 'three', 'three'])
  r.expect(['one', 'two', 'three'])
})

test('a batch may be settled after the input has stopped', async t => {
  const r = rig(t)
  writeFileSync(join(r.logs, 'a.log'), 'one\n')
  r.settles = false
  await r.poll()
  await r.input.close()
  for (const batch of r.held) batch.settle('out')
  r.state.close()
  await r.start().poll()
  assert.deepEqual(r.texts, ['one'])
})

test('each output has its own position; a new one begins at the slowest, one that is gone is forgotten', async t => {
  const r = rig(t)
  r.outputs = ['a', 'b']
  await r.stop()
  r.start().settles = false
  const path = join(r.logs, 'a.log')
  writeFileSync(path, 'one\n')
  await r.poll()
  appendFileSync(path, 'two\n')
  await r.poll()
  r.held[0]!.settle('a')
  r.held[0]!.settle('b')
  r.held[1]!.settle('a')
  await r.stop()
  r.outputs = ['a', 'b', 'c']
  await r.start().poll()
  assert.deepEqual(r.texts, ['one', 'two', 'two'])
  assert.deepEqual(r.held[2]!.settledFor, ['a'])
  r.held[2]!.settle('c')
  await r.stop()
  r.outputs = ['c']
  await r.start().poll()
  assert.deepEqual(r.texts, ['one', 'two', 'two'])
})

test('rename rotation: the old file is read to its end, late writes included, the new one from its start', async t => {
  const r = rig(t)
  const all: string[] = []
  const write = writer(all)
  const a = join(r.logs, 'a.log')
  write(a)
  await r.poll()
  write(a)
  renameSync(a, `${a}.1`)
  write(`${a}.1`)
  write(a)
  await r.poll()
  write(`${a}.1`)
  write(a)
  await r.poll()
  r.expect(all)
  assert.ok(r.got.every(g => g.path === a))
})

test('rename rotation of a file whose descriptor was closed', async t => {
  const r = rig(t, { close_inactive: '1s' })
  const all: string[] = []
  const write = writer(all)
  const a = join(r.logs, 'a.log')
  write(a)
  await r.poll()
  r.skew += 3_600_000
  await r.poll(2)
  assert.ok(r.input.describe().files.every(f => !f.open))
  write(a)
  renameSync(a, `${a}.1`)
  write(a)
  await r.finish()
  r.expect(all)
})

test('several rotations while down: every file in between is read, old ones are not', async t => {
  const r = rig(t)
  const all: string[] = []
  const write = writer(all)
  const a = join(r.logs, 'a.log')
  writeFileSync(`${a}.1`, 'of old times\n')
  utimesSync(`${a}.1`, 1e9, 1e9)
  write(a)
  await r.poll()
  await r.stop()
  write(a)
  const rotate = (): void => {
    for (let i = 6; i > 0; i--) {
      for (const end of ['', '.gz']) {
        try {
          renameSync(`${a}.${i}${end}`, `${a}.${i + 1}${end}`)
        } catch {}
      }
    }
    renameSync(a, `${a}.1`)
    try {
      const st = statSync(`${a}.2`)
      writeFileSync(`${a}.2.gz`, gzipSync(readFileSync(`${a}.2`)))
      utimesSync(`${a}.2.gz`, st.atime, st.mtime)
      unlinkSync(`${a}.2`)
    } catch {}
  }
  for (let i = 0; i < 4; i++) {
    rotate()
    write(a)
  }
  assert.deepEqual(readdirSync(r.logs).sort(), [
    'a.log',
    'a.log.1',
    'a.log.2.gz',
    'a.log.3.gz',
    'a.log.4.gz',
    'a.log.5.gz'
  ])
  await r.start().finish()
  r.expect(all)
  await r.stop()
  await r.start().finish()
  assert.equal(r.got.length, all.length)
  assert.deepEqual(r.lost, {})
})

for (const down of [false, true]) {
  const when = down ? 'while down' : 'while running'
  test(`copytruncate ${when}: the rest is read in the copy, the file from its start`, async t => {
    const r = rig(t)
    const all: string[] = []
    const write = writer(all)
    const a = join(r.logs, 'a.log')
    write(a, 30)
    await r.poll()
    if (down) await r.stop()
    write(a, 30)
    copyFileSync(a, `${a}.1`)
    truncateSync(a)
    write(a, 5)
    if (down) r.start()
    await r.finish()
    r.expect(all)
    assert.deepEqual(r.lost, {})
    await r.stop()
    await r.start().finish()
    r.expect(all)
  })

  test(`copytruncate ${when} with the copy under the patterns`, async t => {
    const r = rig(t, { paths: ['log/*.log*'] })
    const all: string[] = []
    const write = writer(all)
    const a = join(r.logs, 'a.log')
    for (let round = 0; round < 3; round++) {
      write(a, 30)
      await r.poll()
      if (down) await r.stop()
      write(a, 30)
      if (round > 0) renameSync(`${a}.1`, `${a}.2`)
      copyFileSync(a, `${a}.1`)
      if (!down) await r.poll()
      truncateSync(a)
      write(a, 5)
      if (down) r.start()
      await r.finish()
      r.expect(all)
    }
    await r.stop()
    await r.start().finish()
    r.expect(all)
  })

  test(`copytruncate ${when} with the copy compressed at once`, async t => {
    const r = rig(t)
    const all: string[] = []
    const write = writer(all)
    const a = join(r.logs, 'a.log')
    write(a, 300)
    await r.poll()
    if (down) await r.stop()
    write(a, 300)
    writeFileSync(`${a}.1.zst`, zstdCompressSync(readFileSync(a)))
    truncateSync(a)
    write(a, 500)
    if (down) r.start()
    await r.finish()
    r.expect(all)
  })

  test(`truncated and written anew ${when}, to the same length or more`, async t => {
    for (const more of ['', 'more\n']) {
      const r = new Rig(t, { start_at: 'beginning' })
      mkdirSync(r.logs)
      r.start()
      const a = join(r.logs, 'a.log')
      writeFileSync(a, 'aaaa\nbbbb\n')
      await r.poll()
      if (down) await r.stop()
      writeFileSync(a, `cccc\ndddd\n${more}`)
      if (down) r.start()
      await r.poll(2)
      assert.deepEqual(r.texts, ['aaaa', 'bbbb', 'cccc', 'dddd', ...(more === '' ? [] : ['more'])])
      assert.deepEqual(r.lost, {})
    }
  })

  test(`rotated and compressed ${when} before its end was read`, async t => {
    const r = rig(t, { close_inactive: '1s' })
    const all: string[] = []
    const write = writer(all)
    const a = join(r.logs, 'a.log')
    write(a, 200)
    await r.poll()
    if (down) await r.stop()
    else {
      r.skew += 3_600_000
      await r.poll(2)
    }
    write(a, 200)
    writeFileSync(`${a}.1.gz`, gzipSync(readFileSync(a)))
    unlinkSync(a)
    write(a, 3)
    if (down) r.start()
    await r.finish()
    r.expect(all)
    assert.deepEqual(r.lost, {})
  })

  test(`what was deleted unread ${when} is counted, and named`, async t => {
    const r = rig(t)
    const a = join(r.logs, 'a.log')
    writeFileSync(a, 'one\n')
    await r.poll()
    appendFileSync(a, 'two\n')
    await r.input.look(true)
    if (down) {
      await r.stop()
      unlinkSync(a)
      await r.start().finish()
      assert.deepEqual(r.lost, { deleted: 4 })
      assert.ok(r.said.includes('error A part of a file was gone before it was read.'))
    } else {
      unlinkSync(a)
      await r.finish()
      assert.deepEqual(r.texts, ['one', 'two'])
      assert.deepEqual(r.lost, {})
    }
  })
}

test('a deleted file is read to its end, its unterminated line too, and then let go', async t => {
  const r = rig(t)
  const a = join(r.logs, 'a.log')
  writeFileSync(a, 'one\ntwo')
  await r.poll()
  unlinkSync(a)
  await r.poll(2)
  assert.deepEqual(r.texts, ['one'])
  r.skew += 60_000
  await r.poll(2)
  assert.deepEqual(r.texts, ['one', 'two'])
  assert.ok(r.input.describe().files.every(f => !f.open))
  r.skew += 3_600_000
  await r.poll(2)
  assert.deepEqual(r.input.describe().files, [])
})

test('an inode that is used again for another file is a new file', async t => {
  const r = rig(t, { close_inactive: '1s' })
  const all: string[] = []
  let reused = false
  for (let i = 0; i < 40 && !reused; i++) {
    const a = join(r.logs, `a${i}.log`)
    all.push('the same first line', `a ${i}`)
    writeFileSync(a, `the same first line\na ${i}\n`)
    await r.poll()
    r.skew += 3_600_000
    await r.poll(2)
    const { ino } = statSync(a)
    unlinkSync(a)
    const b = join(r.logs, `b${i}.log`)
    all.push('the same first line', `a ${i}`, 'b')
    writeFileSync(b, `the same first line\na ${i}\nb\n`)
    reused = statSync(b).ino === ino
    await r.finish()
  }
  r.expect(all)
})

test('files that begin alike, or are all alike, are each read', async t => {
  const r = rig(t)
  for (let i = 0; i < 20; i++) writeFileSync(join(r.logs, `f${i}.log`), 'banner\n')
  await r.poll()
  for (let i = 0; i < 20; i++) appendFileSync(join(r.logs, `f${i}.log`), `own ${i}\n`)
  await r.poll()
  assert.equal(r.texts.filter(x => x === 'banner').length, 20)
  assert.equal(new Set(r.texts).size, 21)
  assert.equal(r.got.length, 40)
})

test('a file of one byte and one of none grow into logs', async t => {
  const r = rig(t)
  const a = join(r.logs, 'a.log')
  const b = join(r.logs, 'b.log')
  writeFileSync(a, 'x')
  writeFileSync(b, '')
  await r.poll()
  await r.stop()
  appendFileSync(a, 'y\n')
  appendFileSync(b, '\n')
  await r.start().poll()
  assert.deepEqual(r.texts.sort(), ['', 'xy'])
  assert.equal(r.input.describe().files.length, 2)
})

test('a symbolic link that moves on: both files are read to their ends', async t => {
  const r = rig(t)
  const all: string[] = []
  const write = writer(all)
  mkdirSync(join(r.dir, 'real'))
  const current = join(r.logs, 'current.log')
  const one = join(r.dir, 'real', 'one')
  const two = join(r.dir, 'real', 'two')
  write(one)
  symlinkSync(one, current)
  await r.poll()
  write(one)
  write(two)
  unlinkSync(current)
  symlinkSync(two, current)
  await r.poll()
  write(one)
  write(two)
  await r.poll()
  r.expect(all)
})

test('two names of one file are read once and told once', async t => {
  const r = rig(t)
  const all: string[] = []
  const write = writer(all)
  const a = join(r.logs, 'a.log')
  write(a)
  linkSync(a, join(r.logs, 'b.log'))
  symlinkSync(a, join(r.logs, 'c.log'))
  await r.poll(2)
  write(a)
  await r.poll()
  unlinkSync(a)
  write(join(r.logs, 'b.log'))
  await r.finish()
  r.expect(all)
  assert.equal(r.said.filter(s => s.includes('Two paths lead')).length, 2)
})

test('a folder that goes away and comes back costs nothing and doubles nothing', async t => {
  const r = rig(t, { paths: ['log/**/*.log'], close_inactive: '1s' })
  const all: string[] = []
  const write = writer(all)
  mkdirSync(join(r.logs, 'sub'))
  const a = join(r.logs, 'sub', 'a.log')
  write(a)
  await r.poll()
  renameSync(join(r.logs, 'sub'), join(r.dir, 'away'))
  write(join(r.dir, 'away', 'a.log'))
  await r.poll(3)
  r.skew += 3_600_000
  await r.poll(3)
  write(join(r.dir, 'away', 'a.log'))
  renameSync(join(r.dir, 'away'), join(r.logs, 'sub'))
  await r.finish()
  write(a)
  await r.poll()
  r.expect(all)
  assert.deepEqual(r.lost, {})
})

test('a folder that is not there is told once, and its files are read when it is', async t => {
  const r = rig(t, { paths: ['log/later/*.log', 'log/lit.log'] })
  await r.poll(3)
  assert.equal(r.said.filter(s => s === 'warn A path is not there; it is looked for.').length, 2)
  assert.match(r.input.describe().message, /^2 paths cannot be read: .*later.* does not exist$/)
  mkdirSync(join(r.logs, 'later'))
  writeFileSync(join(r.logs, 'later', 'a.log'), 'one\n')
  writeFileSync(join(r.logs, 'lit.log'), 'two\n')
  await r.poll()
  assert.deepEqual(r.texts.sort(), ['one', 'two'])
  assert.equal(r.input.describe().message, '')
})

test('patterns, exclusions and names with a dot', async t => {
  const r = rig(t, { paths: ['log/**/*.log', 'log/[ab].txt'], exclude: ['skip*'] })
  mkdirSync(join(r.logs, 'x', 'y'), { recursive: true })
  mkdirSync(join(r.logs, '.hidden'))
  for (const name of ['a.log', 'x/y/b.log', 'skip.log', '.c.log', '.hidden/d.log', 'a.txt', 'c.txt', 'x/a.txt']) {
    writeFileSync(join(r.logs, name), `${name}\n`)
  }
  symlinkSync('..', join(r.logs, 'x', 'loop'))
  await r.poll()
  assert.deepEqual(r.texts.sort(), ['a.log', 'a.txt', 'x/y/b.log'])
})
