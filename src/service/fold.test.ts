import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BURST, Fold, WINDOW_MS } from './fold.ts'
import type { Line } from './fold.ts'

class World {
  now = 0
  readonly told: { line: Line; count: number; ms: number }[] = []
  readonly held: Record<string, number> = {}
  readonly timers = new Set<{ at: number; act: () => void }>()
  readonly fold = new Fold({
    elapsed: () => this.now,
    later: (ms, act) => {
      const timer = { at: this.now + ms, act }
      this.timers.add(timer)
      return () => this.timers.delete(timer)
    },
    tell: (line, count, ms) => void this.told.push({ line, count, ms }),
    held: level => void (this.held[level] = (this.held[level] ?? 0) + 1)
  })

  pass(ms: number): void {
    const end = this.now + ms
    for (;;) {
      const [next] = [...this.timers].filter(timer => timer.at <= end).sort((a, b) => a.at - b.at)
      if (next === undefined) break
      this.timers.delete(next)
      this.now = next.at
      next.act()
    }
    this.now = end
  }

  /** How many of `n` equal lines pass; each is `bytes` long. */
  say(n: number, line: Partial<Line> = {}, bytes = 100): number {
    let passed = 0
    for (let i = 0; i < n; i++) {
      if (!this.fold.admit({ level: 'warn', subsystem: 'input', message: 'Odd.', data: { i }, ...line })) continue
      this.fold.spend(bytes)
      passed++
    }
    return passed
  }
}

test('a burst passes; what is beyond it is told once, with the last data and the count', () => {
  const world = new World()
  assert.equal(world.say(BURST.warn + 5), BURST.warn)
  assert.equal(world.told.length, 0)
  world.pass(WINDOW_MS)
  assert.equal(world.told.length, 1)
  const { line, count, ms } = world.told[0]!
  assert.deepEqual([line.message, line.data, count, ms], ['Odd.', { i: BURST.warn + 4 }, 5, WINDOW_MS])
  assert.deepEqual(world.held, { warn: 5 })
})

test('a flood that goes on costs two lines a minute, and every line of it is counted', () => {
  const world = new World()
  let [said, passed] = [0, 0]
  for (let second = 0; second < 3600; second++) {
    passed += world.say(100)
    said += 100
    world.pass(1000)
  }
  world.fold.flush()
  assert.ok(passed <= BURST.warn + 61, `${passed} passed`)
  assert.ok(world.told.length <= 61, `${world.told.length} were told`)
  assert.equal(passed + world.told.reduce((sum, { count }) => sum + count, 0), said)
})

test('when it was quiet for a while a burst passes again, and nothing is kept', () => {
  const world = new World()
  world.say(100)
  world.pass(3 * WINDOW_MS)
  assert.equal(world.timers.size, 0, 'no timer while nothing is held back')
  assert.equal(world.say(BURST.warn), BURST.warn)
})

test('messages, subsystems, levels and components are told apart, other data is not', () => {
  const world = new World()
  const full = BURST.warn
  assert.equal(world.say(full + 1, { data: { output: 'a' } }), full)
  assert.equal(world.say(full + 1, { data: { output: 'b' } }), full)
  assert.equal(world.say(full + 1, { subsystem: 'output' }), full)
  assert.equal(world.say(full + 1, { message: 'Odder.' }), full)
  assert.equal(world.say(BURST.error + 1, { level: 'error' }), BURST.error)
  assert.equal(world.say(1, { data: { output: 'a', path: '/another' } }), 0)
})

test('a change of a state always passes', () => {
  const world = new World()
  const change = { message: 'Status changed.', data: { output: 'a', state: 'red', prevState: 'green' } }
  world.say(3000, { level: 'error' }, 10_000)
  assert.equal(world.say(1000, change), 1000)
  assert.equal(world.say(1000, { message: 'A check is not ok.', data: { previous: 'ok' } }), 1000)
})

test('distinct messages share a budget of bytes, which is kept for errors in the end', () => {
  const world = new World()
  const flood = (level: Line['level']): number => {
    let passed = 0
    for (let i = 0; i < 400; i++) passed += world.say(1, { level, message: `${level} ${i % 100}` }, 20_000)
    return passed
  }
  const [debug, info, warn, error] = [flood('debug'), flood('info'), flood('warn'), flood('error')]
  assert.ok(debug > 0 && info > 0 && warn > 0 && error > 0, `${debug} ${info} ${warn} ${error}`)
  assert.ok((debug + info + warn + error) * 20_000 < 1.2 * 1024 * 1024, 'all together stay within the bucket')
  assert.equal(flood('error'), 0)
  world.pass(60_000)
  assert.ok(flood('error') > 0, 'the bucket fills again')
  world.fold.flush()
  const told = world.told.reduce((sum, { count }) => sum + count, 0)
  assert.equal(
    told,
    Object.values(world.held).reduce((sum, n) => sum + n, 0)
  )
})

test('made-up messages are bounded in memory, and still counted', () => {
  const world = new World()
  let passed = 0
  for (let i = 0; i < 10_000; i++) passed += world.say(1, { message: `Message ${i}.` })
  assert.equal(passed, 500)
  world.pass(WINDOW_MS)
  assert.deepEqual(
    world.told.map(({ line, count }) => [line.message, line.data, count]),
    [['Messages of too many kinds were left out.', { such_as: 'Message 500.' }, 9500]]
  )
  assert.equal(world.say(1, { message: 'Another.' }), 1, 'quiet kinds make room')
})

test('a flush tells what is held back and leaves no timer', () => {
  const world = new World()
  world.say(BURST.warn + 3)
  world.now += 5000
  world.fold.flush()
  assert.deepEqual(
    world.told.map(({ count, ms }) => [count, ms]),
    [[3, 5000]]
  )
  assert.equal(world.timers.size, 0)
  world.fold.flush()
  assert.equal(world.told.length, 1)
})
