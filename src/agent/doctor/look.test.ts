import assert from 'node:assert/strict'
import { test } from 'node:test'
import { curlWords, handshake, listening, lookAt } from './look.ts'
import type { Manners, Way } from './look.ts'

const TLS = { ca_file: 'ca.pem', insecure_skip_verify: false } as NonNullable<Manners['tls']>
const way = (target: string, options: Manners = {}): Way => ({ target, options, configDir: '/etc/yarder' })

test('curl asks as the output does, with the authority, the user and the name in the certificate, and no secret', () => {
  const cases: Array<[Way, string]> = [
    [way('http://a:9200/'), 'http://a:9200/'],
    [way('https://a/x', { tls: TLS, username: 'it s' }), "--cacert /etc/yarder/ca.pem -u 'it s' https://a/x"],
    [
      way('https://127.0.0.1:9200/', { tls: { ...TLS, server_name: 'es.example' }, api_key: 'geheim' }),
      '--connect-to ::127.0.0.1:9200 --cacert /etc/yarder/ca.pem -H "authorization: ApiKey $ENCODED_API_KEY" https://es.example:9200/'
    ],
    [
      way('https://a/', { tls: { cert_file: '/c', key_file: '/k', insecure_skip_verify: true } as never }),
      '-k --cert /c --key /k https://a/'
    ]
  ]
  for (const [where, words] of cases) assert.equal(lookAt(where), `curl -sS -i -m 10 ${words}`)
  assert.match(
    curlWords(way('https://a/', { api_key: 'k' }), new URL('https://a/b'), 'elastic').join(' '),
    /-u elastic/
  )
})

test('openssl greets the name that the certificate must carry, and never an address', () => {
  assert.equal(
    handshake(way('127.0.0.1:5044', { tls: { ...TLS, server_name: 'logs.example' } })),
    'timeout 10 openssl s_client -connect 127.0.0.1:5044 -servername logs.example -verify_hostname logs.example -CAfile /etc/yarder/ca.pem -showcerts </dev/null'
  )
  assert.equal(
    handshake(way('https://[::1]/')),
    "timeout 10 openssl s_client -connect '[::1]:443' -showcerts </dev/null"
  )
})

test('only for this host the kernel is asked who listens', () => {
  for (const host of ['127.0.0.1', 'localhost', '::1']) assert.equal(listening(host, '9200'), "ss -ltn 'sport = :9200'")
  assert.equal(listening('192.0.2.1', '9200'), 'nc -vz -w 5 192.0.2.1 9200')
  assert.equal(lookAt(way('[2001:db8::1]:514')), 'nc -vz -w 5 2001:db8::1 514')
  assert.equal(lookAt(way('h:514', { protocol: 'udp' })), 'nc -vuz -w 5 h 514')
})
