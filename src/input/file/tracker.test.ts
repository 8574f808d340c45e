import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Tracker } from './tracker.ts'

test('a position moves over contiguous ranges only, whatever the order of the answers', () => {
  const t = new Tracker([
    ['a', 0],
    ['b', 10]
  ])
  assert.equal(t.settle('a', 20, 30), false)
  assert.equal(t.settle('a', 40, 50), false)
  assert.equal(t.settle('a', 30, 40), false)
  assert.equal(t.min(), 0)
  assert.equal(t.settle('a', 0, 20), true)
  assert.deepEqual(t.positions(), { a: 50, b: 10 })
  assert.equal(t.next(), 50)
  assert.equal(t.settle('gone', 0, 100), false)
})

test('what was left out is owed to nobody', () => {
  const t = new Tracker([
    ['a', 0],
    ['b', 5]
  ])
  t.leaveOut(0, 10)
  assert.equal(t.min(), 10)
})

test('agrees with a set of bytes for any ranges in any order', () => {
  const range = fc.tuple(fc.nat(40), fc.nat(12)).map(([s, n]) => [s, s + n] as const)
  fc.assert(
    fc.property(fc.nat(10), fc.array(range, { maxLength: 30 }), (low, ranges) => {
      const t = new Tracker([['a', low]])
      const bytes = new Set(Array.from({ length: low }, (_, i) => i))
      for (const [s, e] of ranges) {
        t.settle('a', s, e)
        for (let i = s; i < e; i++) bytes.add(i)
        let expected = 0
        while (bytes.has(expected)) expected++
        assert.equal(t.min(), expected)
      }
    })
  )
})
