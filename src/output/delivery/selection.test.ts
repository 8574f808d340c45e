import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFields } from '../../core/field.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { selectionFields, selectionOf } from './selection.ts'

const cursor = {
  source: { input: 'i', id: 'f', path: undefined, constants: { log: { level: 'info' } } }
} as unknown as Cursor
const bare = { source: { input: 'i', id: 'f', path: undefined, constants: {} } } as unknown as Cursor

function read(given: object) {
  const wrong: string[] = []
  const options = readFields(selectionFields, given, (path, message) => void wrong.push(`${path}: ${message}`))
  return { wrong, selection: options && selectionOf('out', options) }
}

test('without any of its options an output gets every record as it is', () => {
  assert.equal(read({}).selection, undefined)
})

test('a level lets through what is as severe, by whatever word, and what has none', () => {
  const { takes } = read({ level: 'warning' }).selection!
  const passes = (event: Event, at = bare): boolean => takes!(event, at)
  for (const level of ['WARN', 'warning', 'error', 'FATAL', 'emerg', 3, '40', 50])
    assert.ok(passes({ level }), String(level))
  for (const level of ['INFO', 'notice', 'debug', 'Trace', 7, 30]) assert.ok(!passes({ level }), String(level))
  assert.ok(passes({ message: 'x' }))
  assert.ok(passes({ level: 'weird' }))
  assert.ok(!passes({ level: 'weird', severity: 'info' }), 'the next that is known counts')
  assert.ok(!passes({}, cursor), 'also a constant of the source')
  assert.ok(passes({ log: { level: 'error' } }, cursor))
})

test('a level is also named as loggers name it, in any case', () => {
  for (const [level, least, below] of [
    ['error', 'err', 'warning'],
    ['WARN', 'warning', 'notice'],
    ['Warning', 'warning', 'notice'],
    ['fatal', 'crit', 'err'],
    ['critical', 'crit', 'err']
  ]) {
    const { wrong, selection } = read({ level })
    assert.deepEqual(wrong, [])
    assert.deepEqual(
      [selection!.takes!({ level: least }, bare), selection!.takes!({ level: below }, bare)],
      [true, false]
    )
  }
  assert.deepEqual(read({ level: 'loud' }).wrong, [
    'level: must be one of emerg, alert, crit, err, warning, notice, info, debug, got "loud"'
  ])
  assert.equal(read({ level: 'toString' }).wrong.length, 1)
})

test('a condition and a level must both be met', () => {
  const { takes } = read({ when: { type: 'nginx' }, level: 'err' }).selection!
  assert.ok(takes!({ type: 'nginx', level: 'error' }, bare))
  assert.ok(!takes!({ type: 'nginx', level: 'info' }, bare))
  assert.ok(!takes!({ type: 'app', level: 'error' }, bare))
})

test('what is left out and what is added goes with the selection', () => {
  const { selection } = read({ drop_fields: ['message', '[a][b]'], fields: { team: 'two' } })
  assert.deepEqual(selection!.changes, { drop: ['message', '[a][b]'], fields: { team: 'two' } })
  assert.deepEqual(read({ fields: { team: 'two' } }).selection!.changes, { drop: [], fields: { team: 'two' } })
  assert.equal(read({ level: 'err' }).selection!.changes, undefined)
  assert.equal(read({ fields: {} }).selection, undefined)
})

test('mistakes are named', () => {
  assert.match(read({ when: { response: { gte: 'x' } } }).wrong.join(), /when\.response\.gte: must be a number/)
  assert.match(read({ level: 'loud' }).wrong.join(), /level: .*warning/)
  assert.match(read({ when: {} }).wrong.join(), /every record/)
})
