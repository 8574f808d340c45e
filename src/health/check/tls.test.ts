import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { createServer, TLSSocket } from 'node:tls'
import { checkFaults, runCheck } from '../../../test/lib/check.ts'
import { makeCa } from '../../../test/lib/test-ca.ts'
import type { TestCa } from '../../../test/lib/test-ca.ts'
import { STARTTLS } from '../starttls.ts'
import { tls } from './tls.ts'

async function listen(t: TestContext, server: Server): Promise<string> {
  const sockets: Socket[] = []
  server.on('connection', socket => sockets.push(socket.on('error', () => {})))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const pair = (ca: TestCa, name: string, days?: number) => {
  const { certFile, keyFile } = ca.issue(name, 'leaf', days)
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) }
}

test('a certificate is judged by the time it has left', async t => {
  const ca = makeCa(t, 400)
  const address = await listen(t, createServer(pair(ca, '127.0.0.1', 30)))
  const look = async (options: Record<string, unknown>): Promise<string> => {
    const { state, reason, message } = await runCheck(tls, { address, tls: { ca_file: ca.caFile }, ...options })
    return `${state} ${reason}: ${message.replace(/\d{4}-\d\d-\d\d/, 'DAY')}`
  }
  assert.equal(await look({}), 'ok ok: the certificate expires in 29 days, on DAY')
  assert.equal(await look({ expires_warning: '40d' }), 'warning expiry: the certificate expires in 29 days, on DAY')
  assert.equal(
    await look({ expires_warning: '80d', expires_critical: '40d' }),
    'critical expiry: the certificate expires in 29 days, on DAY'
  )
  const { values = {} } = await runCheck(tls, { address, tls: { ca_file: ca.caFile } })
  const left = values['certificate_expires']! - Date.now() / 1000
  assert.ok(left > 29.9 * 86_400 && left < 30.1 * 86_400, String(left))
  assert.ok(values['connect_seconds']! >= 0 && values['tls_seconds']! > 0)
})

test('an authority that ends before what it signed is what is told', async t => {
  const ca = makeCa(t, 3)
  const { cert, key } = pair(ca, '127.0.0.1', 300)
  const chain = Buffer.concat([cert, readFileSync(ca.caFile)])
  const address = await listen(t, createServer({ cert: chain, key }))
  const run = await runCheck(tls, { address, tls: { ca_file: ca.caFile } })
  assert.deepEqual([run.state, run.reason], ['critical', 'expiry'])
  assert.match(run.message, /^the authority "test-ca" above it expires in 2 days/)
})

test('an expired one, a strange authority and a wrong name each say what they are', async t => {
  const ca = makeCa(t, 100)
  const other = makeCa(t, 100)
  const expired = await listen(t, createServer(pair(ca, '127.0.0.1', -1)))
  const named = await listen(t, createServer(pair(ca, 'shop.example.com', 90)))
  const look = async (address: string, options: Record<string, unknown>): Promise<string> => {
    const run = await runCheck(tls, { address, tls: { ca_file: ca.caFile, ...options } })
    return `${run.state} ${run.reason}: ${run.message}`
  }
  assert.match(await look(expired, {}), /^critical expiry: the certificate has expired on [\d-]{10}$/)
  assert.equal(await look(named, {}), 'critical tls: the certificate is not for the address 127.0.0.1')
  assert.match(await look(named, { server_name: 'shop.example.com' }), /^ok ok: /)
  assert.equal(
    await look(named, { server_name: 'shop.example.com', ca_file: other.caFile }),
    'critical tls: the chain is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE)'
  )
  const unjudged = await runCheck(tls, { address: named, tls: { insecure_skip_verify: true } })
  assert.equal(unjudged.state, 'ok')
})

/** What servers say before TLS, by what they hear; '' is their greeting. */
const SERVERS: Record<string, Record<string, string>> = {
  smtp: {
    '': '220-mail.example.com\r\n220 ESMTP\r\n',
    'EHLO yarder\r\n': '250-mail.example.com\r\n250-STARTTLS\r\n250 HELP\r\n',
    'STARTTLS\r\n': '220 go ahead\r\n'
  },
  imap: { '': '* OK [CAPABILITY IMAP4rev1] ready\r\n', 'y1 STARTTLS\r\n': '* noted\r\ny1 OK begin\r\n' },
  pop3: { '': '+OK ready\r\n', 'STLS\r\n': '+OK begin\r\n' },
  ftp: { '': '220 ready\r\n', 'AUTH TLS\r\n': '234 proceed\r\n' },
  ldap: {
    '\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037':
      '\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00'
  },
  postgres: { '\x00\x00\x00\x08\x04\xd2\x16\x2f': 'S' }
}

/** Speaks the protocol, then TLS. */
function starttlsServer(words: Record<string, string>, secret: { cert: Buffer; key: Buffer }): Server {
  return createTcpServer(socket => {
    if (words[''] !== undefined) socket.write(Buffer.from(words[''], 'latin1'))
    const last = Object.values(words).at(-1)
    const hear = (data: Buffer): void => {
      const answer = words[data.toString('latin1')] ?? '500 what?\r\n'
      socket.write(Buffer.from(answer, 'latin1'))
      if (answer !== last) return
      socket.off('data', hear)
      new TLSSocket(socket, { isServer: true, ...secret }).on('error', () => {})
    }
    socket.on('data', hear)
  })
}

test('each protocol is asked for TLS in its own words', async t => {
  const ca = makeCa(t, 100)
  const secret = pair(ca, '127.0.0.1', 90)
  assert.deepEqual(Object.keys(SERVERS).sort(), [...STARTTLS].sort())
  for (const [starttls, words] of Object.entries(SERVERS)) {
    const address = await listen(t, starttlsServer(words, secret))
    const run = await runCheck(tls, { address, starttls, tls: { ca_file: ca.caFile } }, 5000)
    assert.deepEqual([run.state, run.message.slice(0, 26)], ['ok', 'the certificate expires in'], starttls)
  }
})

test('a server that refuses TLS, or speaks another protocol, is a protocol failure that quotes it', async t => {
  const secret = pair(makeCa(t), '127.0.0.1')
  const plain = { ...SERVERS['smtp']!, 'EHLO yarder\r\n': '250 mail.example.com\r\n' }
  const address = await listen(t, starttlsServer(plain, secret))
  const run = await runCheck(tls, { address, starttls: 'smtp' }, 5000)
  assert.deepEqual([run.state, run.reason], ['critical', 'protocol'])
  assert.match(run.message, /answered "EHLO yarder" with "250 mail\.example\.com", so it speaks no TLS$/)
  const imap = await runCheck(tls, { address, starttls: 'pop3' }, 5000)
  assert.match(imap.message, /greeted with "220-mail\.example\.com"/)
})

test('a port that speaks no TLS, or is closed, is named by its stage', async t => {
  const address = await listen(
    t,
    createTcpServer(socket => socket.end('hello\r\n'))
  )
  assert.equal((await runCheck(tls, { address }, 5000)).reason, 'tls')
  assert.equal((await runCheck(tls, { address: '127.0.0.1:1' })).reason, 'connect')
  assert.equal((await runCheck(tls, { address: 'no-such-host.invalid' })).reason, 'dns')
  const silent = await listen(
    t,
    createTcpServer(() => {})
  )
  const run = await runCheck(tls, { address: silent }, 150)
  assert.deepEqual([run.reason, run.message], ['timeout', 'timed out after 0.15 seconds'])
})

test('limits in the wrong order are told', () => {
  assert.deepEqual(checkFaults(tls, { address: 'a:1', expires_warning: '1d' }), [
    'expires_warning: must not be below expires_critical'
  ])
})
