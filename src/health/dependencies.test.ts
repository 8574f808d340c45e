import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dependencyCircles } from './dependencies.ts'

const circles = (edges: Record<string, string[]>): string[] =>
  [...dependencyCircles(Object.entries(edges).map(([name, dependsOn]) => ({ name, dependsOn }))).values()].map(way =>
    way.join(' ')
  )

test('a circle is found once, however long, and a check that depends on itself is one', () => {
  assert.deepEqual(circles({ a: ['b'], b: ['c'], c: ['a'] }), ['a b c a'])
  assert.deepEqual(circles({ a: ['a'] }), ['a a'])
  assert.deepEqual(circles({ x: ['a'], a: ['b'], b: ['a'] }), ['a b a'])
})

test('many ways to the same check are no circle, nor is a name that is not there', () => {
  assert.deepEqual(circles({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }), [])
  assert.deepEqual(circles({ a: ['gone'] }), [])
})
