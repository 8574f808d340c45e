import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlowStart } from './window.ts'

/** Sizes while every window is as full as it may be, and acknowledged. */
function grow(slow: SlowStart, times: number): number[] {
  return Array.from({ length: times }, () => {
    slow.acknowledged(slow.size)
    return slow.size
  })
}

test('windows grow from 10 by half to the size of a batch', () => {
  const slow = new SlowStart(100)
  assert.equal(slow.size, 10)
  assert.deepEqual(grow(slow, 8), [15, 23, 35, 53, 80, 100, 100, 100])
})

test('a window that was not full says nothing', () => {
  const slow = new SlowStart(100)
  slow.acknowledged(9)
  assert.equal(slow.size, 10)
})

test('a failure halves, and growth halts once at the largest size that had worked', () => {
  const slow = new SlowStart(100)
  grow(slow, 3)
  slow.failed()
  slow.failed()
  assert.equal(slow.size, 8)
  assert.deepEqual(grow(slow, 4), [12, 18, 23, 35])
  for (let i = 0; i < 20; i++) slow.failed()
  assert.equal(slow.size, 1)
  assert.deepEqual(grow(slow, 3), [2, 3, 5])
})

test('it never starts above the size of a batch', () => {
  const slow = new SlowStart(3)
  assert.deepEqual([slow.size, ...grow(slow, 2)], [3, 3, 3])
})
