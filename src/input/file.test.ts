import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text as readAll } from 'node:stream/consumers'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Emit } from '../core/component.ts'
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
  assert.deepEqual(r.texts, ['one', 'two', 'two', 'two'])
  assert.deepEqual(
    r.held.slice(2).map(batch => batch.only),
    ['b', 'c'],
    'a has it'
  )
  r.held[3]!.settle('c')
  await r.stop()
  r.outputs = ['c']
  await r.start().poll()
  assert.deepEqual(r.texts, ['one', 'two', 'two', 'two'])
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
  assert.match(r.input.describe().message, /^1 path cannot be read: .*lit\.log does not exist$/)
  mkdirSync(join(r.logs, 'later'))
  writeFileSync(join(r.logs, 'later', 'a.log'), 'one\n')
  writeFileSync(join(r.logs, 'lit.log'), 'two\n')
  await r.poll()
  assert.deepEqual(r.texts.sort(), ['one', 'two'])
  assert.equal(r.input.describe().message, '')
})

test('that a path is missing is told once, also while its deleted file is read on and when that is over', async t => {
  const r = rig(t, { paths: ['log/lit.log'] })
  const path = join(r.logs, 'lit.log')
  writeFileSync(path, 'one\n')
  const late = openSync(path, 'a')
  t.after(() => closeSync(late))
  await r.poll()
  unlinkSync(path)
  await r.poll(12)
  writeSync(late, 'two\n')
  await r.poll(40)
  assert.deepEqual(r.texts, ['one', 'two'])
  assert.deepEqual(
    r.said.filter(s => /path/.test(s)),
    ['warn A path is not there; it is looked for.']
  )
  assert.match(r.input.describe().message, /lit\.log does not exist$/)
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

test('binary bytes, NULs and invalid UTF-8 pass as they are', async t => {
  const r = rig(t)
  const bytes = Buffer.from([0, 1, 255, 10, 0xc3, 0x28, 10, 0, 0, 0, 13, 10, 0xe2, 0x82, 10])
  writeFileSync(join(r.logs, 'a.log'), bytes.subarray(0, 13))
  await r.poll()
  appendFileSync(join(r.logs, 'a.log'), bytes.subarray(13))
  await r.poll()
  assert.deepEqual(r.texts, ['\0\x01\xff', '\xc3(', '\0\0\0', '\xe2\x82'])
})

test('a line of 100 MB is cut and flagged, the rest is left out, and memory stays flat', async t => {
  const r = rig(t)
  const a = join(r.logs, 'a.log')
  writeFileSync(a, 'before\n')
  const piece = Buffer.alloc(4 * 1024 * 1024, 'x')
  await r.poll()
  const before = process.memoryUsage().rss
  for (let i = 0; i < 25; i++) {
    appendFileSync(a, piece)
    if (i % 5 === 0) await r.poll()
  }
  const length = 25 * piece.length
  await r.poll()
  assert.equal(r.got.length, 2)
  await r.stop()
  appendFileSync(a, '\nafter\n')
  await r.start().poll()
  assert.ok(process.memoryUsage().rss - before < 40e6, `grew by ${process.memoryUsage().rss - before}`)
  assert.deepEqual(
    r.got.map(g => [g.offset, g.text.length, g.cut]),
    [
      [0, 6, false],
      [7, 1024 * 1024, true],
      [7 + length + 1, 5, false]
    ]
  )
  await r.stop()
  await r.start().poll()
  assert.equal(r.got.length, 3)
})

test('a cut line that is read again after a kill is cut at the same place', async t => {
  const r = rig(t, { max_line_bytes: 100 })
  writeFileSync(join(r.logs, 'a.log'), `${'y'.repeat(250)}\nafter\n${'z'.repeat(300)}`)
  r.settles = false
  await r.poll()
  await r.kill()
  r.start()
  await r.poll()
  assert.equal(r.got.length, 6)
  r.held[0]!.settle('out')
  await r.stop()
  appendFileSync(join(r.logs, 'a.log'), 'z\nend\n')
  await r.start().poll()
  r.expect(['y'.repeat(100), 'after', 'z'.repeat(100), 'end'])
})

test('what is no regular file is never opened, and told once', async t => {
  const r = rig(t)
  execFileSync('mkfifo', [join(r.logs, 'fifo.log')])
  symlinkSync('/dev/zero', join(r.logs, 'device.log'))
  const server = createServer().listen(join(r.logs, 'socket.log'))
  await once(server, 'listening')
  t.after(() => server.close())
  writeFileSync(join(r.logs, 'a.log'), 'one\n')
  await r.poll(3)
  assert.deepEqual(r.texts, ['one'])
  const told = r.data.filter((_, i) => r.said[i]!.includes('is no regular file')).map(d => d['what'])
  assert.deepEqual(new Set(told), new Set(['device', 'fifo', 'socket']))
  assert.equal(told.length, 3)
})

test('a file that vanishes between two system calls costs nothing', async t => {
  const r = rig(t)
  const churn = (async () => {
    for (let i = 0; i < 400; i++) {
      const path = join(r.logs, `${i % 7}.log`)
      writeFileSync(path, `${i}\n`)
      await new Promise(setImmediate)
      try {
        unlinkSync(path)
      } catch {}
    }
  })()
  for (let i = 0; i < 30; i++) await r.poll()
  await churn
  await r.finish()
  assert.equal(new Set(r.texts).size, r.texts.length)
  assert.deepEqual(
    r.said.filter(s => s.startsWith('error')),
    []
  )
})

test('an unreadable file is told once with the element that refuses, and read when it may be', async t => {
  const r = rig(t)
  const a = join(r.logs, 'sub', 'a.log')
  mkdirSync(join(r.logs, 'sub'))
  writeFileSync(a, 'one\n')
  const script = `
    import { chmodSync, chownSync } from 'node:fs'
    import { Rig } from ${JSON.stringify(new URL('./file/rig.ts', import.meta.url).href)}
    const undo = []
    const r = new Rig({ after: f => undo.push(f) }, { start_at: 'beginning', paths: [${JSON.stringify(join(r.logs, 'sub', '*.log'))}] })
    chmodSync(${JSON.stringify(a)}, 0o200)
    if (process.getuid() === 0) { chownSync(r.dir, 65534, 65534); process.setgid(65534); process.setuid(65534) }
    process.stdin.once('data', async () => { await r.poll(); console.log(JSON.stringify([r.texts, r.said, r.input.describe().message])); for (const f of undo) await f(); process.exit() })
    r.start()
    await r.poll(3)
    console.log(JSON.stringify([r.texts, r.said, r.input.describe().message, r.data[0]]))
  `
  chmodSync(r.dir, 0o755)
  chmodSync(r.logs, 0o755)
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]()
  const before = JSON.parse((await answers.next()).value as string)
  assert.deepEqual(before[0], [])
  assert.deepEqual(before[1], ['error A path cannot be read; it is tried again.'])
  assert.match(
    before[2],
    /^1 path cannot be read: .*a\.log \(--w-------, owner \d+:\d+\) gives no read permission to uid \d+ \(setfacl -m u:\S+:r \S+a\.log; more: yarder doctor\)$/
  )
  assert.equal(before[3].errno, 'EACCES')
  chmodSync(a, 0o644)
  child.stdin.write('go\n')
  const after = JSON.parse((await answers.next()).value as string)
  assert.deepEqual(after[0], ['one'])
  assert.equal(after[2], '')
})

test('more files than descriptors are all read, and none stays open for ever', async t => {
  const r = rig(t, { max_open_files: 4, close_inactive: '1s' })
  const all: string[] = []
  const write = writer(all)
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 50; i++) write(join(r.logs, `${i}.log`), 2)
    await r.poll()
    assert.ok(r.input.describe().files.filter(f => f.open).length <= 4)
  }
  r.expect(all)
  r.skew += 3_600_000
  await r.poll(2)
  assert.equal(r.input.describe().files.filter(f => f.open).length, 0)
})

test('a thousand rotations leave no descriptor behind', async t => {
  const r = rig(t)
  const all: string[] = []
  const write = writer(all)
  const a = join(r.logs, 'a.log')
  const fds = (): number => readdirSync('/proc/self/fd').length
  await r.poll()
  const before = fds()
  for (let i = 0; i < 1000; i++) {
    write(a, 1)
    if (i % 3 !== 0) await r.poll()
    try {
      renameSync(`${a}.1`, `${a}.2`)
    } catch {}
    renameSync(a, `${a}.1`)
  }
  await r.poll()
  r.expect(all)
  r.skew += 3_600_000
  await r.poll(3)
  assert.ok(fds() <= before, `${fds()} descriptors, ${before} before`)
})

test('this process never tails its own output', async t => {
  const dir = new Rig(t)
  mkdirSync(dir.logs)
  const out = join(dir.logs, 'agent.log')
  const script = `
    import { Rig } from ${JSON.stringify(new URL('./file/rig.ts', import.meta.url).href)}
    const undo = []
    const r = new Rig({ after: f => undo.push(f) }, { start_at: 'beginning', paths: [${JSON.stringify(out)}] }).start()
    for (let i = 0; i < 3; i++) { console.log('mine'); await r.poll() }
    process.stderr.write(JSON.stringify([r.texts, r.said]))
    for (const f of undo) await f()
  `
  const fd = openSync(out, 'a')
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', fd, 'pipe'] })
  closeSync(fd)
  const [texts, said] = JSON.parse(await readAll(child.stderr!)) as [string[], string[]]
  assert.deepEqual(texts, [])
  assert.equal(said.filter(s => s.includes('output of this process')).length, 1)
})

test('an open record waits for flush_timeout, survives a restart, and keeps the end it was given', async t => {
  const r = rig(t, { multiline: { pattern: '^\\s', flush_timeout: '5s' } })
  const a = join(r.logs, 'a.log')
  writeFileSync(a, 'one\n 1\ntwo\n 2\n')
  await r.poll()
  assert.deepEqual(r.texts, ['one\n 1'])
  await r.stop()
  await r.start().poll()
  assert.deepEqual(r.texts, ['one\n 1'])
  r.settles = false
  r.skew += 6000
  await r.poll()
  assert.deepEqual(r.texts, ['one\n 1', 'two\n 2'])
  appendFileSync(a, ' late\nthree\n')
  await r.kill()
  r.settles = true
  await r.start().poll()
  r.skew += 6000
  await r.poll()
  r.expect(['one\n 1', 'two\n 2', ' late', 'three'])
})

test('once: everything to the end, unterminated lines and open records too, and then it returns', async t => {
  const r = new Rig(t, { multiline: { preset: 'java' } })
  mkdirSync(r.logs)
  r.once = true
  writeFileSync(join(r.logs, 'a.log'), 'a\n\tat x\nb\n\tat y')
  writeFileSync(join(r.logs, 'b.log'), text(lines(5000)))
  r.start()
  await r.input.run(r.emit, new AbortController().signal)
  assert.equal(r.got.length, 5002)
  assert.deepEqual(
    r.got.filter(g => g.path!.endsWith('a.log')).map(g => g.text),
    ['a\n\tat x', 'b\n\tat y']
  )
})

test('bytes that are read again keep the day of their arrival, later ones have their own', async t => {
  const r = rig(t)
  const a = join(r.logs, 'a.log')
  const day = 86_400_000
  const noon = Math.floor(Date.now() / day) * day + day / 2
  r.wall = () => noon
  r.settles = false
  writeFileSync(a, 'one\n')
  await r.poll()
  r.wall = () => noon + day
  appendFileSync(a, 'two\n')
  await r.poll()
  assert.deepEqual(
    r.got.map(g => g.arrival),
    [noon, noon + day]
  )
  await r.kill()
  r.wall = () => noon + 2 * day
  appendFileSync(a, 'three\n')
  await r.start().poll()
  const again = r.got.slice(2).map(g => [g.text, (g.arrival - noon) / day])
  // What came after the last note of how far was read can't be told from what was read: it counts as read.
  assert.deepEqual(again, [
    ['one', 0],
    ['two', 1],
    ['three', 1]
  ])
  await r.stop()
  r.wall = () => noon + 3 * day
  appendFileSync(a, 'four\n')
  await r.start().poll()
  assert.deepEqual(
    r.got.slice(5).map(g => [g.text, (g.arrival - noon) / day]),
    [
      ['one', 0],
      ['two', 1],
      ['three', 1],
      ['four', 3]
    ]
  )
})

test('files that are not written for longer than ignore_older are read only from their end', async t => {
  const r = rig(t, { ignore_older: '1h' })
  const a = join(r.logs, 'a.log')
  writeFileSync(a, 'old\n')
  utimesSync(a, Date.now() / 1000 - 7200, Date.now() / 1000 - 7200)
  await r.poll()
  appendFileSync(a, 'new\n')
  await r.poll()
  assert.deepEqual(r.texts, ['new'])
})

test('a hole that a writer leaves after a truncation is no record', async t => {
  const r = rig(t)
  const a = join(r.logs, 'a.log')
  const fd = openSync(a, 'w')
  writeSync(fd, text(lines(2000)))
  await r.poll()
  const { length } = r.got
  truncateSync(a)
  writeSync(fd, 'after the hole\n')
  closeSync(fd)
  await r.poll(2)
  assert.deepEqual(r.texts.slice(length), ['after the hole'])
})

test('a file that an editor wrote anew, or that was restored, is the file it was', async t => {
  const r = rig(t)
  const all: string[] = []
  const write = writer(all)
  const a = join(r.logs, 'a.log')
  write(a, 300)
  await r.poll()
  for (const down of [false, true]) {
    if (down) await r.stop()
    copyFileSync(a, `${a}~`)
    renameSync(`${a}~`, a)
    write(a, 3)
    if (down) r.start()
    await r.finish()
    r.expect(all)
  }
})

test('a file that was merely shortened is read on from the last place that is sure, not from its start', async t => {
  const r = rig(t, { read_bytes: '4KiB' })
  const a = join(r.logs, 'a.log')
  writeFileSync(a, text(lines(3000)))
  await r.poll()
  const { offset } = r.got[1500]!
  truncateSync(a, offset)
  appendFileSync(a, text(lines(5, 'after the cut')))
  await r.finish()
  const again = r.got.length - 3005
  assert.ok(again >= 0 && again * 10 <= 4096 + 100, `${again} lines were read again`)
  assert.equal(r.texts.filter(x => x.startsWith('after')).length, 5)
})

test('what is settled after a reload took over is not lost, and undoes nothing', async t => {
  const r = rig(t)
  const a = join(r.logs, 'a.log')
  writeFileSync(a, 'one\n')
  r.settles = false
  await r.poll()
  const old = r.input
  await old.close()
  const late = r.held.splice(0)
  for (const batch of late) batch.settle('out')
  r.state.commit()
  appendFileSync(a, 'two\n')
  r.startAgain()
  r.settles = true
  await r.poll()
  assert.deepEqual(r.texts, ['one', 'two'])
  for (const batch of late) batch.settle('out')
  await r.stop()
  await r.start().poll()
  assert.deepEqual(r.texts, ['one', 'two'])
})

test('a row that another version or a person wrote wrong is told and left out', async t => {
  const r = rig(t)
  writeFileSync(join(r.logs, 'a.log'), 'one\n')
  await r.poll()
  for (const bad of [null, 7, { file: 1 }, { file: 'x', path: '/x', pos: { out: -1 }, head: [0, ''] }]) {
    r.state.set('input/in', `bad ${JSON.stringify(bad)}`, bad)
  }
  await r.stop()
  appendFileSync(join(r.logs, 'a.log'), 'two\n')
  await r.start().poll()
  assert.deepEqual(r.texts, ['one', 'two'])
  assert.equal(r.said.filter(s => s === 'warn A position is malformed and was ignored.').length, 4)
})

test('a state that was begun anew reads as at a first start, and never stops', async t => {
  const r = rig(t)
  writeFileSync(join(r.logs, 'a.log'), 'one\n')
  await r.poll()
  await r.stop()
  writeFileSync(join(r.dir, 'state.db'), Buffer.alloc(8192))
  unlinkSync(join(r.dir, 'state.db.copy'))
  await r.start().poll()
  assert.deepEqual(r.texts, ['one', 'one'])
  assert.ok(r.said.some(s => s.startsWith('error The state file is damaged')))
})

test('a damaged state is mended from its copy: nothing is read twice that was acknowledged when that was made', async t => {
  const r = rig(t)
  writeFileSync(join(r.logs, 'a.log'), 'one\n')
  await r.poll()
  await r.stop()
  writeFileSync(join(r.dir, 'state.db'), Buffer.alloc(8192))
  appendFileSync(join(r.logs, 'a.log'), 'two\n')
  await r.start().poll()
  assert.deepEqual(r.texts, ['one', 'two'])
  assert.ok(r.said.some(s => s.startsWith('error The state file is damaged')))
})

test('files beyond the first 200 share one series', async t => {
  const r = rig(t)
  for (let i = 0; i < 230; i++) writeFileSync(join(r.logs, `${i}.log`), 'one\n')
  await r.poll()
  const series = r.scrape()
  const sizes = [...series].filter(([name]) => name.startsWith('yarder_input_file_size_bytes'))
  assert.equal(sizes.length, 201)
  assert.equal(series.get('yarder_input_file_size_bytes{in,__overflow__}'), 30 * 4)
  assert.equal(series.get('yarder_input_files{in}'), 230)
  assert.equal(series.get(`yarder_input_acked_bytes{in,${join(r.logs, '0.log')},out}`), 4)
  assert.equal(series.get(`yarder_input_lag_bytes{in,${join(r.logs, '0.log')}}`), 0)
  unlinkSync(join(r.logs, '0.log'))
  await r.poll()
  r.skew += 60_000
  await r.poll(3)
  assert.equal(r.scrape().has(`yarder_input_lag_bytes{in,${join(r.logs, '0.log')}}`), false)
})

for (const watch of [true, false]) {
  test(`runs by itself ${watch ? 'on events' : 'without any event'}, and returns when told`, async t => {
    const r = rig(t, { watch, poll: watch ? '1m' : '20ms' })
    const stop = new AbortController()
    t.after(() => stop.abort())
    const seen = new EventEmitter()
    const emit: Emit = async batch => {
      await r.emit(batch)
      seen.emit('batch')
    }
    const running = r.input.run(emit, stop.signal)
    const until = async (line: string): Promise<void> => {
      while (!r.texts.includes(line)) await once(seen, 'batch', { signal: AbortSignal.timeout(5000) })
    }
    // Written again and again until the kernel's events arrive, which takes a moment after the start.
    const first = join(r.logs, 'first.log')
    for (let i = 0; r.got.length === 0; i++) {
      appendFileSync(first, 'again\n')
      await Promise.race([once(seen, 'batch'), new Promise(resolve => setTimeout(resolve, 20))])
    }
    const a = join(r.logs, 'a.log')
    writeFileSync(a, 'one\n')
    await until('one')
    appendFileSync(a, 'two\n')
    await until('two')
    renameSync(a, `${a}.1`)
    appendFileSync(`${a}.1`, 'late\n')
    writeFileSync(a, 'three\n')
    await until('three')
    await until('late')
    stop.abort()
    await running
    assert.deepEqual(r.texts.filter(x => x !== 'again').sort(), ['late', 'one', 'three', 'two'])
  })
}

test('a slow output stops the reading, not the looking: what is rotated away meanwhile is held', async t => {
  const r = rig(t, { watch: false, poll: '10ms' })
  const stop = new AbortController()
  t.after(() => stop.abort())
  const gate = Promise.withResolvers<void>()
  const seen = new EventEmitter()
  const a = join(r.logs, 'a.log')
  const all: string[] = []
  const write = writer(all)
  write(a)
  const running = r.input.run(async batch => {
    seen.emit('batch')
    await gate.promise
    await r.emit(batch)
  }, stop.signal)
  await once(seen, 'batch')
  for (let i = 0; i < 3; i++) {
    renameSync(a, `${a}.1`)
    write(a)
    const known = (): boolean => r.input.describe().files.filter(f => f.open).length >= i + 2
    while (!known()) await new Promise(setImmediate)
    unlinkSync(`${a}.1`)
  }
  gate.resolve()
  const late = AbortSignal.timeout(5000)
  while (r.got.length < all.length && !late.aborted) await new Promise(setImmediate)
  stop.abort()
  await running
  r.expect(all)
})
