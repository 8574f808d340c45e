import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { checkFaults, runCheck } from '../../../test/lib/check.ts'
import { makeCa } from '../../../test/lib/test-ca.ts'
import { http } from './http.ts'

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', socket => sockets.add(socket))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const serve = async (t: TestContext, answer: RequestListener): Promise<string> =>
  `http://127.0.0.1:${await listen(t, createServer(answer))}/`

test('an answer of the expected class is ok; any other is a failure that names both', async t => {
  const url = await serve(t, (req, res) => res.writeHead(Number(req.url!.slice(1))).end())
  const look = async (status: number, expect?: unknown): Promise<string> => {
    const options = { url: `${url}${status}`, ...(expect === undefined ? {} : { expect_status: expect }) }
    const { state, reason, message } = await runCheck(http, options)
    return `${state} ${reason}: ${message}`
  }
  assert.equal(await look(200), 'ok ok: HTTP 200')
  assert.equal(await look(204), 'ok ok: HTTP 204')
  assert.equal(await look(500), 'critical status: HTTP 500, expected 2xx')
  assert.equal(await look(301), 'critical status: HTTP 301, expected 2xx')
  assert.equal(await look(301, ['2XX', 301]), 'ok ok: HTTP 301')
  assert.equal(await look(302, ['2xx', 301]), 'critical status: HTTP 302, expected 2xx or 301')
  assert.equal(await look(404, '404'), 'ok ok: HTTP 404')
})

test('the request is as the options say, on a connection of its own', async t => {
  const seen: unknown[] = []
  const url = await serve(t, (req, res) => {
    req.setEncoding('utf8')
    let body = ''
    req.on('data', chunk => (body += chunk))
    req.on('end', () => {
      seen.push([req.method, req.headers.host, req.headers['x-a'], req.headers.connection, body])
      res.end()
    })
  })
  const options = { url, method: 'POST', headers: { Host: 'shop.example.com', 'X-A': 'b' }, body: 'ping' }
  assert.equal((await runCheck(http, options)).state, 'ok')
  assert.deepEqual(seen, [['POST', 'shop.example.com', 'b', 'close', 'ping']])
})

test('the body must match, and only its beginning is read however long it is', async t => {
  const url = await serve(t, (req, res) => {
    if (req.url === '/endless') {
      const more = (): void => {
        while (res.write('x'.repeat(65_536)));
      }
      res.on('drain', more)
      more()
    } else res.end('{"status":"yellow"}')
  })
  const matches = (path: string, body: string) => runCheck(http, { url: url + path, body_matches: body }, 5000)
  assert.equal((await matches('', '"status":"(green|yellow)"')).state, 'ok')
  const other = await matches('', '"status":"green"')
  assert.deepEqual(
    [other.state, other.reason, other.message],
    ['critical', 'body', 'HTTP 200, but the body does not match "status":"green"']
  )
  assert.equal((await matches('endless', 'y')).reason, 'body')
  assert.equal((await runCheck(http, { url: `${url}endless` }, 5000)).state, 'ok')
})

test('a server that hangs or drips is a timeout at the limit, and its connection is closed', async t => {
  const closed: Promise<void>[] = []
  const url = await serve(t, (req, res) => {
    closed.push(new Promise(resolve => req.socket.on('close', () => resolve())))
    if (req.url === '/drip') {
      const timer = setInterval(() => res.write('x'), 10)
      res.on('close', () => clearInterval(timer))
    }
  })
  for (const path of ['', 'drip']) {
    const { state, reason, message, seconds } = await runCheck(http, { url: url + path, body_matches: 'y' }, 150)
    assert.deepEqual([state, reason, message], ['critical', 'timeout', 'timed out after 0.15 seconds'])
    assert.ok(seconds >= 0.149 && seconds < 5, String(seconds))
  }
  await Promise.all(closed)
})

test('what keeps it from the server is named by its stage', async t => {
  const port = await listen(
    t,
    createTcpServer(socket => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
  )
  const reason = async (url: string): Promise<string> => (await runCheck(http, { url })).reason
  assert.equal(await reason(`http://127.0.0.1:${port}/`), 'protocol')
  assert.equal(await reason(`https://127.0.0.1:${port}/`), 'tls')
  assert.equal(await reason('http://127.0.0.1:1/'), 'connect')
  assert.equal(await reason('http://no-such-host.invalid/'), 'dns')
})

test('a certificate of an unknown authority is a tls failure, and one of a known is fine', async t => {
  const ca = makeCa(t)
  const { certFile, keyFile } = ca.issue('127.0.0.1')
  const options = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  const url = `https://127.0.0.1:${await listen(
    t,
    createTlsServer(options, (_req, res) => res.end())
  )}/`
  assert.equal((await runCheck(http, { url })).reason, 'tls')
  assert.equal((await runCheck(http, { url, tls: { ca_file: ca.caFile } })).state, 'ok')
})

test('options that cannot work together are told', () => {
  const url = 'http://127.0.0.1/'
  assert.deepEqual(checkFaults(http, { url, method: 'HEAD', body_matches: 'x' }), [
    'body_matches: needs a body, and HEAD has none; use method: GET'
  ])
  assert.deepEqual(checkFaults(http, { url, body: 'x' }), ['body: is not sent with GET; use method: POST'])
  assert.deepEqual(checkFaults(http, { url, expect_status: ['6xx'] }), [
    'expect_status[0]: must be a status such as 204, or a class such as 2xx, got "6xx"'
  ])
})
