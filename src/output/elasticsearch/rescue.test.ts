import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { makeRecords } from '../../../test/lib/records.ts'
import { makeParcel, recordId } from '../../core/parcel.ts'
import { conflictOf, moveAside, parcelOf, rescueOf } from './rescue.ts'

test('the field is found in the words of Elasticsearch and OpenSearch, and only in those about a mapping', () => {
  const cases: Array<[string, string | undefined]> = [
    [
      "document_parsing_exception: [1:63] failed to parse field [size] of type [long] in document with id 'b-1'. Preview of field's value: 'not a number'",
      'size'
    ],
    [
      "mapper_parsing_exception: failed to parse field [a.b] of type [ip] in document with id 'x'. (illegal_argument_exception: '1' is not an IP)",
      'a.b'
    ],
    [
      'document_parsing_exception: [1:9] object mapping for [host] tried to parse field [host] as object, but found a concrete value',
      'host'
    ],
    ["illegal_argument_exception: can't merge a non-object mapping [user] with an object mapping", 'user'],
    ['illegal_argument_exception: mapper [n] cannot be changed from type [long] to [text]', 'n'],
    [
      'illegal_argument_exception: Limit of total fields [1000] has been exceeded while adding new fields [1]',
      undefined
    ],
    [
      "document_parsing_exception: [1:2] failed to parse field [@timestamp] of type [date] in document with id 'x'",
      undefined
    ],
    ["document_parsing_exception: [1:2] failed to parse. Preview: 'failed to parse field [message] of type'", undefined]
  ]
  for (const [reason, field] of cases) assert.equal(conflictOf(400, reason), field, reason)
  assert.equal(conflictOf(403, cases[0]![0]), undefined)
})

test('a field goes aside as text wherever it stands: nested, dotted, in lists', () => {
  const document = { a: { b: 1, c: 2 }, 'a.b': 'x', list: [{ n: 1 }, { n: { deep: true } }, 7], tags: ['t'] }
  assert.equal(moveAside(document, 'a.b'), true)
  assert.equal(moveAside(document, 'list.n'), true)
  assert.deepEqual(document, {
    a: { c: 2 },
    list: [{}, {}, 7],
    tags: ['t', '_mappingconflict'],
    _conflict: ['a.b=1', 'a.b=x', 'list.n=1', 'list.n={"deep":true}']
  })
  assert.equal(moveAside(document, 'missing.field'), false)
})

test('after it was moved aside no document has the field, and nothing of it is lost', () => {
  const tree = fc.letrec(tie => ({
    value: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.string(), fc.array(tie('value'), { maxLength: 3 }), tie('map')),
    map: fc.dictionary(fc.constantFrom('a', 'b', 'a.b'), tie('value'), { maxKeys: 3 })
  }))
  fc.assert(
    fc.property(tree.map, document => {
      const subject = structuredClone(document) as Record<string, unknown>
      if (!moveAside(subject, 'a.b')) return
      assert.equal(moveAside(structuredClone(subject), 'a.b'), false)
      assert.ok((subject['_conflict'] as string[]).every(text => text.startsWith('a.b=')))
    }),
    { numRuns: 200 }
  )
})

test('what is sent again has the identity and the index of what was refused', () => {
  const records = makeRecords({ docs: [{ n: 0 }, { n: 'x' }], offsets: [5, 5] })
  const parcel = makeParcel([{ records, from: 0, to: 2 }])
  const rescue = rescueOf(parcel, 1, recordId(records, 1), 'logs')
  moveAside(rescue.document, 'n')
  const again = parcelOf([rescue], records.batch)
  const part = again.parts[0]!.records
  assert.deepEqual(part.given, [{ id: 'f1-5.1', target: 'logs' }])
  assert.equal(part.bytes.toString('utf8'), '{"_conflict":["n=x"],"tags":["_mappingconflict"]}\n')
  assert.equal(again.bytes, part.bytes.length)
})
