import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeRecords } from '../../test/lib/records.ts'
import type { Records, Selection } from '../core/component.ts'
import type { Cursor, Event } from '../core/event.ts'
import { makeParcel, partDocuments, recordId, startOf } from '../core/parcel.ts'
import { BulkBody } from '../output/elasticsearch/bulk.ts'
import { Selections } from './selections.ts'

const docs = [0, 1, 2, 3, 4, 5].map(n => ({ n, message: `Zeile ${n} ü` }))
/** Four records of one offset, then one each. */
const offsets = [7, 7, 7, 7, 90, 120]
const cursor = {} as Cursor
const even = (event: Event): boolean => (event['n'] as number) % 2 === 0

function looked(records: Records, selections: Selections, from = 0, to = records.count): void {
  for (let row = from; row < to; row++)
    selections.add(docs[row]!, cursor, row, records.bytes, startOf(records, row), records.ends[row]!)
}

function selected(
  selection: Omit<Selection, 'output'>,
  records = makeRecords({ docs, offsets, keys: { k: ['a', 'b', 'c', 'd', 'e', 'f'] } })
) {
  const selections = new Selections([{ output: 'out', ...selection }])
  looked(records, selections)
  return { records, part: selections.of(records).get('out')! }
}

const parsed = (records: Records): unknown[] =>
  partDocuments({ records, from: 0, to: records.count })
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as unknown)

test('a part of the records has its own bytes and the identities of the whole', () => {
  const { records, part } = selected({ takes: even })
  assert.deepEqual(parsed(part), [docs[0], docs[2], docs[4]])
  assert.deepEqual([...part.offsets], [7, 7, 90])
  assert.deepEqual(part.keys.get('k'), ['a', 'c', 'e'])
  assert.equal(part.unwanted, 3)
  const ids = [0, 1, 2].map(row => recordId(part, row))
  assert.deepEqual(
    ids,
    [0, 2, 4].map(row => recordId(records, row))
  )
  assert.deepEqual(ids, ['f1-7', 'f1-7.2', 'f1-90'])
})

test('a bulk body of a part, and of a piece of it, has the identities of the whole', () => {
  const { part } = selected({ takes: even })
  const body = new BulkBody({ of: () => 'i' })
  const idsOf = (from: number, to: number): string[] =>
    Array.from(
      body
        .build(makeParcel([{ records: part, from, to }]))
        .toString('utf8')
        .matchAll(/"_id":"([^"]*)"/g),
      m => m[1]!
    )
  assert.deepEqual(idsOf(0, 3), ['f1-7', 'f1-7.2', 'f1-90'])
  assert.deepEqual(idsOf(1, 2), ['f1-7.2'])
})

test('who takes all of them gets the very same records, and who takes none an empty part', () => {
  const { records, part } = selected({ takes: () => true })
  assert.equal(part, records)
  const none = selected({ takes: () => false }).part
  assert.equal(none.count, 0)
  assert.equal(none.bytes.length, 0)
  assert.equal(none.unwanted, 6)
})

test('documents are changed for one output, with everything else as it is', () => {
  const { records, part } = selected({ takes: even, changes: { drop: ['message'], fields: {} } })
  assert.deepEqual(parsed(part), [{ n: 0 }, { n: 2 }, { n: 4 }])
  assert.deepEqual(parsed(records), docs)
  assert.equal(recordId(part, 1), 'f1-7.2')
  const whole = selected({ changes: { drop: ['n'], fields: {} } })
  assert.deepEqual(parsed(whole.part)[5], { message: 'Zeile 5 ü' })
  assert.equal(whole.part.unwanted, undefined)
})

test('what a broken-off slice had chosen is forgotten', () => {
  const records = makeRecords({ docs, offsets })
  let broken = true
  const slow = (): boolean => {
    if (broken) throw new Error('the time was over')
    return false
  }
  const selections = new Selections([
    { output: 'a', takes: even },
    { output: 'b', takes: even, changes: { drop: ['message'], fields: {} } },
    { output: 'c', takes: slow }
  ])
  assert.throws(() => looked(records, selections))
  selections.rollBack(0)
  broken = false
  looked(records, selections, 0, 5)
  selections.rollBack(3)
  looked(records, selections, 3)
  const of = selections.of(records)
  assert.deepEqual(parsed(of.get('a')!), [docs[0], docs[2], docs[4]])
  assert.deepEqual(parsed(of.get('b')!), [{ n: 0 }, { n: 2 }, { n: 4 }])
})
