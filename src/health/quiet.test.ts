import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryState } from '../core/state.ts'
import { createWindows, silence, silenceOf, unsilence } from './quiet.ts'

const at = (text: string): number => Date.parse(text)

test('a window opens by its schedule and closes after its time, again and again', () => {
  const inWindow = createWindows([{ schedule: '0 2 * * *', for: 2 * 3_600_000, zone: 'UTC' }])
  for (const day of ['2026-11-22', '2026-11-23']) {
    assert.equal(inWindow(at(`${day}T01:59:59Z`)), undefined)
    assert.equal(inWindow(at(`${day}T02:00:00Z`))?.until, at(`${day}T04:00:00Z`))
    assert.equal(inWindow(at(`${day}T03:59:59Z`))?.until, at(`${day}T04:00:00Z`))
    assert.equal(inWindow(at(`${day}T04:00:00Z`)), undefined)
  }
  // The clock is set back into the window.
  assert.equal(inWindow(at('2026-11-23T03:00:00Z'))?.until, at('2026-11-23T04:00:00Z'))
})

test('of two windows that are open, the one that closes last counts; none is never open', () => {
  const hour = 3_600_000
  const inWindow = createWindows([
    { schedule: '0 2 * * *', for: hour, zone: 'UTC' },
    { schedule: '30 2 * * *', for: hour, zone: 'UTC' }
  ])
  assert.equal(inWindow(at('2026-11-22T02:45:00Z'))?.until, at('2026-11-22T03:30:00Z'))
  assert.equal(createWindows([])(0), undefined)
})

test('a silence ends by itself or by word, and is kept meanwhile', () => {
  const state = memoryState()
  silence(state, 'web', { until: 1000, comment: 'new disk' })
  assert.deepEqual(silenceOf(state, 'web', 999), { until: 1000, comment: 'new disk' })
  assert.equal(silenceOf(state, 'db', 999), undefined)
  assert.equal(silenceOf(state, 'web', 1000), undefined)
  assert.equal(silenceOf(state, 'web', 999), undefined)
  assert.equal(unsilence(state, 'web'), false)
  silence(state, 'web', { until: 1000, comment: '' })
  assert.equal(unsilence(state, 'web'), true)
})
