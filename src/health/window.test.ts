import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGrowth } from './window.ts'

test('growth is that of the time asked for, and says when it has not seen all of it', () => {
  const growth = createGrowth(60_000)
  assert.deepEqual(growth(0, [1000]), { grown: [0], seconds: 0, whole: false })
  assert.deepEqual(growth(30_000, [1010]), { grown: [10], seconds: 30, whole: false })
  assert.deepEqual(growth(60_000, [1030]), { grown: [30], seconds: 60, whole: true })
  assert.deepEqual(growth(90_000, [1035]), { grown: [25], seconds: 60, whole: true })
  assert.deepEqual(growth(150_000, [1035]), { grown: [0], seconds: 60, whole: true })
})

test('a counter that was started anew counts from nothing', () => {
  const growth = createGrowth(60_000)
  growth(0, [100, 5])
  growth(10_000, [110, 6])
  assert.deepEqual(growth(20_000, [3, 7]).grown, [13, 2])
})

test('readings are thinned and still span the time', () => {
  const growth = createGrowth(1_000_000)
  let last = growth(0, [0])
  for (let i = 1; i <= 10_000; i++) last = growth(i * 100, [i])
  assert.deepEqual([last.grown[0], last.seconds, last.whole], [10_000, 1000, true])
})
