import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { inCi } from '../../../test/lib/real/process.ts'
import { makeRecords, NOON } from '../../../test/lib/records.ts'
import { cutParcel, makeParcel, recordId } from '../../core/parcel.ts'
import { compileTemplate } from '../../core/template.ts'
import { BulkBody } from './bulk.ts'
import { DEFAULT_INDEX, IndexNames } from './index-name.ts'

const daily = (): BulkBody => new BulkBody(new IndexNames(compileTemplate(DEFAULT_INDEX)))

test('an action line and the document bytes alternate, and every line ends with a newline', () => {
  const records = makeRecords({ docs: [{ a: 1 }, { b: 'ü' }], sourceId: 'k3f.0', offset: 7 })
  const body = daily().build(makeParcel([{ records, from: 0, to: 2 }]))
  assert.equal(
    body.toString(),
    '{"create":{"_index":"logstash-2026.11.22","_id":"k3f.0-7"}}\n{"a":1}\n' +
      '{"create":{"_index":"logstash-2026.11.22","_id":"k3f.0-15"}}\n{"b":"ü"}\n'
  )
})

const recorded = new URL('../../../../shared/vectors/bulk-requests-real-clients.json', import.meta.url)
const skip = existsSync(recorded) || inCi() ? false : 'needs shared/vectors beside the project'

interface Recorded {
  readonly client: string
  readonly body: string
}

test(
  'a request is, byte for byte, what the official clients of 7.17, 8.19, 9.4 and OpenSearch sent for it',
  { skip },
  () => {
    const all = JSON.parse(readFileSync(recorded, 'utf8')) as Recorded[]
    let checked = 0
    for (const { client, body } of all) {
      const lines = body.split('\n').slice(0, -1)
      const docs = lines.filter((_, i) => i % 2 === 1)
      const ids = [...body.matchAll(/"_id":"(\d+)"/g)].map(m => m[1]!)
      // The helpers leave the id to the server, and older clients greet it first.
      if (docs.length === 0 || ids.length !== docs.length) continue
      const given = ids.map(id => ({ id, target: 'logs-x-default' }))
      const records = { ...makeRecords({ docs, sourceId: 'x' }), given }
      const made = new BulkBody({ of: (r, row) => r.given![row]!.target! }).build(
        makeParcel([{ records, from: 0, to: docs.length }])
      )
      assert.equal(made.toString(), body, client)
      checked++
    }
    assert.equal(checked, 8)
  }
)

test('a source without an identity leaves the id to the server; an empty one is never sent', () => {
  const records = makeRecords({ docs: [{ a: 1 }], sourceId: '' })
  const body = daily().build(makeParcel([{ records, from: 0, to: 1 }]))
  assert.equal(body.toString(), '{"create":{"_index":"logstash-2026.11.22"}}\n{"a":1}\n')
})

test('the index follows the time of each record across midnight', () => {
  const records = makeRecords({ docs: [{}, {}, {}], times: [NOON, NOON + 43_200_000, NOON], offset: 0 })
  const body = daily().build(makeParcel([{ records, from: 0, to: 3 }]))
  assert.deepEqual(body.toString().match(/logstash-[\d.]+/g), [
    'logstash-2026.11.22',
    'logstash-2026.11.23',
    'logstash-2026.11.22'
  ])
})

test('however a parcel is cut, each document keeps its identity, also where several share an offset', () => {
  const bodies = daily()
  fc.assert(
    fc.property(
      fc.array(fc.record({ step: fc.nat(3), size: fc.nat(300) }), { minLength: 1, maxLength: 40 }),
      fc.constantFrom(0, 5, 2 ** 31 - 3, 2 ** 32 - 2, 999_999_998, 4_000_000_000_000, 2 ** 53 - 200),
      fc.tuple(fc.nat(40), fc.nat(40)),
      (rows, base, [x, y]) => {
        let offset = base
        const offsets = rows.map(r => (offset += r.step))
        const records = makeRecords({ docs: rows.map((r, n) => ({ n, text: 'x'.repeat(r.size) })), offsets })
        const whole = makeParcel([
          { records, from: 0, to: Math.ceil(rows.length / 2) },
          { records, from: Math.ceil(rows.length / 2), to: rows.length }
        ])
        const [from, to] = [Math.min(x, y, rows.length), Math.min(Math.max(x, y), rows.length)]
        const lines = bodies
          .build(cutParcel(whole, from, to))
          .toString()
          .split('\n')
        assert.equal(lines.pop(), '')
        assert.equal(lines.length, 2 * (to - from))
        for (let i = from; i < to; i++) {
          const action = JSON.parse(lines[2 * (i - from)]!) as { create: { _id: string } }
          const document = JSON.parse(lines[2 * (i - from) + 1]!) as { n: number }
          assert.equal(action.create._id, recordId(records, i))
          assert.equal(document.n, i)
        }
      }
    ),
    { numRuns: 200 }
  )
})

test('ids of records in one batch differ', () => {
  const records = makeRecords({ docs: [{}, {}, {}, {}], offsets: [10, 10, 10, 11] })
  assert.deepEqual(
    [0, 1, 2, 3].map(i => recordId(records, i)),
    ['f1-10', 'f1-10.1', 'f1-10.2', 'f1-11']
  )
})

test('the constants of a data stream go into every document once, whatever it had under that name', () => {
  const value = { type: 'logs', dataset: 'app', namespace: 'prod' }
  const body = new BulkBody({ of: () => 'logs-app-prod' }, { key: 'data_stream', value })
  const docs = [
    { a: 1 },
    {},
    { x: 1, data_stream: { dataset: 'other' }, y: 2 },
    { 'data_stream.dataset': 'other', z: 3 },
    { message: 'says "data_stream": here' }
  ]
  const records = makeRecords({ docs })
  const lines = body
    .build(makeParcel([{ records, from: 0, to: docs.length }]))
    .toString()
    .trimEnd()
    .split('\n')
  assert.deepEqual(
    lines.filter((_, i) => i % 2 === 1).map(line => JSON.parse(line) as unknown),
    [
      { data_stream: value, a: 1 },
      { data_stream: value },
      { data_stream: value, x: 1, y: 2 },
      { data_stream: value, z: 3 },
      { data_stream: value, message: 'says "data_stream": here' }
    ]
  )
  assert.ok(lines.every(line => (line.match(/"data_stream":\{/g) ?? []).length <= 1))
})

test('replayed records keep the identity and the index that they were given, wherever the parcel is cut', () => {
  const docs = [{ n: 0 }, { n: 1, pad: 'x'.repeat(200_000) }, { n: 2 }]
  const given = docs.map((_, n) => ({ id: `k"3-${n}`, target: `index-${n}` }))
  const records = { ...makeRecords({ docs, sourceId: 'other' }), given }
  const naming = { of: (_: unknown, row: number) => given[row]!.target }
  for (const injection of [undefined, { key: 'data_stream', value: { type: 'logs' } }]) {
    const parcel = makeParcel([{ records, from: 1, to: 3 }])
    const lines = new BulkBody(naming, injection).build(parcel).toString().trimEnd().split('\n')
    assert.deepEqual(
      lines.filter((_, i) => i % 2 === 0).map(line => JSON.parse(line) as unknown),
      [1, 2].map(n => ({ create: { _index: `index-${n}`, _id: `k"3-${n}` } }))
    )
    assert.deepEqual(JSON.parse(lines[3]!), { ...(injection && { data_stream: injection.value }), n: 2 })
  }
})

test('a document larger than the buffer fits, and the memory is not kept', () => {
  const body = new BulkBody({ of: () => 'i' }, undefined, 100_000)
  const big = makeRecords({ docs: [{ text: 'x'.repeat(1_000_000) }] })
  const small = makeRecords({ docs: [{}] })
  assert.ok(body.build(makeParcel([{ records: big, from: 0, to: 1 }])).length > 1_000_000)
  assert.ok(body.build(makeParcel([{ records: small, from: 0, to: 1 }])).buffer.byteLength <= 100_000)
})
