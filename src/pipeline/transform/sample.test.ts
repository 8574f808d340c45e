import assert from 'node:assert/strict'
import test from 'node:test'
import { build, faults, run, source } from '../../../test/lib/step.ts'
import { sample } from './sample.ts'

const places = Array.from({ length: 20_000 }, (_, i) => i * 187)

test('keeps about one of so many, the same ones at a second reading', () => {
  for (const rate of [2, 10, 3.5]) {
    const [one, two] = [build(sample, { rate }), build(sample, { rate })]
    const kept = places.filter(offset => run(one, 'x', { offset }).kept)
    assert.deepEqual(
      places.filter(offset => run(two, 'x', { offset }).kept),
      kept
    )
    const share = (kept.length / places.length) * rate
    assert.ok(share > 0.9 && share < 1.1, `${kept.length} of ${places.length} at ${rate}`)
  }
})

test('keeps others in another file, and beyond 4 GiB', () => {
  const step = build(sample, { rate: 2 })
  const kept = (id: string, base: number): string =>
    places
      .slice(0, 64)
      .map(o => (run(step, 'x', { offset: base + o, source: source(id) }).kept ? 1 : 0))
      .join('')
  assert.notEqual(kept('a', 0), kept('b', 0))
  assert.notEqual(kept('a', 0), kept('a', 2 ** 32))
})

test('a rate of 1 keeps all', () => {
  const step = build(sample, { rate: 1 })
  assert.equal(
    places.every(offset => run(step, 'x', { offset }).kept),
    true
  )
})

test('keeps or leaves out records of one key together, and always what is excluded', () => {
  const step = build(sample, { rate: 4, key: '%{trace}', exclude: { level: 'ERROR' } })
  let traces = 0
  for (let t = 0; t < 400; t++) {
    const kept = new Set(places.slice(0, 5).map(offset => run(step, { trace: `t${t}` }, { offset }).kept))
    assert.equal(kept.size, 1)
    if (kept.has(true)) traces++
    assert.equal(run(step, { trace: `t${t}`, level: 'ERROR' }).kept, true)
  }
  assert.ok(traces > 60 && traces < 140, String(traces))
})

test('refuses a rate below 1', () => assert.match(faults(sample, { rate: 0.1 }).join(), /at least 1/))
