import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { WindowDecoder } from '../../../test/lib/fake-logstash.ts'
import type { SentWindow } from '../../../test/lib/fake-logstash.ts'
import { inCi } from '../../../test/lib/real/process.ts'
import { makeRecords } from '../../../test/lib/records.ts'
import type { Parcel } from '../../core/component.ts'
import { cutParcel, locate, makeParcel, recordId } from '../../core/parcel.ts'
import { AckReader, WindowFrames } from './frames.ts'

const folder = new URL('../../../../shared/vectors/lumberjack/', import.meta.url)
const skip = existsSync(folder) || inCi() ? false : 'needs shared/vectors beside the project'

const META = { beat: 'yarder', version: '1.2.3' }

const hex = (name: string): Buffer => Buffer.from(readFileSync(new URL(name, folder), 'utf8').trim(), 'hex')
const whole = (docs: ReadonlyArray<object | string>, sourceId = 'f1', offsets?: number[]): Parcel => {
  const records = makeRecords({ docs, sourceId, ...(offsets === undefined ? {} : { offsets }) })
  return makeParcel([{ records, from: 0, to: records.count }])
}

/** Windows as a server reads them out of the chunks. */
function decode(...chunks: Buffer[]): SentWindow[] {
  const windows: SentWindow[] = []
  const decoder = new WindowDecoder(w => windows.push(w))
  for (const chunk of chunks) decoder.push(chunk)
  assert.ok(decoder.between, 'nothing is left over')
  return windows
}
const texts = (window: SentWindow): string[] => window.events.map(e => e.payload.toString('utf8'))

interface Recorded {
  clientFrames: Array<{ type: string; windowSize?: number; zlibHeader?: string }>
  serverFrames: Array<{ seq: number }>
}

const NAMES = [
  ['golumber-plain', 0],
  ['golumber-z1', 1],
  ['golumber-z3', 3],
  ['golumber-z6', 6],
  ['golumber-z9', 9],
  ['golumber-pipelined', 0],
  ['golumber-filebeat-like-200-z3', 3],
  ['golumber-tst-send-z3', 3]
] as const

for (const [name, level] of NAMES) {
  test(`the windows of ${name} are made as Elastic's client made them`, { skip }, async () => {
    const recorded = hex(`${name}.client.hex`)
    const theirs = decode(recorded)
    const described = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Recorded
    const version = /"version": ?"(8[^"]+)"/.exec(texts(theirs[0]!)[0]!)?.[1] ?? '1.0.0'
    const frames = new WindowFrames({ beat: 'filebeat', version }, level)
    const made: Buffer[] = []
    for (const window of theirs) made.push(Buffer.from(await frames.build(whole(texts(window), ''))))
    const ours = decode(...made)
    const prefix = `{"@metadata":{"beat":"filebeat","type":"_doc","version":"${version}"}`
    ours.forEach((window, i) => {
      assert.equal(window.packed, level > 0)
      assert.equal(window.count, theirs[i]!.count)
      texts(window).forEach((text, n) => {
        const their = texts(theirs[i]!)[n]!
        if (their.includes('@metadata')) assert.deepEqual(JSON.parse(text), JSON.parse(their))
        else assert.equal(text, `${prefix},${their.slice(1)}`)
      })
      // The head of the window, the kind of what follows, and the header of zlib; the packed bytes are each library's own.
      const zlib = described.clientFrames.filter(f => f.type === 'C')[i]?.zlibHeader
      assert.equal(made[i]!.toString('hex', 0, 8), `3257${hex32(window.count)}32${level > 0 ? '43' : '4a'}`)
      if (level > 0) assert.equal(made[i]!.toString('hex', 12, 14), zlib)
    })
  })

  test(`the answers to ${name} are read`, { skip }, () => {
    const described = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Recorded
    const got: number[] = []
    new AckReader(n => got.push(n)).push(hex(`${name}.server.hex`))
    assert.deepEqual(
      got,
      described.serverFrames.map(f => f.seq)
    )
  })
}

const hex32 = (n: number): string => n.toString(16).padStart(8, '0')

test('a window is laid out byte for byte as the protocol says', async () => {
  const made = await new WindowFrames(META, 0).build(whole([{ a: 1 }, {}], 'k3', [7, 7]))
  const head = '{"@metadata":{"beat":"yarder","type":"_doc","version":"1.2.3","_id":"k3-7'
  const [first, second] = [`${head}"},"a":1}`, `${head}.1"}}`]
  const expected = `2W\0\0\0\x022J\0\0\0\x01\0\0\0${char(first)}${first}2J\0\0\0\x02\0\0\0${char(second)}${second}`
  assert.equal(made.toString('latin1'), expected)
})

const char = (text: string): string => String.fromCharCode(text.length)

test('every record has its identity in @metadata; without one it has none', async () => {
  const records = makeRecords({
    docs: [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }],
    sourceId: 'a"b',
    offsets: [5, 5, 5, 9_007_199_254_740_991]
  })
  const other = makeRecords({ docs: [{ n: 5 }], sourceId: '' })
  // From the middle of a group of one offset, and over two sources.
  const parcel = makeParcel([
    { records, from: 1, to: 4 },
    { records: other, from: 0, to: 1 }
  ])
  const [window] = decode(await new WindowFrames(META, 3).build(parcel))
  const events = texts(window!).map(t => JSON.parse(t) as { n: number; '@metadata': { _id?: string } })
  assert.deepEqual(
    events.map(e => [e.n, e['@metadata']._id]),
    [
      [2, 'a"b-5.1'],
      [3, 'a"b-5.2'],
      [4, 'a"b-9007199254740991'],
      [5, undefined]
    ]
  )
  for (const [i, e] of events.slice(0, 3).entries()) {
    const { records: r, row } = locate(parcel, i)
    assert.equal(e['@metadata']._id, recordId(r, row))
  }
})

test('replayed records keep the identity that they were given', async () => {
  const docs = [{ n: 0 }, { n: 1, '@metadata': { _id: 'theirs', more: 1 } }]
  const given = docs.map((_, n) => ({ id: `k"3-${n}`, target: undefined }))
  const records = { ...makeRecords({ docs, sourceId: 'other' }), given }
  const [window] = decode(await new WindowFrames(META, 0).build(makeParcel([{ records, from: 0, to: 2 }])))
  assert.deepEqual(
    texts(window!).map(t => (JSON.parse(t) as { '@metadata': { _id?: string } })['@metadata']._id),
    ['k"3-0', 'k"3-1']
  )
})

test('@metadata that a document has already is kept beside ours', async () => {
  const docs = [
    { '@metadata': { cisco: 'x', beat: 'theirs' }, a: 1 },
    { a: 2 },
    { '@metadata': 'text' },
    { '@metadata': {} }
  ]
  const [window] = decode(await new WindowFrames(META, 0).build(whole(docs, 'f', [1, 2, 3, 4])))
  const ours = (id: string): object => ({ beat: 'yarder', type: '_doc', version: '1.2.3', _id: id })
  assert.deepEqual(
    texts(window!).map(t => JSON.parse(t)),
    [
      { '@metadata': { cisco: 'x', ...ours('f-1') }, a: 1 },
      { '@metadata': ours('f-2'), a: 2 },
      { '@metadata': ours('f-3') },
      { '@metadata': ours('f-4') }
    ]
  )
})

test('no window of nothing or of more than servers take is ever made', async () => {
  const frames = new WindowFrames(META, 0)
  await assert.rejects(frames.build(makeParcel([])), /window of 0/)
  const many = whole(Array.from({ length: 10_001 }, () => '{}'))
  await assert.rejects(frames.build(many), /window of 10001/)
  assert.equal(decode(await frames.build(cutParcel(many, 1, 10_001)))[0]!.count, 10_000)
})

test('frames decode to what was encoded however documents, windows and the socket are cut', async () => {
  const document = fc.dictionary(
    fc.string({ unit: 'binary', maxLength: 6 }).filter(key => key !== '@metadata' && key !== '__proto__'),
    fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(document, { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 0, max: 9 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 }),
      async (groups, level, cuts) => {
        const frames = new WindowFrames(META, level, 1000)
        const made: Buffer[] = []
        for (const docs of groups) made.push(Buffer.from(await frames.build(whole(docs))))
        const wire = Buffer.concat(made)
        const chunks: Buffer[] = []
        for (let at = 0, i = 0; at < wire.length; i++) {
          const length = cuts[i % cuts.length]!
          chunks.push(wire.subarray(at, at + length))
          at += length
        }
        const windows = decode(...chunks)
        assert.deepEqual(
          windows.map(w => w.count),
          groups.map(docs => docs.length)
        )
        windows.forEach((window, i) => {
          const expected = groups[i]!.map(doc => JSON.parse(JSON.stringify(doc)) as object)
          const got = texts(window).map(text => {
            const { '@metadata': metadata, ...rest } = JSON.parse(text) as Record<string, unknown>
            assert.equal((metadata as { beat: string }).beat, 'yarder')
            return rest
          })
          assert.deepEqual(got, expected)
        })
      }
    )
  )
})

test('acknowledgements are read however the socket is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 0xffffffff })),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      (numbers, cuts) => {
        const wire = Buffer.concat(numbers.map(n => Buffer.from(`3241${hex32(n)}`, 'hex')))
        const got: number[] = []
        const reader = new AckReader(n => got.push(n))
        for (let at = 0, i = 0; at < wire.length; i++) {
          reader.push(wire.subarray(at, at + cuts[i % cuts.length]!))
          at += cuts[i % cuts.length]!
        }
        assert.deepEqual(got, numbers)
      }
    )
  )
})

test('what is no acknowledgement is refused at its first wrong byte, and quoted', () => {
  const read = (bytes: Buffer | string): void => new AckReader(() => {}).push(Buffer.from(bytes))
  assert.throws(() => read('HTTP/1.1 400 Bad Request\r\n'), { code: 'PROTOCOL', message: /"HTTP\/1.1 400 Bad Request/ })
  assert.throws(() => read(Buffer.from('15030100020228', 'hex')), { code: 'PROTOCOL', message: /15030100020228/ })
  assert.throws(() => read('1A\0\0\0\x01'), { code: 'PROTOCOL' })
  assert.throws(() => read('2A\0\0\0\x012W'), { code: 'PROTOCOL' })
})

/** Recorded inputs that the decoder of these tests lets through, and what of the writer keeps it from the fault. */
const LET_THROUGH: Readonly<Record<string, string>> = {
  'half-close-after-batch':
    'connection.test.ts: a retiring connection says goodbye only after the last acknowledgement',
  'json-dup-keys': 'both servers take it; documents are made by JSON.stringify, and @metadata is joined to theirs',
  'json-trailing-newline': 'both servers take it; frames end with the document',
  'pipelined-3-windows': 'what the writer does itself',
  'window-10000': 'the largest that both take, and that is made'
}

test('of the 43 recorded inputs each is one that the decoder of every test here refuses, or is named', { skip }, () => {
  const { cases } = JSON.parse(readFileSync(new URL('edge-cases.json', folder), 'utf8')) as {
    cases: Array<{ name: string; clientHex: string }>
  }
  assert.equal(cases.length, 43)
  const through = cases
    .filter(({ clientHex }) => {
      try {
        new WindowDecoder(() => {}).push(Buffer.from(clientHex, 'hex'))
        return true
      } catch {
        return false
      }
    })
    .map(({ name }) => name)
  assert.deepEqual(through.toSorted(), Object.keys(LET_THROUGH).toSorted())
})
