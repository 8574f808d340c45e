import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { build, run } from '../../../test/lib/step.ts'
import { json } from './json.ts'

// Absent and undefined are the same in a document.
const document = (event: unknown): unknown => JSON.parse(JSON.stringify(event))
const step = build(json, {})
const parse = (line: string): unknown => document(run(step, line).event)

test('takes the records of Kibana as they are, their @timestamp as the time', () => {
  const out = run(
    step,
    '{"type":"log","@timestamp":"2019-08-09T12:34:45Z","tags":["status","plugin:elasticsearch@7.3.0","info"],"pid":7885,"state":"green","message":"Status changed from yellow to green - Ready"}'
  )
  assert.deepEqual(document(out.event), {
    type: 'log',
    tags: ['status', 'plugin:elasticsearch@7.3.0', 'info'],
    pid: 7885,
    state: 'green',
    message: 'Status changed from yellow to green - Ready'
  })
  assert.equal(out.time, '2019-08-09T12:34:45.000Z')
  assert.equal(out.failed, '')
})

test('the line itself goes once it is read, and stays on request', () => {
  assert.deepEqual(parse('{"a":1}'), { a: 1 })
  const kept = run(build(json, { keep_source: true }), '{"a":1}')
  assert.deepEqual(kept.event, { message: '{"a":1}', a: 1 })
})

for (const line of ['hello', '', '{', '{"a":1', '"text"', '17', 'null', '[1,2]', '{"a":1} {"b":2}', "{'a': 1}", '{]']) {
  test(`ships ${JSON.stringify(line)} as it is, tagged`, () => {
    const out = run(step, line)
    assert.deepEqual(out.event, { message: line, tags: ['_jsonparsefailure'] })
    assert.equal(out.failed, '_jsonparsefailure')
    assert.equal(out.kept, true)
  })
}

for (const [value, time] of [
  [1573684410, '2019-11-13T22:33:30.000Z'],
  [1573684410.5, '2019-11-13T22:33:30.500Z'],
  [1573684410123, '2019-11-13T22:33:30.123Z'],
  ['1573684410123', '2019-11-13T22:33:30.123Z'],
  ['2019-11-13T22:33:30.123456+01:00', '2019-11-13T21:33:30.123Z']
]) {
  test(`takes ${JSON.stringify(value)} as a time`, () => {
    const out = run(step, JSON.stringify({ '@timestamp': value, a: 1 }))
    assert.equal(out.time, time)
    assert.deepEqual(document(out.event), { a: 1 })
  })
}

for (const value of ['soon', '', null, true, {}, [], 1e300, '2019-99-99T00:00:00Z']) {
  test(`keeps the malformed time ${JSON.stringify(value)} in another field`, () => {
    const out = run(step, JSON.stringify({ '@timestamp': value }))
    assert.deepEqual(document(out.event), { '_@timestamp': value, tags: ['_timestampparsefailure'] })
    assert.equal(out.time, '')
  })
}

test('keeps the digits of whole numbers that no double can hold, also deep inside', () => {
  assert.deepEqual(parse('{"id":12345678901234567890,"ok":9007199254740991,"in":[{"neg":-9007199254740993}]}'), {
    id: '12345678901234567890',
    ok: 9007199254740991,
    in: [{ neg: '-9007199254740993' }]
  })
  assert.deepEqual(parse('{"a":1e999,"b":1e300,"c":0.1}'), { a: '1e999', b: 1e300, c: 0.1 })
})

test('takes dotted keys apart, so that no document holds both forms', () => {
  assert.deepEqual(parse('{"log.level":"info","log":{"logger":"x"}}'), { log: { logger: 'x' } })
  assert.deepEqual(parse('{"log":{"logger":"x"},"log.level":"info"}'), { log: { logger: 'x', level: 'info' } })
  assert.deepEqual(parse('{"a":{"b.c":1,"b":{"d":2}}}'), { a: { b: { d: 2, c: 1 } } })
  assert.deepEqual(parse('{"a.":1,".b":2,"c..d":3}'), { 'a.': 1, '.b': 2, 'c..d': 3 })
  assert.deepEqual(parse('{"a":1,"a.b":2}'), { a: 1, 'a.b': 2 })
})

test('adds tags to those there', () => {
  const out = run(step, { message: '{"tags":["b","a"]}', tags: ['a'] })
  assert.deepEqual(out.event['tags'], ['a', 'b'])
})

test('a __proto__ in the data changes no prototype', () => {
  for (const line of [
    '{"__proto__":{"polluted":1}}',
    '{"a":{"__proto__":{"polluted":1}}}',
    '{"__proto__.polluted":1}'
  ]) {
    const out = run(step, line)
    assert.equal(Object.getPrototypeOf(out.event), Object.prototype)
    assert.equal(out.event['polluted'], undefined)
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
    assert.equal(JSON.stringify(out.event).includes('polluted'), true)
  }
})

test('nesting without end is refused, not followed', () => {
  const deep = (n: number): string => `${'{"a":'.repeat(n)}1${'}'.repeat(n)}`
  assert.equal(run(step, deep(60)).failed, '')
  for (const line of [deep(100), deep(200_000), `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`]) {
    assert.equal(run(step, line).failed, '_jsonparsefailure')
  }
})

test('a key of thousands of dots is no nesting either', () => {
  const dots = 'a.'.repeat(30_000)
  assert.deepEqual(parse(`{"${dots}b":1}`), { [`${dots}b`]: 1 })
  assert.equal(run(step, `{"x":{"${dots}b":{"c":1}}}`).failed, '_jsonparsefailure')
})

test('puts the whole under a target, lists too', () => {
  const aside = build(json, { target: 'app.data' })
  assert.deepEqual(document(run(aside, '{"@timestamp":"x"}').event), { app: { data: { '@timestamp': 'x' } } })
  assert.deepEqual(document(run(aside, '[1]').event), { app: { data: [1] } })
})

test('overwrite: false lets what is there stand', () => {
  const out = run(build(json, { field: 'raw', overwrite: false }), { raw: '{"a":1,"b":2}', a: 0 })
  assert.deepEqual(document(out.event), { a: 0, b: 2 })
})

test('a record without the field is left alone, one with a number in it is tagged', () => {
  const other = build(json, { field: 'payload.text' })
  assert.deepEqual(run(other, 'x').event, { message: 'x' })
  assert.deepEqual(run(other, { payload: { text: 3 } }).event, { payload: { text: 3 }, tags: ['_jsonparsefailure'] })
  assert.deepEqual(document(run(other, { payload: { text: '{"a":1}', n: 1 } }).event), { payload: { n: 1 }, a: 1 })
})

test('any JSON object comes through as JSON.parse would give it', () => {
  const key = fc.string().filter(k => !k.includes('.') && k !== '@timestamp' && k !== '__proto__')
  const leaf = fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, min: -1e15, max: 1e15 })
  )
  const value = fc.oneof(leaf, fc.array(leaf), fc.dictionary(key, leaf))
  fc.assert(
    fc.property(fc.dictionary(key, value), object => {
      const text = JSON.stringify(object)
      assert.deepEqual(parse(text), JSON.parse(text))
    })
  )
})

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), text => {
      run(step, text)
      run(step, `{${text}}`)
    })
  )
})
