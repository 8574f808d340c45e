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
import type { TestCa } from '../../../test/lib/test-ca.ts'
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

const tlsServer = async (t: TestContext, ca: TestCa, days: number, answer: RequestListener): Promise<string> => {
  const { certFile, keyFile } = ca.issue('127.0.0.1', 'leaf', days)
  const options = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  return `https://127.0.0.1:${await listen(t, createTlsServer(options, answer))}/`
}

test('the time of each phase is kept, and none that was not there', async t => {
  const ca = makeCa(t, 100)
  const secure = await tlsServer(t, ca, 90, (_req, res) => res.end('hello'))
  const { values = {} } = await runCheck(http, { url: secure, body_matches: 'hello', tls: { ca_file: ca.caFile } })
  assert.deepEqual(Object.keys(values).sort(), [
    'body_bytes',
    'certificate_expires',
    'connect_seconds',
    'processing_seconds',
    'status',
    'tls_seconds',
    'transfer_seconds'
  ])
  const named = (await serve(t, (_req, res) => void setTimeout(() => res.end(), 50))).replace('127.0.0.1', 'localhost')
  const { values: plain = {} } = await runCheck(http, { url: named })
  assert.deepEqual(Object.keys(plain).sort(), ['connect_seconds', 'processing_seconds', 'resolve_seconds', 'status'])
  assert.ok(plain['processing_seconds']! >= 0.045 && plain['connect_seconds']! < plain['processing_seconds']!)
})

test('a slow answer and a certificate that ends soon are told, the worst first', async t => {
  const ca = makeCa(t, 100)
  const url = await tlsServer(t, ca, 10, (_req, res) => res.end())
  const look = async (options: Record<string, unknown>): Promise<string> => {
    const { state, reason, message } = await runCheck(http, { url, tls: { ca_file: ca.caFile }, ...options })
    return `${state} ${reason}: ${message.replace(/\d\.\d{3} s/, 'TIME').replace(/\d{4}-\d\d-\d\d/, 'DAY')}`
  }
  assert.equal(await look({}), 'ok ok: HTTP 200')
  assert.equal(
    await look({ warning: '1h:', expires_critical: '20d' }),
    'critical expiry: the certificate expires in 9 days, on DAY; answered in TIME, expected at least 1h'
  )
})

test('redirects are followed as far as asked, never in a circle, and never with secrets elsewhere', async t => {
  const seen: unknown[] = []
  const other = await serve(t, (req, res) => {
    seen.push([req.method, req.headers.authorization, req.headers['x-a']])
    res.end('there')
  })
  const url = await serve(t, (req, res) => {
    const to: Record<string, string> = { '/a': '/b', '/b': '/c?x=1', '/circle': '/circle', '/away': other }
    const location = to[req.url!] ?? (req.url === '/endless' || req.url!.startsWith('/e') ? `${req.url}e` : undefined)
    if (location === undefined) res.end('here')
    else res.writeHead(302, { location }).end()
  })
  const look = (path: string, follow_redirects: number, more = {}) =>
    runCheck(http, { url: url + path, follow_redirects, ...more })
  assert.equal((await look('a', 0, { expect_status: 302 })).state, 'ok')
  const followed = await look('a', 2, { body_matches: 'here' })
  assert.deepEqual([followed.state, followed.values!['redirects']], ['ok', 2])
  const [short, circle, endless] = [await look('a', 1), await look('circle', 5), await look('endless', 20)]
  assert.deepEqual([short.reason, short.message], ['redirect', 'more than 1 redirects, the last to /c?x=1'])
  assert.deepEqual([circle.reason, circle.message], ['redirect', `${url}circle is redirected to itself`])
  assert.equal(endless.reason, 'redirect')
  const secrets = { method: 'POST', body: 'b', username: 'u', password: 'p', headers: { 'X-A': '1' } }
  assert.equal((await look('away', 1, secrets)).state, 'ok')
  assert.deepEqual(seen, [['GET', undefined, '1']])
})

test('who asks is said as Basic or Bearer, and no message shows it', async t => {
  const url = await serve(t, (req, res) => {
    const good = ['Basic cHJvYmU6c2VzYW1l', 'Bearer sesame'].includes(req.headers.authorization ?? '')
    res.writeHead(good ? 200 : 401).end()
  })
  assert.equal((await runCheck(http, { url })).message, 'HTTP 401, expected 2xx')
  assert.equal((await runCheck(http, { url, username: 'probe', password: 'sesame' })).state, 'ok')
  assert.equal((await runCheck(http, { url, bearer_token: 'sesame' })).state, 'ok')
  const closed = await runCheck(http, { url: 'http://u:sesame@127.0.0.1:1/?q=sesame', bearer_token: 'sesame' })
  assert.doesNotMatch(JSON.stringify(closed), /sesame/)
})

test('headers and values of a JSON body are looked at by name', async t => {
  const url = await serve(t, (req, res) => {
    res.setHeader('content-type', 'application/json')
    res.end(req.url === '/text' ? 'hello' : '{"status":"yellow","nodes":[{"load":3.5},{"load":9}],"ok":true}')
  })
  const look = async (options: Record<string, unknown>): Promise<string> => {
    const { state, reason, message } = await runCheck(http, { url, ...options })
    return `${state} ${reason}: ${message}`
  }
  assert.equal(await look({ expect_headers: { 'Content-Type': '^application/json' } }), 'ok ok: HTTP 200')
  assert.equal(await look({ expect_headers: { etag: '.' } }), 'critical header: HTTP 200, but without the header etag')
  assert.equal(
    await look({ expect_headers: { 'content-type': 'html' } }),
    'critical header: HTTP 200, but content-type is "application/json", expected html'
  )
  assert.equal(
    await look({ expect_json: { status: ['green', 'yellow'], 'nodes.0.load': { lt: 8 } } }),
    'ok ok: HTTP 200'
  )
  assert.equal(
    await look({ expect_json: { ok: true, 'nodes.1.load': { lt: 8 } } }),
    'critical body: HTTP 200, but nodes.1.load is 9, expected {"lt":8}'
  )
  assert.equal(
    await look({ expect_json: { 'nodes.2.load': 1 } }),
    'critical body: HTTP 200, but nodes.2.load is not there, expected 1'
  )
  assert.equal(
    await look({ url: `${url}text`, expect_json: { a: 1 } }),
    'critical body: HTTP 200, but the body is no JSON: "hello"'
  )
  assert.equal(await look({ body_lacks: 'yellow' }), 'critical body: HTTP 200, but the body matches yellow')
})

test('headers without end are a protocol failure', async t => {
  const port = await listen(
    t,
    createTcpServer(socket => socket.on('error', () => {}).write(`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(100_000)}\r\n`))
  )
  const run = await runCheck(http, { url: `http://127.0.0.1:${port}/` }, 5000)
  assert.deepEqual([run.state, run.reason], ['critical', 'protocol'])
  assert.match(run.message, /more than 64 KiB of headers/)
})

test('a server that is on IPv6 alone is reached there', async t => {
  const server = createServer((_req, res) => res.end())
  await new Promise<void>(resolve => server.listen(0, '::1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  assert.equal((await runCheck(http, { url: `http://[::1]:${port}/` })).state, 'ok')
  assert.equal((await runCheck(http, { url: `http://127.0.0.1:${port}/` })).reason, 'connect')
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
  assert.deepEqual(checkFaults(http, { url, username: 'x' }), ['username: goes with password; give both or none'])
  assert.deepEqual(checkFaults(http, { url, expires_warning: '7d' }), ['expires_warning: is for https'])
  assert.deepEqual(checkFaults(http, { url, expect_json: { a: { lower: 3 } } }), [
    `expect_json.a.lower: unknown test; known are cidr, contains, ends_with, equals, exists, gt, gte, lt, lte, matches, starts_with`
  ])
})
