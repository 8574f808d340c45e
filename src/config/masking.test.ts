import assert from 'node:assert/strict'
import { test } from 'node:test'
import { masking } from './masking.ts'

const masked = (secret: string, ...texts: string[]): string[] => texts.map(masking(new Set([secret])))

test('a password that is a common word leaves names and sentences of the log as they are', () => {
  for (const [secret, ...texts] of [
    ['elastic', 'Waiting for elasticsearch.', 'output=elastic state=red', '{"output":"elastic"}', 'elastic_ip=1'],
    ['wrong', 'output=es_wrongpw', 'ssl3_get_record:wrong version number:../x.c', 'error="TLS: wrong version number"'],
    ['changeme', 'said="changeme now" path=/srv/changeme/x.log', 'user or password: please changemenow'],
    ['9200', 'sending to http://h:9200/_bulk', 'line 9200 of it'],
    ['ab1', 'tab1=x password=ab1'],
    ['web01x', 'file=/var/myweb01x_old.log']
  ] as const)
    assert.deepEqual(masked(secret, ...texts), texts)
})

test('a short password, or one of letters, is taken out where a secret can stand', () => {
  for (const secret of ['elastic', 'wrong', 'changeme', '920011', 'p4ss-w'])
    for (const [before, after] of [
      ['password=', ' status=401'],
      ['{"username":"u","password":"', '"}'],
      ['refused {\\"x-auth\\":\\"', '\\",\\"host\\":\\"h\\"}'],
      ["refused {'x-auth':'", "'}"],
      ['GET /?key=', ' HTTP/1.1'],
      ['GET /?a=1&token=', '&b=2'],
      ['Authorization: Bearer ', ''],
      ['Authorization: ApiKey ', ', x'],
      ["with password '", "' refused"],
      ['login u:', '@h'],
      ['https://', '@h/x'],
      ['https://u:', '@h/x'],
      ['who=', ' n=1'],
      ['-p: "', '"']
    ])
      assert.deepEqual(masked(secret, before + secret + after), [`${before}***${after}`])
})

test('a short password is found in Basic credentials', () => {
  for (const secret of ['pw1x', 'wrong', 'elastic']) {
    const basic = Buffer.from(`joe:${secret}`).toString('base64')
    assert.doesNotMatch(masked(secret, `'authorization':'Basic ${basic}'`)[0]!, new RegExp(basic.slice(0, -4)))
  }
  assert.deepEqual(masked('wrong', 'Basic authentication is off'), ['Basic authentication is off'])
})

test('a long secret is taken out wherever it stands, and where a message has cut it', () => {
  assert.deepEqual(masked('a1b2c3d4', 'xa1b2c3d4y'), ['x***y'])
  assert.deepEqual(masked('abcdefghijklmnopqrst', 'xabcdefghijklmnopqrsty', 'abcdefghijklmnop…'), ['x***y', '***'])
  const hook = 'https://hooks.example.com/services/T01/B02/c3'
  assert.deepEqual(masked(hook, 'GET https://hooks.example.com/other', `GET ${hook}`), [
    'GET https://hooks.example.com/other',
    'GET ***'
  ])
})

test('a line as long as the longest record costs little, whatever it is made of', () => {
  const mask = masking(new Set(['elastic', 'a1b2c3', '123456']))
  const started = performance.now()
  for (const piece of ['a', 'key', 'sig', '=', '\\', ' ', 'a:', 'Basic ', 'x://', 'elasti'])
    mask(piece.repeat(1_000_000 / piece.length))
  const took = performance.now() - started
  // Each took minutes where a pattern could begin at every letter and run to the end.
  assert.ok(took < 20_000, `${took} ms`)
})
