import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Family, Sample } from '../../../core/instruments.ts'
import { plainNumber } from './number.ts'
import { Changes, inSlices, readings } from './readings.ts'
import type { Change } from './readings.ts'

const family = (name: string, type: Family['type'], ...samples: Partial<Sample>[]): Family => ({
  name,
  type,
  help: 'Help.',
  samples: samples.map(sample => ({ name, labels: {}, value: 0, ...sample }))
})

const round = <T>(changes: Changes<T>, families: Family[], includeOwn = false): Change<T>[] => {
  for (const reading of readings(families, includeOwn)) changes.add(reading)
  return changes.end()
}

const taken = (changes: Changes<string>, families: Family[], includeOwn = false): string[] =>
  round(changes, families, includeOwn).map(({ kind, value, target }) => `${kind} ${target} ${value}`)

const named = (): Changes<string> => new Changes(({ name, labels }) => [name, ...Object.values(labels)].join('.'))

test('a count is sent as its growth and not at all without one, a level as it stands', () => {
  const changes = named()
  const at = (count: number, level: number): Family[] => [
    family('a_total', 'counter', { value: count }),
    family('b', 'gauge', { value: level })
  ]
  assert.deepEqual(taken(changes, at(5, 7)), ['count a_total 5', 'level b 7'])
  assert.deepEqual(taken(changes, at(5, 7)), ['level b 7'])
  assert.deepEqual(taken(changes, at(8, -1)), ['count a_total 3', 'level b -1'])
})

test('of a histogram the count and the sum are sent, and no bucket', () => {
  const buckets = [
    { name: 'h_bucket', le: 1, value: 2 },
    { name: 'h_bucket', le: Infinity, value: 3 }
  ]
  const histogram = family('h', 'histogram', ...buckets, { name: 'h_sum', value: 4.5 }, { name: 'h_count', value: 3 })
  assert.deepEqual(taken(named(), [histogram]), ['count h_count 3', 'count h_sum 4.5'])
})

test('a series that began anew is sent from 0, its sum with it, in either order', () => {
  for (const order of [
    ['h_count', 'h_sum'],
    ['h_sum', 'h_count']
  ]) {
    const changes = named()
    const at = (count: number, sum: number): Family[] => [
      family('h', 'histogram', ...order.map(name => ({ name, value: name === 'h_sum' ? sum : count })))
    ]
    taken(changes, at(10, 100))
    assert.deepEqual(taken(changes, at(2, 30)).sort(), ['count h_count 2', 'count h_sum 30'])
    assert.deepEqual(taken(changes, at(3, 20)).sort(), ['count h_count 1', 'count h_sum -10'], 'a negative value came')
  }
})

test('a series that was gone from a reading counts from 0 when it comes back', () => {
  const changes = named()
  const full = [family('a_total', 'counter', { value: 5 })]
  taken(changes, full)
  assert.deepEqual(taken(changes, []), [])
  assert.deepEqual(taken(changes, full), ['count a_total 5'])
})

test("what is no finite number is left out, and the agent's own unless it is asked for", () => {
  const families = [
    family('a', 'gauge', { value: NaN }, { value: Infinity }, { value: 1 }),
    family('yarder_x', 'gauge', { value: 2 }),
    family('process_y', 'gauge', { value: 3 }),
    family('nodejs_z', 'gauge', { value: 4 })
  ]
  assert.deepEqual(taken(named(), families), ['level a 1'])
  assert.equal(taken(named(), families, true).length, 4)
})

test('series whose labels only look alike are told apart', () => {
  const changes = named()
  const at = (a: number, b: number): Family[] => [
    family('a_total', 'counter', { labels: { k: 'x"}' }, value: a }, { labels: { k: 'x' }, value: b })
  ]
  taken(changes, at(1, 10))
  assert.deepEqual(taken(changes, at(2, 15)), ['count a_total.x"} 1', 'count a_total.x 5'])
})

test('all that is sent of a count adds up to it', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 1000 })), steps => {
      const changes = new Changes(() => '')
      let total = 0
      let sent = 0
      for (const step of steps) {
        total += step
        for (const { value } of round(changes, [family('a_total', 'counter', { value: total })])) sent += value
      }
      assert.equal(sent, total)
    })
  )
})

test('numbers are written without exponents', () => {
  assert.deepEqual([1e21, 1e-7, -2.5e-8, 0.1, 12, -0].map(plainNumber), [
    '1000000000000000000000',
    '0.0000001',
    '-0.000000025',
    '0.1',
    '12',
    '0'
  ])
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), n =>
      assert.match(plainNumber(n), /^-?\d+(\.\d+)?$/)
    )
  )
})

test('the loop turns while many series are read', async () => {
  let turns = 0
  let done = false
  const turn = (): void => {
    turns++
    if (!done) setImmediate(turn)
  }
  const changes = new Changes(({ labels }) => labels['i'])
  const samples = Array.from({ length: 100_000 }, (_, i) => ({ labels: { i: String(i) }, value: i + 1 }))
  turn()
  await inSlices(readings([family('a_total', 'counter', ...samples)], false), reading => changes.add(reading))
  done = true
  assert.ok(turns > 3, `${turns} turns`)
  assert.equal(changes.end().length, 100_000)
})
