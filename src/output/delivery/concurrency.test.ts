import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Concurrency } from './concurrency.ts'

test('too much halves it, once for all that were under way together, and down to one', () => {
  const c = new Concurrency(8)
  const began = [c.begin(), c.begin(), c.begin()]
  for (const b of began) c.overloaded(b)
  assert.equal(c.limit, 4)
  for (const limit of [2, 1, 1]) {
    c.overloaded(c.begin())
    assert.equal(c.limit, limit)
  }
})

test('it grows by one after some rounds of good answers, up to the option, and a bad one starts the count anew', () => {
  const c = new Concurrency(4)
  c.overloaded(c.begin())
  const good = (n: number): void => {
    for (let i = 0; i < n; i++) c.answered()
  }
  good(7)
  c.overloaded(-1)
  good(7)
  assert.equal(c.limit, 2)
  good(1)
  assert.equal(c.limit, 3)
  good(12)
  assert.equal(c.limit, 4)
  good(100)
  assert.equal(c.limit, 4)
})
