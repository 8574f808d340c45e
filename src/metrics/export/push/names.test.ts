import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { test } from 'node:test'
import fc from 'fast-check'
import { context } from '../../../../test/lib/step.ts'
import { OptionError } from '../../../core/errors.ts'
import { buildPrefix, fullName, namePart } from './names.ts'

const HERE = context({
  constants: { region: 'us-east-1', app_environment: 'prod', host: { name: 'web01.example.com' } }
})

test('the prefix is region, environment and host, each of them one part', () => {
  const prefix = '{region}.{environment}.{host}'
  assert.equal(buildPrefix({ prefix, secret: undefined }, HERE), 'us-east-1.prod.web01_example_com')
})

test("the book's name comes out letter by letter: secret, module, suffix, type", () => {
  const prefix = buildPrefix({ prefix: 'app1', secret: 'secret' }, HERE)
  assert.equal(fullName(prefix, 'web.api.aws.s3.write.Counter', [], 200), 'secret.app1.web.api.aws.s3.write.Counter')
  const scheme = buildPrefix({ prefix: '{region}.{environment}.web01', secret: 'secret' }, HERE)
  assert.equal(
    fullName(scheme, 'web.api.aws.s3.write.counter', [], 200),
    'secret.us-east-1.prod.web01.web.api.aws.s3.write.counter'
  )
})

test('the secret comes first, unless the prefix has a place for it', () => {
  assert.equal(buildPrefix({ prefix: '', secret: 'a.b' }, HERE), 'a.b')
  assert.equal(buildPrefix({ prefix: 'stats.{secret}.{environment}', secret: 's' }, HERE), 'stats.s.prod')
  assert.equal(buildPrefix({ prefix: '', secret: undefined }, HERE), '')
})

test('what is missing stops the agent with the key in the message, and never becomes a name', () => {
  const cases: Array<[string, string, RegExp, Record<string, unknown>]> = [
    ['{region}.{environment}.{host}', 'prefix', /\{region\}.*agent\.region is not set/, { app_environment: 'prod' }],
    ['{environment}', 'prefix', /agent\.environment is not set/, { app_environment: '' }],
    ['{host}', 'prefix', /the name of this host is not set/, { host: { name: '' } }],
    ['{secret}.a', 'secret', /is required/, {}],
    ['{hosst}', 'prefix', /unknown placeholder \{hosst\}; did you mean "host"\?/, {}],
    ['{constructor}', 'prefix', /unknown placeholder/, {}],
    ['a..b', 'prefix', /none of them empty/, {}],
    ['.a', 'prefix', /none of them empty/, {}],
    ['a.', 'prefix', /none of them empty/, {}],
    ['a b', 'prefix', /letters, digits/, {}],
    ['a'.repeat(121), 'prefix', /must not be longer than 120/, {}]
  ]
  for (const [prefix, option, message, constants] of cases)
    assert.throws(
      () => buildPrefix({ prefix, secret: undefined }, context({ constants })),
      error => error instanceof OptionError && error.option === option && message.test(error.message),
      prefix
    )
})

test('a fault of the prefix does not show the secret', () => {
  assert.throws(
    () => buildPrefix({ prefix: 'a b', secret: 'canary' }, HERE),
    error => error instanceof Error && !error.message.includes('canary')
  )
})

test('the host is that of the machine where the records do not say it', () => {
  assert.equal(buildPrefix({ prefix: '{host}', secret: undefined }, context()), namePart(hostname()))
})

test('a name has only the characters that every server keeps, and no empty part, whatever the labels are', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.constantFrom('', '.', '..', 'a.b', '__overflow__')
  )
  fc.assert(
    fc.property(text, fc.array(text), fc.integer({ min: 20, max: 200 }), (name, values, most) => {
      const full = fullName('a.b', name, values, most)
      assert.match(full, /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/)
      assert.ok(full.length <= most)
      assert.ok(full.startsWith('a.b.'))
    })
  )
})

test('an empty value is another series than one of signs that may not stand in a name', () => {
  const names = ['', '/', '-'].map(value => fullName('p', 'x', ['400', value], 200))
  assert.deepEqual(names, ['p.x.400.none', 'p.x.400._', 'p.x.400.-'])
})

test('the value of a label is one part, also with dots in it', () => {
  assert.equal(
    fullName('p', 'requests_total', ['GET', '/a/b.html', '', 'é'], 200),
    'p.requests_total.GET._a_b_html.none._'
  )
})
