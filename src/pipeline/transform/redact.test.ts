import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { build, faults, run, source } from '../../../test/lib/step.ts'
import { redact } from './redact.ts'
import { luhn, PRESETS } from './redact/presets.ts'

const clean = (presets: string[], text: string): unknown => run(build(redact, { presets }), text).event['message']

const table: Array<[preset: string, text: string, result: string]> = [
  ['digits', 'The passcode you entered was 09876', 'The passcode you entered was #####'],
  ['email', 'mail from Jane.Doe+x@mail.example.co.uk: ok', 'mail from ***: ok'],
  ['email', '<a@b.de>,c@d.org.', '<***>,***.'],
  ['email', '/?mail=me@example.com&x=1', '/?mail=***&x=1'],
  ['email', 'root@localhost @ a@b', 'root@localhost @ a@b'],
  ['email', 'müller@bücher.example', '***'],
  ['card', 'paid with 4111111111111111.', 'paid with ***.'],
  ['card', 'paid with 4111 1111 1111 1111 today', 'paid with *** today'],
  ['card', '5500-0000-0000-0004, 3782 822463 10005', '***, ***'],
  ['card', 'order 4111111111111112', 'order 4111111111111112'],
  ['card', 'id 41111111111111111111111', 'id 41111111111111111111111'],
  ['card', '2019-11-13 14:43:30 took 0.4111111111111111', '2019-11-13 14:43:30 took 0.4111111111111111'],
  ['token', 'Bearer abc123def', 'Bearer ***'],
  ['token', 'the bearer is tired', 'the bearer is tired'],
  ['token', 'jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_9 end', 'jwt *** end'],
  ['token', 'AKIAIOSFODNN7EXAMPLE', '***'],
  ['authorization', 'Authorization: Basic QWxhZGRpbjpvcGVu', 'Authorization: ***'],
  ['authorization', 'authorization=Bearer x status=200', 'authorization=*** status=200'],
  ['authorization', '{"Authorization": "Bearer abc", "a": 1}', '{"Authorization": "***", "a": 1}'],
  ['authorization', String.raw`{\"X-Api-Key\":\"abc\"}`, String.raw`{\"X-Api-Key\":\"***\"}`],
  ['authorization', 'Proxy-Authorization: Digest username="u", response="r"', 'Proxy-Authorization: ***'],
  ['authorization', 'X-Api-Key: abc, y', 'X-Api-Key: ***, y'],
  ['authorization', 'Cookie: a=b; c=d', 'Cookie: ***'],
  ['authorization', 'basic authentication failed', 'basic authentication failed'],
  ['query_secrets', '"GET /x?a=1&access_token=s3cr3t&b=2 HTTP/1.1"', '"GET /x?a=1&access_token=***&b=2 HTTP/1.1"'],
  ['query_secrets', '/?user_password=x%20y;API-KEY=z#t', '/?user_password=***;API-KEY=***#t'],
  ['query_secrets', 'token=abc&x=1', 'token=***&x=1'],
  ['query_secrets', '/?tokens=2&monkey=3', '/?tokens=2&monkey=3'],
  ['password', 'login user=joe password=hunter2 ok', 'login user=joe password=*** ok'],
  ['password', '{"password": "a \\"b\\" c", "x": 1}', '{"password": "***", "x": 1}'],
  ['password', String.raw`body={\"passwd\":\"a b\",\"x\":1}`, String.raw`body={\"passwd\":\"***\",\"x\":1}`],
  ['password', `secret: 'x y' z`, `secret: '***' z`],
  ['password', 'password changed', 'password changed'],
  ['ipv4', '192.168.111.17 and 10.0.0.7', '192.168.111.0 and 10.0.0.0'],
  ['ipv4', 'version 1.2.3.4.5', 'version 1.2.3.4.5']
]
for (const [preset, text, result] of table) {
  test(`${preset}: ${text}`, () => {
    assert.equal(clean([preset], text), result)
    assert.equal(clean([preset], result), result, 'a second time changes nothing')
  })
}

test('no copy of a secret survives that a parser made of a part of the line', () => {
  const step = build(redact, { presets: ['authorization', 'query_secrets', 'email', 'card'] })
  const { event } = run(step, {
    message: 'GET /x?token=s3cr3tvalue Authorization: Bearer zzz999yyy from joe@example.com card 4111111111111111',
    request: '/x?token=s3cr3tvalue',
    query: { token: 's3cr3tvalue', other: 's3cr3tvalue', list: ['a', 's3cr3tvalue', { deep: '<s3cr3tvalue>' }] },
    scheme: 'Bearer zzz999yyy',
    who: 'joe@example.com',
    number: 4111111111111111,
    Authorization: 'zzz',
    verb: 'GET'
  })
  const text = JSON.stringify(event)
  for (const secret of ['s3cr3t', 'zzz', 'joe', '4111'])
    assert.equal(text.includes(secret), false, `${secret} in ${text}`)
  assert.equal(event['verb'], 'GET')
})

test('masks fields that are called like a secret, and leaves empty ones', () => {
  const step = build(redact, { presets: ['password'] })
  assert.deepEqual(run(step, { Password: 'x', user: { pwd: 12345, api_key: '-' }, token: null, auth: 'joe' }).event, {
    Password: '***',
    user: { pwd: '***', api_key: '-' },
    token: null,
    auth: 'joe'
  })
})

test('patterns of a user are replaced everywhere, and what they cut out too', () => {
  const step = build(redact, { patterns: [{ pattern: '(passcode you entered was )\\d+', replacement: '$1#####' }] })
  const { event } = run(step, { message: 'The passcode you entered was 09876', code: '09876', n: 17 })
  assert.deepEqual(event, { message: 'The passcode you entered was #####', code: '***', n: 17 })
  const digits = build(redact, { patterns: [{ pattern: '\\d', replacement: '#' }] })
  assert.equal(run(digits, 'code 09876').event['message'], 'code #####')
})

test('fields limits the search, and constants of the source stay what they are', () => {
  const step = build(redact, { presets: ['digits'], fields: ['a', 'host'] })
  const constants = { host: { name: 'web1' } }
  const out = run(step, { message: '1', a: '1' }, { source: source('x', constants) })
  assert.deepEqual(out.event, { message: '1', a: '#', host: { name: 'web#' } })
  assert.equal(constants.host.name, 'web1')
  assert.deepEqual(step.writes, ['a', 'host'])
})

test('a short secret is masked as a whole value only', () => {
  const { event } = run(build(redact, { presets: ['password'] }), { message: 'password=the', a: 'the', b: 'other' })
  assert.deepEqual(event, { message: 'password=***', a: '***', b: 'other' })
})

test('knows check digits', () => {
  for (const good of ['4111111111111111', '378282246310005', '6011000990139424']) assert.equal(luhn(good), true)
  for (const bad of ['4111111111111112', '1234567890123456']) assert.equal(luhn(bad), false)
})

test('refuses to do nothing, and unknown presets', () => {
  assert.match(faults(redact, {}).join(), /at least one preset or pattern/)
  assert.match(faults(redact, { presets: ['emails'] }).join(), /must be one of email, card/)
})

test('no text of 50 kB takes a preset more than a moment', () => {
  const repeats = [
    'a',
    '1',
    '1.',
    'a@',
    '@',
    'password',
    'password=',
    'password: "',
    '?token=',
    'bearer ',
    'eyJ',
    '-',
    ' ',
    '\\"',
    "'",
    'cookie:'
  ]
  for (const [name, preset] of Object.entries(PRESETS)) {
    const redactor = preset('***')
    for (const piece of repeats) {
      const text = piece.repeat(Math.ceil(50_000 / piece.length))
      const from = performance.now()
      redactor(text, [])
      const took = performance.now() - from
      assert.ok(took < 400, `${name} took ${took} ms on ${piece}…`)
    }
  }
})

test('no text makes it throw', () => {
  const step = build(redact, { presets: Object.keys(PRESETS) })
  const unit = fc.constantFrom(
    'a',
    '@',
    '.',
    '1',
    '"',
    "'",
    '\\',
    '=',
    ':',
    ' ',
    'password',
    'token',
    '?',
    'Bearer ',
    'Cookie'
  )
  fc.assert(fc.property(fc.string({ unit }), text => void run(step, text)))
})
