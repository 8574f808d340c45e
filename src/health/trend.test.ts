import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTrend } from './trend.ts'

test('a steady rise is its rate, whatever lies before the time it looks at', () => {
  const trend = createTrend(60_000)
  for (let s = 0; s <= 600; s += 5) trend.add(s * 1000, s < 300 ? 1e9 : s * 7)
  assert.ok(Math.abs(trend.slope()! - 7) < 1e-9, String(trend.slope()))
})

test('a little is not enough to say, and standing still is no slope', () => {
  const trend = createTrend(60_000)
  for (const s of [0, 5, 10]) trend.add(s * 1000, 5)
  assert.equal(trend.slope(), undefined)
  trend.add(20_000, 5)
  assert.equal(trend.slope(), 0)
})

test('many samples are thinned and still span the time', () => {
  const trend = createTrend(1_000_000)
  for (let i = 0; i < 10_000; i++) trend.add(i * 100, i)
  assert.ok(Math.abs(trend.slope()! - 10) < 0.01, String(trend.slope()))
})
