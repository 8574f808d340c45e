import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inWords, objectionIn, wantsTls } from './connection-words.ts'

const coded = (message: string, code: string, reason?: string): Error =>
  Object.assign(new Error(message), { code, ...(reason === undefined ? {} : { reason }) })

test('errors of sockets and of TLS become phrases that say what to do, under the same code', () => {
  const line = '4043:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:../x.c:78:\n'
  const cases: Array<[Error, string]> = [
    [
      coded(
        'unable to verify the first certificate; if the root CA is installed locally, try running x',
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
      ),
      'unable to verify the first certificate (UNABLE_TO_VERIFY_LEAF_SIGNATURE); name the authority of its certificate in tls.ca_file'
    ],
    [coded(`write EPROTO ${line}`, 'EPROTO'), 'wrong version number (EPROTO); the server speaks no TLS there'],
    [
      coded(line, 'ERR_SSL_WRONG_VERSION_NUMBER', 'wrong version number'),
      'wrong version number; the server speaks no TLS there'
    ],
    [
      coded(line, 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tlsv13 alert certificate required'),
      'tlsv13 alert certificate required; give one that it knows in tls.cert_file and tls.key_file'
    ],
    [
      coded('getaddrinfo ENOTFOUND no.example', 'ENOTFOUND'),
      'getaddrinfo ENOTFOUND no.example; no such name; is it spelt right?'
    ],
    [
      coded('connect ECONNREFUSED 127.0.0.1:9199', 'ECONNREFUSED'),
      'connect ECONNREFUSED 127.0.0.1:9199; is it running, is the port right, does a firewall refuse?'
    ],
    [
      Object.assign(new AggregateError([new Error('connect ECONNREFUSED ::1:9'), new Error('and 127.0.0.1:9')]), {
        code: 'ECONNREFUSED'
      }),
      'connect ECONNREFUSED ::1:9; and 127.0.0.1:9; is it running, is the port right, does a firewall refuse?'
    ]
  ]
  for (const [error, words] of cases) {
    const said = inWords(error) as NodeJS.ErrnoException
    assert.deepEqual([said.message, said.code], [words, (error as NodeJS.ErrnoException).code])
  }
})

test('what is clear already stays as it is', () => {
  for (const error of [coded('read ETIMEDOUT', 'ETIMEDOUT'), new Error('x'), 'text', undefined])
    assert.equal(inWords(error), error)
})

test('what a server has against our certificate is told from other trouble', () => {
  assert.equal(objectionIn(coded('x', 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA')), 'certificate refused')
  assert.equal(objectionIn(coded('x', 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE')), 'certificate refused')
  assert.equal(objectionIn(coded('x', 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE')), 'handshake refused')
  assert.equal(objectionIn(coded('x', 'ECONNRESET')), undefined)
})

test('a server that says it wants TLS is understood, whichever it is', () => {
  for (const words of [
    '400 The plain HTTP request was sent to HTTPS port nginx',
    'Client sent an HTTP request to an HTTPS server.',
    "Reason: You're speaking plain HTTP to an SSL-enabled server port."
  ])
    assert.ok(wantsTls(words), words)
  assert.ok(!wantsTls('no such format'))
})
