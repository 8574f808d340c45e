import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ShownState } from '../core/component.ts'
import { reportOf } from './report.ts'

const HOUR_MS = 3_600_000
/** Noon of that day of November on this host. */
const noon = (day: number): number => new Date(2026, 10, day, 12).getTime()

/** States one after the other, an hour each. */
const hours = (from: number, ...states: (ShownState | undefined)[]) =>
  states.map((state, i) => ({ at: from + i * HOUR_MS, state }))

test('an incident is counted once, on the day it began, however it goes on', () => {
  const past = [
    ...hours(noon(20), 'ok', 'warning', 'critical', 'ok', 'critical', 'ok'),
    ...hours(noon(21), 'unknown', 'ok')
  ]
  const { incidents, over, byThemselves, changes, days } = reportOf(past, noon(1), noon(22))
  assert.deepEqual({ incidents, over, byThemselves, changes }, { incidents: 3, over: 3, byThemselves: 3, changes: 7 })
  assert.deepEqual(days, { '2026-11-20': 2, '2026-11-21': 1 })
})

test('what ended in maintenance, or while the agent did not run, did not end by itself', () => {
  const past = hours(noon(20), 'ok', 'critical', 'maintenance', 'ok', 'critical', undefined, 'ok', 'critical', 'ok')
  const { incidents, over, byThemselves } = reportOf(past, noon(1), noon(21))
  assert.deepEqual([incidents, over, byThemselves], [3, 3, 1])
  const planned = reportOf(hours(noon(20), 'ok', 'maintenance', 'ok'), noon(1), noon(21))
  assert.deepEqual([planned.incidents, planned.changes], [0, 0])
})

test('only what began within the days counts, and what goes on is not over', () => {
  const past = hours(noon(20), 'ok', 'critical', 'ok', 'critical')
  const { incidents, over, uptime, perDay } = reportOf(past, noon(20) + 1.5 * HOUR_MS, noon(20) + 4 * HOUR_MS)
  assert.deepEqual([incidents, over, uptime, perDay], [1, 0, 0.4, 1])
  assert.equal(reportOf([], noon(1), noon(2)).uptime, undefined)
  assert.equal(reportOf(hours(noon(10), 'critical', 'ok', 'critical', 'ok'), noon(1), noon(20)).perDay, 0.2)
})
