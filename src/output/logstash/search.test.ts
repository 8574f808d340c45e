import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { makeRecords } from '../../../test/lib/records.ts'
import { search, Suspicion } from './search.ts'

/** A server that breaks off at some records and takes the rest; keeps what it took. */
function server(poison: ReadonlySet<number>) {
  const taken: number[] = []
  let attempts = 0
  const attempt = (from: number, to: number): Promise<number> => {
    attempts++
    const range = Array.from({ length: to - from }, (_, i) => from + i)
    if (range.some(i => poison.has(i))) return Promise.resolve(0)
    taken.push(...range)
    return Promise.resolve(to - from)
  }
  return { taken, attempt, attempts: () => attempts }
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b)

test('the one record at fault among 2048 is found in few attempts, and every other is taken once', async () => {
  for (const at of [0, 1, 777, 2047]) {
    const s = server(new Set([at]))
    const found = await search(0, 2048, s.attempt)
    assert.deepEqual(found, { refused: [at], open: [], error: undefined })
    assert.deepEqual(
      sorted(s.taken),
      upTo(2048).filter(i => i !== at)
    )
    assert.ok(s.attempts() < 40, `${s.attempts()} attempts`)
  }
})

test('a server that breaks off at everything is to blame itself', async () => {
  for (const count of [1, 2, 100, 2048]) {
    const s = server(new Set(upTo(count)))
    assert.equal(await search(0, count, s.attempt), undefined)
    assert.ok(s.attempts() <= 8, `${s.attempts()} attempts`)
  }
})

test('a server that goes away in the middle makes no record refused', async () => {
  let left = 5
  const found = await search(0, 1000, (from, to) =>
    Promise.resolve(left-- > 0 && !(from <= 3 && to > 3) ? to - from : 0)
  )
  assert.deepEqual(found!.refused, [])
  assert.match(String(found!.error), /32 times in a row/)
  assert.ok(found!.open.includes(3) && found!.open.length > 100)
})

test('another trouble ends the search; what is known stays known', async () => {
  const s = server(new Set([7]))
  let left = 6
  const found = await search(0, 16, (from, to) =>
    left-- > 0 ? s.attempt(from, to) : Promise.reject(new Error('timeout'))
  )
  assert.match(String(found!.error), /timeout/)
  assert.deepEqual(sorted([...s.taken, ...found!.open]), upTo(16))
  await assert.rejects(
    search(0, 16, () => Promise.reject(new Error('refused'))),
    /refused/
  )
})

test('each record is taken once, refused or left open, never two of them, however many are at fault', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 60 }),
      fc.array(fc.integer({ min: 0, max: 59 })),
      fc.array(fc.integer({ min: 0, max: 5 })),
      async (count, bad, partial) => {
        const poison = new Set(bad.filter(i => i < count))
        const s = server(poison)
        let n = 0
        // Now and then only the start of a window is acknowledged.
        const attempt = async (from: number, to: number): Promise<number> => {
          const part = partial[n++ % Math.max(1, partial.length)] ?? 0
          return s.attempt(from, part > 0 && from + part < to ? from + part : to)
        }
        const found = await search(0, count, attempt)
        if (found === undefined) return assert.deepEqual(s.taken, [])
        assert.ok(found.refused.every(i => poison.has(i)))
        if (found.error === undefined) assert.deepEqual(found.refused, sorted([...poison]))
        assert.deepEqual(sorted([...s.taken, ...found.refused, ...found.open]), upTo(count))
      }
    )
  )
})

test('a window is suspected after three breaks at the same first record', () => {
  const suspicion = new Suspicion()
  const [a, b] = [makeRecords({ docs: [{}, {}] }), makeRecords({ docs: [{}] })]
  for (const row of [0, 0, 1, 0, 0]) suspicion.note(a, row)
  suspicion.note(b, 0)
  assert.deepEqual([suspicion.holds(a, 0), suspicion.holds(a, 1), suspicion.holds(b, 0)], [false, false, false])
  suspicion.note(a, 0)
  assert.deepEqual([suspicion.holds(a, 0), suspicion.holds(b, 0)], [true, false])
})
