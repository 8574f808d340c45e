import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readExposition } from '../../../test/lib/exposition.ts'
import { createStore } from '../store.ts'
import type { Family, Sample } from '../store.ts'
import { renderPieces } from './prometheus.ts'
import type { Format } from './prometheus.ts'

const render = (families: readonly Family[], format: Format = 'text'): string =>
  [...renderPieces(families, format)].join('')

const family = (over: Partial<Family>, ...samples: Array<Partial<Sample>>): Family => {
  const named = { name: 'a', help: 'Help.', type: 'gauge' as const, ...over }
  return { ...named, samples: samples.map(sample => ({ name: named.name, labels: {}, value: 1, ...sample })) }
}

test('a counter keeps its _total in text and leaves it to its samples in OpenMetrics', () => {
  const counter = family({ name: 'a_total', type: 'counter' }, {})
  assert.equal(render([counter]), '# HELP a_total Help.\n# TYPE a_total counter\na_total 1\n')
  assert.equal(render([counter], 'openmetrics'), '# HELP a Help.\n# TYPE a counter\na_total 1\n# EOF\n')
})

test('a counter without _total is unknown to OpenMetrics, which would refuse it', () => {
  const page = render([family({ type: 'counter' }, {})], 'openmetrics')
  assert.equal(page, '# HELP a Help.\n# TYPE a unknown\na 1\n# EOF\n')
})

test('a family without a sample is left out', () => {
  assert.equal(render([family({})]), '')
  assert.equal(render([family({})], 'openmetrics'), '# EOF\n')
})

test('the help is escaped as each format wants it', () => {
  const said = family({ help: 'say "hi"\nback\\slash \ud800' }, {})
  assert.match(render([said]), /^# HELP a say "hi"\\nback\\\\slash \ufffd\n/)
  assert.match(render([said], 'openmetrics'), /^# HELP a say \\"hi\\"\\nback\\\\slash \ufffd\n/)
})

test('values that are no plain number are written as Prometheus reads them', () => {
  const values = [NaN, Infinity, -Infinity, 1e21, 1e-7, -0, 0.1 + 0.2, 2 ** 53]
  const page = render([family({}, ...values.map((value, i) => ({ value, labels: { i: String(i) } })))])
  assert.deepEqual(page.match(/(?<=\} ).*/g), [
    'NaN',
    '+Inf',
    '-Inf',
    '1e+21',
    '1e-7',
    '0',
    '0.30000000000000004',
    '9007199254740992'
  ])
  const read = readExposition(Buffer.from(page), 'text')[0]!.samples.map(s => s.value + 0)
  assert.deepEqual(
    read,
    values.map(value => value + 0)
  )
})

test("bounds are spelt as in OpenMetrics' table, in both formats", () => {
  const bounds: Array<[number, string]> = [
    [0, '0.0'],
    [0.005, '0.005'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [1, '1.0'],
    [2.5, '2.5'],
    [-1, '-1.0'],
    [100000, '100000.0'],
    [1e6, '1e+06'],
    [1234567, '1.234567e+06'],
    [1e10, '1e+10'],
    [Infinity, '+Inf']
  ]
  for (const format of ['text', 'openmetrics'] as const) {
    const page = render([family({}, ...bounds.map(([le]) => ({ name: 'a_bucket', le })))], format)
    assert.deepEqual(
      page.match(/(?<=le=").*(?=")/g),
      bounds.map(([, text]) => text)
    )
  }
})

test("the agent's own numbers and those of its process are a good page in both formats", async () => {
  const store = createStore()
  store.instruments.counter('yarder_x_total', 'X.', ['name']).add(2, 'a"b\\c\nd')
  store.instruments.gauge('yarder_level', 'Level.').set(NaN)
  const took = store.instruments.histogram('yarder_took_seconds', 'Took.', ['name'], [0.1, 1])
  took.observe(0.5, 'x')
  for (const format of ['text', 'openmetrics', 'text'] as const) {
    const families = readExposition(Buffer.from(render(await store.read(), format)), format)
    const byName = new Map(families.map(f => [f.name, f]))
    const total = format === 'text' ? '_total' : ''
    assert.equal(byName.get(`yarder_x${total}`)?.samples[0]?.labels['name'], 'a"b\\c\nd')
    assert.equal(byName.get(`process_cpu_seconds${total}`)?.type, 'counter')
    assert.equal(byName.get('process_open_fds')?.type, 'gauge')
    assert.equal(byName.get('process_max_fds')?.type, 'gauge')
    assert.deepEqual(
      byName.get('yarder_took_seconds')?.samples.map(s => [s.name, s.labels['le'], s.value]),
      [
        ['yarder_took_seconds_bucket', '0.1', 0],
        ['yarder_took_seconds_bucket', '1.0', 1],
        ['yarder_took_seconds_bucket', '+Inf', 1],
        ['yarder_took_seconds_sum', undefined, 0.5],
        ['yarder_took_seconds_count', undefined, 1]
      ]
    )
  }
})
