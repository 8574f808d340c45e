import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalog } from '../../test/golden/config/catalog.ts'
import { conceal, secretsOf } from './conceal.ts'
import { loadText } from './load.ts'
import { parseYaml } from './yaml.ts'

/** What is shown of the values of which something is hidden, and what is secret then, in their order. */
function concealed(yaml: string): { shown: string[]; secrets: string[] } {
  const out = { shown: [] as string[], secrets: [] as string[] }
  const { root } = parseYaml(yaml, 'f')
  conceal(root!, (_, { shown, secrets }) => {
    out.shown.push(shown)
    out.secrets.push(...secrets)
  })
  return out
}

test('arguments of a program lose what follows an option for a secret, in every spelling', () => {
  for (const [argument, shown, ...secrets] of [
    ['--password, hid1', '***', 'hid1'],
    ['--db-password=hid1', '--db-password=***', 'hid1'],
    ['-password, hid1', '***', 'hid1'],
    ['--pass, hid1', '***', 'hid1'],
    ['--auth-token, hid1', '***', 'hid1'],
    ['--api-key=hid1', '--api-key=***', 'hid1'],
    ['-p, hid1', '***', 'hid1'],
    ['-phid1', '-p***', 'hid1'],
    ['-p, "3306"', '***'],
    ['-u, "joe:hid1"', 'joe:***', 'hid1'],
    ['--user=joe:hid1', '--user=joe:***', 'hid1'],
    ['-H, "X-Api-Key: hid1"', 'X-Api-Key: ***', 'hid1'],
    ['"--header=Authorization: Bearer hid1"', '--header=Authorization: ***', 'Bearer hid1', 'hid1'],
    ['PGPASSWORD=hid1', 'PGPASSWORD=***', 'hid1'],
    ['host=h password=hid1 port=1', 'host=h password=*** port=1', 'hid1'],
    ['"mysql -phid1 --port 1"', 'mysql -p*** --port 1', 'hid1'],
    ['"mysql --password \'hid1\' -v"', "mysql --password '***' -v", 'hid1'],
    ['"curl https://u:hid1@h/?key=hid2"', 'curl https://u:***@h/?***', 'hid2', 'hid1'],
    ['--url=http://hid1@h/x', '--url=http://***@h/x', 'hid1']
  ] as const)
    assert.deepEqual(
      concealed(`checks: { a: { command: [/bin/x, ${argument}] } }`),
      { shown: [shown], secrets },
      argument
    )
})

test('a command line where a list is wanted gives nothing away', () => {
  assert.deepEqual(concealed('checks: { a: { command: mysql -phid1 } }').secrets, ['hid1'])
})

test('of addresses the account and the query are hidden, of headers and variables what their names tell', () => {
  assert.deepEqual(
    concealed(`
outputs:
  a: { hosts: ['http://joe:a%21bc@h:1', 'joe:hid2@h'], url: 'https://h/x?format=json&access_token=hid3', headers: { Authorization: Bearer hid4, X-Auth: hid5, Accept: text/plain } }
checks: { b: { env: { DB_PASS: hid6, KEY_FILE: /etc/x, PATH: /usr/bin, LANG: C, URL: 'http://u:hid7@h' } } }
`),
    {
      shown: ['http://joe:***@h:1', 'joe:***@h', 'https://h/x?***', ...Array.from({ length: 7 }, () => '***')],
      secrets: ['a%21bc', 'a!bc', 'hid2', 'hid3', 'Bearer hid4', 'hid4', 'hid5', 'hid6', 'hid7']
    }
  )
})

test('what is sent loses its secrets, in a form, JSON or a document of its own', () => {
  assert.deepEqual(
    concealed(`
checks: { a: { body: 'user=joe&password=hid1&x=1' }, b: { body: '{"user":"joe","password":"hid 2","x":1}' } }
notify: { c: { payload: { routing_key: hid3, dedup_key: '%{key}', token: '%{key}' } } }
`),
    {
      shown: ['user=joe&password=***&x=1', '{"user":"joe","password":"***","x":1}', '***'],
      secrets: ['hid1', 'hid 2', 'hid3']
    }
  )
})

test('what only reads like a secret is shown', () => {
  const nothing = { shown: [], secrets: [] }
  for (const yaml of [
    'outputs: { token: { hosts: [h:9200, "http://h:9200/x", "a@b.example"], tls: { key_file: /x, client_auth_type: NoClientCert } } }',
    'checks: { a: { command: [find, -path, /x, -print, -port, "80", --password-file, /x, --password-file=/x, -v], success_before_passing: 2 } }',
    'pipelines: { p: [{ rename: { token: user_token, password: "%{x}" } }, { grok: { match: ["-p%{WORD:secret}", "https?://%{WORD:a}?%{WORD:b}"] } }] }',
    'inputs: { a: { pipeline: [{ remove: [password] }, { convert: { api_key: integer } }] } }',
    'metrics: { m: { labels: { token: who } } }'
  ])
    assert.deepEqual(concealed(yaml), nothing, yaml)
})

test('a secret that a step writes into records is hidden by its name', () => {
  assert.deepEqual(concealed('pipelines: { p: [{ set: { api_key: hidden12 } }] }').shown, ['***'])
})

test('of an address that is secret, what follows its host is told nowhere', () => {
  assert.deepEqual(secretsOf('https://hooks.example/services/T0/B1?x=%20'), [
    '/services/T0/B1?x=%20',
    '/services/T0/B1?x=%20'
  ])
  assert.deepEqual(secretsOf('Bearer abc1'), ['Bearer abc1', 'abc1'])
})

test('what is secret by where it stands is in no text that goes through the mask, such as a line of the log', () => {
  const { checked } = loadText(
    "agent: { fields: { api_key: hidden12 } }\noutputs: { o: { type: elasticsearch, hosts: ['http://h/?key=hidden34'] } }",
    catalog,
    {}
  )
  assert.equal(checked.mask('said hidden12, hidden34 and h'), 'said ***, *** and h')
})
