// Two outputs, of which one has no room for a while: the other goes on, and in the end each has every line once, in order.
import assert from 'node:assert/strict'
import { appendFileSync, copyFileSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Batch, Emit } from '../../core/component.ts'
import { Rig, takers } from './rig.ts'

/** A rig with the outputs a and b, and what each got. */
class Pair {
  readonly rig: Rig
  readonly path: string
  full = false
  /** Batches are kept instead of settled. */
  keeps = false
  readonly kept: [Batch, string][] = []
  readonly got: Record<string, string[]> = { a: [], b: [] }
  readonly again: string[] = []

  constructor(t: TestContext, options: Record<string, unknown> = {}) {
    this.rig = new Rig(t, { start_at: 'beginning', read_bytes: '4KiB', ...options })
    this.rig.outputs = ['a', 'b']
    mkdirSync(this.rig.logs)
    this.path = join(this.rig.logs, 'x.log')
    this.rig.start()
  }

  readonly emit: Emit = async batch => {
    for (const output of takers(batch, this.rig.outputs)) {
      if (output === 'b' && this.full) {
        assert.equal(batch.only, undefined)
        batch.decline!('b')
        continue
      }
      for (let i = 0; i < batch.count; i++) {
        const text = batch.bytes.toString('latin1', batch.bounds[i * 2], batch.bounds[i * 2 + 1])
        this.got[output]!.push(text)
        if (batch.only !== undefined) this.again.push(text)
      }
      if (this.keeps) this.kept.push([batch, output])
      else batch.settle(output)
    }
  }

  async poll(times = 1): Promise<void> {
    const { input } = this.rig
    const { signal } = new AbortController()
    for (let i = 0; i < times; i++) {
      await input.look(true)
      await input.feed(this.emit, signal)
      if (!this.full) await input.catchUp(this.emit, signal)
      this.rig.skew += 1000
    }
  }

  expect(a: string[], b: string[] = a): void {
    assert.deepEqual(this.got['a'], a)
    assert.deepEqual(this.got['b'], b)
  }

  files(): number {
    return [...this.rig.input.describe().files].filter(f => f.open).length
  }
}

const lines = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `line ${from + i}`)
const text = (from: number, to: number): string =>
  lines(from, to)
    .map(l => `${l}\n`)
    .join('')

test('an output without room gets its part later, and joins the others again', async t => {
  const p = new Pair(t)
  writeFileSync(p.path, text(0, 100))
  await p.poll()
  p.full = true
  appendFileSync(p.path, text(100, 3000))
  await p.poll()
  appendFileSync(p.path, text(3000, 4000))
  await p.poll()
  p.expect(lines(0, 4000), lines(0, 100))
  assert.match(p.rig.input.describe().message, /^b is behind by \d+ bytes in 1 file, and reads on its own$/)
  p.full = false
  await p.poll()
  appendFileSync(p.path, text(4000, 4100))
  await p.poll()
  p.expect(lines(0, 4100))
  assert.deepEqual(p.again, lines(100, 4000), 'what came after it had caught up was not read twice')
  assert.equal(p.rig.input.describe().message, '')
  const told = p.rig.said.filter(s => s.includes('output'))
  assert.deepEqual(told, [
    'warn An output has no room for long; the others go on, and its part is read again when it has.',
    'info An output has caught up with the others.'
  ])
})

test('the output that went on has no room by then: the one that has caught up goes on', async t => {
  const p = new Pair(t)
  p.full = true
  writeFileSync(p.path, text(0, 10))
  await p.poll()
  p.full = false
  const waiting: Batch[] = []
  appendFileSync(p.path, text(10, 20))
  const { signal } = new AbortController()
  await p.rig.input.look(true)
  await p.rig.input.feed(async batch => void waiting.push(batch), signal)
  assert.equal(waiting[0]!.awaited, false)
  await p.rig.input.catchUp(p.emit, signal)
  assert.equal(waiting[0]!.awaited, true)
  waiting[0]!.decline!('a')
  await p.poll()
  p.expect(lines(0, 20))
})

test('a stop while an output is behind: the next start goes on for each where it was', async t => {
  const p = new Pair(t)
  writeFileSync(p.path, text(0, 10))
  await p.poll()
  p.full = true
  appendFileSync(p.path, text(10, 500))
  await p.poll()
  await p.rig.stop()
  appendFileSync(p.path, text(500, 600))
  p.rig.start()
  p.full = false
  await p.poll(3)
  p.expect(lines(0, 600))
  assert.deepEqual(p.again.slice(0, 490), lines(10, 500))
})

test('a kill while it catches up: what was acknowledged is not sent again', async t => {
  const p = new Pair(t)
  p.full = true
  writeFileSync(p.path, text(0, 3000))
  await p.poll()
  p.full = false
  p.keeps = true
  await p.poll()
  for (const [batch, output] of p.kept.slice(0, 3)) batch.settle(output)
  p.rig.state.commit()
  await p.rig.kill()
  p.rig.state.close()
  p.keeps = false
  const before = p.got['b']!.length
  p.rig.start()
  await p.poll(3)
  const after = p.got['b']!.slice(before)
  assert.ok(after.length > 0 && after.length < 3000)
  assert.deepEqual(after, lines(3000 - after.length, 3000))
  assert.deepEqual(p.got['a'], lines(0, 3000))
})

for (const [what, rotate] of [
  ['renamed', (p: Pair) => renameSync(p.path, `${p.path}.1`)],
  ['deleted', (p: Pair) => rmSync(p.path)],
  [
    'renamed and compressed',
    async (p: Pair) => {
      renameSync(p.path, `${p.path}.1`)
      await p.poll(2)
      writeFileSync(`${p.path}.1.gz`, gzipSync(text(0, 3000)))
      rmSync(`${p.path}.1`)
    }
  ],
  [
    'copied and truncated',
    (p: Pair) => {
      copyFileSync(p.path, `${p.path}.1`)
      truncateSync(p.path)
    }
  ],
  [
    'copied, truncated, compressed',
    async (p: Pair) => {
      copyFileSync(p.path, `${p.path}.1`)
      truncateSync(p.path)
      await p.poll(2)
      writeFileSync(`${p.path}.1.gz`, gzipSync(text(0, 3000)))
      rmSync(`${p.path}.1`)
    }
  ]
] as const)
  for (const restart of [false, true]) {
    if (restart && what === 'deleted') continue
    test(`a file that is ${what} while an output is behind${restart ? ', and a restart' : ''}`, async t => {
      const p = new Pair(t)
      writeFileSync(p.path, text(0, 10))
      await p.poll()
      p.full = true
      appendFileSync(p.path, text(10, 3000))
      await p.poll()
      await rotate(p)
      await p.poll(2)
      appendFileSync(p.path, text(3000, 3100))
      await p.poll(3)
      if (restart) {
        await p.rig.stop()
        p.rig.start()
        await p.poll(3)
      }
      assert.deepEqual(p.got['a'], lines(0, 3100))
      p.full = false
      await p.poll(8)
      assert.deepEqual([...p.got['b']!].sort(), lines(0, 3100).sort())
      assert.deepEqual(
        p.got['b']!.filter(l => Number(l.slice(5)) < 3000),
        lines(0, 3000),
        'in order within the file'
      )
      assert.deepEqual(p.rig.lost, {})
      assert.deepEqual(
        p.rig.said.filter(s => s.startsWith('error')),
        []
      )
    })
  }

test('a file that comes and is deleted while an output is behind is read by its descriptor', async t => {
  const p = new Pair(t, { close_removed: '1s', close_inactive: '1s' })
  p.full = true
  writeFileSync(p.path, text(0, 10))
  await p.poll()
  writeFileSync(join(p.rig.logs, 'y.log'), text(10, 20))
  await p.poll()
  rmSync(join(p.rig.logs, 'y.log'))
  await p.poll(5)
  p.full = false
  await p.poll(3)
  p.expect(lines(0, 20))
  assert.deepEqual(p.rig.lost, {})
})

test('what nobody finds any more is lost for that output alone, counted and told once', async t => {
  const p = new Pair(t)
  writeFileSync(p.path, text(0, 10))
  await p.poll()
  p.full = true
  appendFileSync(p.path, text(10, 20))
  await p.poll()
  const bytes = text(10, 20).length
  await p.rig.stop()
  rmSync(p.path)
  p.full = false
  p.rig.start()
  await p.poll(8)
  assert.deepEqual(p.rig.lost, { deleted: bytes })
  const { lost, acked } = p.rig.input.describe().files[0]!.ledger!
  assert.deepEqual([lost, acked], [bytes, text(0, 10).length])
  await p.rig.stop()
  p.rig.start()
  await p.poll(8)
  assert.deepEqual(p.rig.lost, { deleted: bytes }, 'and not again')
  assert.equal(p.rig.said.filter(s => s.startsWith('error')).length, 1)
  p.expect(lines(0, 20), lines(0, 10))
})

test('joined lines and cut lines are the same records when they are read again', async t => {
  const p = new Pair(t, { multiline: { pattern: '^ ', match: 'after', flush_timeout: '1s' }, max_line_bytes: 100 })
  p.full = true
  const stack = 'one\n two\n three\nfour\n'
  const long = `${'x'.repeat(250)}\nlast\n`
  writeFileSync(p.path, stack + long)
  await p.poll(4)
  appendFileSync(p.path, ' more\nend\n')
  await p.poll(4)
  assert.deepEqual(p.got['b'], [])
  p.full = false
  await p.poll(2)
  assert.deepEqual(p.got['b'], p.got['a'])
  assert.equal(p.got['a']!.length, 6)
})

test('a thousand files behind are caught up with, with few of them open', async t => {
  const p = new Pair(t, { max_open_files: 20 })
  p.full = true
  const all: string[] = []
  for (let i = 0; i < 1000; i++) {
    writeFileSync(join(p.rig.logs, `f${i}.log`), `line ${i}\n`)
    all.push(`line ${i}`)
  }
  await p.poll(2)
  assert.equal(p.got['a']!.length, 1000)
  p.full = false
  await p.poll(3)
  assert.deepEqual([...p.got['b']!].sort(), all.sort())
  assert.ok(p.files() <= 20)
})

/** Two batches of one turn, of which the second waits until a stop; meanwhile those in `slow` read on their own. */
async function stopBetween(t: TestContext, slow: readonly string[], metered: boolean) {
  const rig = new Rig(t, { start_at: 'beginning' })
  rig.outputs = ['a', 'b']
  rig.metered = metered
  mkdirSync(rig.logs)
  writeFileSync(join(rig.logs, 'x.log'), 'x\n'.repeat(5000))
  rig.start()
  const got: Record<string, number> = { a: 0, b: 0, metrics: 0 }
  let first = true
  const take: Emit = async batch => {
    if (batch.only === undefined) {
      got['metrics']! += batch.count
      batch.counted!(batch.count)
    }
    for (const output of takers(batch, rig.outputs)) {
      if (first && slow.includes(output) && batch.only === undefined) batch.decline!(output)
      else {
        got[output]! += batch.count
        batch.settle(output)
      }
    }
    first = false
  }
  const stop = new AbortController()
  await rig.input.look(true)
  await rig.input.feed(async batch => {
    if (first) return take(batch)
    await rig.input.catchUp(take, stop.signal)
    stop.abort()
    throw new Error('stopping')
  }, stop.signal)
  await rig.stop()
  const before = { ...got }
  const { signal } = new AbortController()
  rig.start()
  await rig.input.look(true)
  await rig.input.feed(take, signal)
  await rig.input.catchUp(take, signal)
  return [before, got]
}

test('an output that read ahead of the metrics on its own: what it had is counted after a stop all the same', async t => {
  const [before, after] = await stopBetween(t, ['b'], true)
  assert.deepEqual(before, { a: 4096, b: 5000, metrics: 4096 })
  assert.deepEqual(after, { a: 5000, b: 5000, metrics: 5000 })
})

test('a stop while all outputs have read on their own: the bytes add up, and none gets anything twice', async t => {
  const [before, after] = await stopBetween(t, ['a', 'b'], false)
  assert.deepEqual(before, { a: 5000, b: 5000, metrics: 4096 })
  assert.deepEqual([after!['a'], after!['b']], [5000, 5000])
})
