import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, readFileSync, utimesSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { connect, createServer as createTcp } from 'node:net'
import type { AddressInfo, Server as TcpServer, Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { makeCa } from '../../test/lib/test-ca.ts'
import { describe, errnoOf } from './errors.ts'
import { HttpClient, HttpError, retryAfter } from './http.ts'
import type { HttpClientOptions, HttpRequest } from './http.ts'

async function listen(t: TestContext, server: TcpServer | Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (s: Socket) => {
    sockets.add(s)
    s.on('error', () => {})
    s.on('close', () => sockets.delete(s))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const s of sockets) s.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const serve = (t: TestContext, handler: RequestListener): Promise<number> => listen(t, createHttp(handler))

function client(t: TestContext, options: HttpClientOptions = {}): HttpClient {
  const c = new HttpClient({ env: {}, ...options })
  t.after(() => c.close())
  return c
}

const get = (port: number, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url: new URL(`http://127.0.0.1:${port}/x`),
  timeout: 20_000,
  ...more
})

test('a connection is used again and never more than allowed are open', async t => {
  let connections = 0
  const server = createHttp((_req, res) => res.end('ok'))
  server.on('connection', () => connections++)
  const port = await listen(t, server)
  const c = client(t, { maxSockets: 2 })
  await Promise.all(Array.from({ length: 10 }, () => c.request(get(port))))
  const last = await c.request(get(port))
  assert.equal(last.body.toString(), 'ok')
  assert.ok(connections <= 2, `${connections} connections`)
  assert.equal(c.connections, connections)
})

test('a refused connection names method, URL and errno but no credentials', async t => {
  const port = await serve(t, (_req, res) => res.end())
  const c = client(t)
  const url = new URL(`http://elastic:geheim@127.0.0.1:${port}/_bulk?key=geheim`)
  const gone = createTcp()
  gone.listen(0, '127.0.0.1')
  await once(gone, 'listening')
  url.port = String((gone.address() as AddressInfo).port)
  gone.close()
  await once(gone, 'close')
  const error = await c.request({ method: 'POST', url, timeout: 5000, body: Buffer.from('x') }).catch((e: unknown) => e)
  assert.ok(error instanceof HttpError)
  assert.equal(error.code, 'UNREACHABLE')
  assert.equal(error.stage, 'connect')
  assert.equal(errnoOf(error), 'ECONNREFUSED')
  assert.equal(
    describe(error),
    `POST http://127.0.0.1:${url.port}/_bulk: connect ECONNREFUSED 127.0.0.1:${url.port}; is it running, is the port right, does a firewall refuse?`
  )
})

test('a silent peer is given up after the time limit, and its connection is closed', async t => {
  const port = await serve(t, () => {})
  const c = client(t)
  const error = await c.request(get(port, { timeout: 60 })).catch((e: unknown) => e)
  assert.ok(error instanceof HttpError)
  assert.equal(error.code, 'TIMEOUT')
  assert.equal(error.stage, 'exchange')
  await t.waitFor(() => assert.equal(c.connections, 0))
})

test('a peer that accepts but never finishes the TLS handshake is a connect timeout', async t => {
  const port = await listen(
    t,
    createTcp(() => {})
  )
  const c = client(t, { connectTimeout: 60 })
  const url = new URL(`https://127.0.0.1:${port}/`)
  const error = await c.request({ method: 'GET', url, timeout: 20_000 }).catch((e: unknown) => e)
  assert.ok(error instanceof HttpError)
  assert.deepEqual([error.code, error.stage], ['TIMEOUT', 'connect'])
  await t.waitFor(() => assert.equal(c.connections, 0))
})

test('an abort ends the request at once', async t => {
  const stop = new AbortController()
  const port = await serve(t, () => stop.abort(new Error('stopping')))
  const c = client(t)
  const error = await c.request(get(port, { signal: stop.signal })).catch((e: unknown) => e)
  assert.match(describe(error), /stopping/)
  const again = await c.request(get(port, { signal: stop.signal })).catch((e: unknown) => e)
  assert.match(describe(again), /stopping/)
  await t.waitFor(() => assert.equal(c.connections, 0))
})

for (const breaking of ['end', 'destroy', 'reset'] as const) {
  test(`a 413 that comes while the body is being sent is read, though the peer then does ${breaking}`, async t => {
    const port = await listen(
      t,
      createTcp(socket => {
        socket.once('data', () => {
          socket.pause()
          socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 7\r\nconnection: close\r\n\r\ntoo big', () => {
            if (breaking === 'end') socket.end()
            else if (breaking === 'destroy') socket.destroy()
            else setImmediate(() => socket.resetAndDestroy())
          })
        })
      })
    )
    const c = client(t)
    const answer = await c.request(get(port, { method: 'POST', body: Buffer.alloc(30 << 20, 65) }))
    assert.equal(answer.status, 413)
    await t.waitFor(() => assert.equal(c.connections, 0))
  })
}

test('an answer that comes before the body was sent ends the connection, so that nothing else of the buffer goes out', async t => {
  let received = 0
  const port = await listen(
    t,
    createTcp(socket => {
      socket.once('data', () => {
        socket.pause()
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}', () => {
          socket.on('data', chunk => {
            received += (chunk as Buffer).includes(66) ? 1 : 0
          })
        })
      })
    })
  )
  const c = client(t)
  const body = Buffer.alloc(60 << 20, 65)
  const answer = await c.request(get(port, { method: 'POST', body }))
  assert.equal(answer.status, 200)
  body.fill(66)
  await t.waitFor(() => assert.equal(c.connections, 0))
  assert.equal(received, 0)
})

test('an idle connection that the peer closed is replaced at once, and only once', async t => {
  let seen = 0
  let resets = 0
  const port = await listen(
    t,
    createTcp(socket => {
      let requests = 0
      socket.on('data', () => {
        seen++
        if (++requests === 1 && resets < 10) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
        else {
          resets++
          socket.resetAndDestroy()
        }
      })
    })
  )
  const c = client(t)
  await c.request(get(port))
  const answer = await c.request(get(port))
  assert.equal(answer.body.toString(), 'ok')
  assert.deepEqual([seen, resets], [3, 1])
})

test('a server that speaks TLS and is asked by http is told as one, however it breaks off', async t => {
  const { certFile, keyFile } = makeCa(t).issue('127.0.0.1')
  const ports = [
    await listen(
      t,
      createHttps({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (_, res) => res.end())
    ),
    await listen(
      t,
      createTcp(socket => socket.on('data', () => socket.resetAndDestroy()))
    ),
    await listen(
      t,
      createTcp(socket => socket.on('data', () => socket.end()))
    ),
    await listen(
      t,
      createTcp(socket => socket.on('data', () => socket.end(Buffer.of(0x15, 3, 1, 0, 2, 2, 70))))
    )
  ]
  for (const port of ports) {
    const error = await client(t)
      .request({ ...get(port), method: 'POST', body: Buffer.alloc(100_000) })
      .catch((e: unknown) => e)
    assert.match(describe(error), /write https:\/\/$/)
    assert.notEqual(errnoOf(error), '')
  }
})

test('who has answered by http once and breaks off later is not taken for a server that speaks TLS', async t => {
  let requests = 0
  const port = await serve(t, (_, res) => {
    if (++requests === 1) res.end('ok')
    else res.socket!.resetAndDestroy()
  })
  const c = client(t)
  await c.request(get(port))
  const error = await c.request(get(port)).catch((e: unknown) => e)
  assert.match(describe(error), /ECONNRESET|hang up/)
  assert.doesNotMatch(describe(error), /TLS/)
})

test('a reset of a fresh connection is an error of the exchange, not a reason to repeat', async t => {
  let requests = 0
  const port = await listen(
    t,
    createTcp(socket =>
      socket.on('data', () => {
        requests++
        socket.resetAndDestroy()
      })
    )
  )
  const error = await client(t)
    .request(get(port))
    .catch((e: unknown) => e)
  assert.ok(error instanceof HttpError)
  assert.deepEqual([error.code, error.stage, requests], ['UNREACHABLE', 'exchange', 1])
})

test('what is no HTTP is a protocol error, and an answer cut short is one of the connection', async t => {
  const rubbish = await listen(
    t,
    createTcp(socket => socket.on('data', () => socket.end('SSH-2.0-x\r\n')))
  )
  const short = await listen(
    t,
    createTcp(socket => socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nabc')))
  )
  const c = client(t)
  assert.equal(((await c.request(get(rubbish)).catch((e: unknown) => e)) as HttpError).code, 'PROTOCOL')
  assert.equal(((await c.request(get(short)).catch((e: unknown) => e)) as HttpError).code, 'UNREACHABLE')
})

test('an endless answer is cut at its bound', async t => {
  const port = await serve(t, (_req, res) => {
    const more = (): void => {
      while (!res.destroyed && res.write(Buffer.alloc(65_536, 65)));
    }
    res.on('drain', more)
    more()
  })
  const answer = await client(t).request(get(port, { maxResponseBytes: 1000 }))
  assert.deepEqual([answer.body.length, answer.truncated], [1000, true])
})

test('plain requests go through HTTP_PROXY and TLS through a CONNECT tunnel, but for hosts in NO_PROXY', async t => {
  const ca = makeCa(t)
  const { certFile, keyFile } = ca.issue('127.0.0.1')
  const tlsPort = await listen(
    t,
    createHttps({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (_req, res) => res.end('behind'))
  )
  const plainPort = await serve(t, (_req, res) => res.end('direct'))
  const asked: string[] = []
  const proxy = createHttp((req, res) => {
    asked.push(`${req.method} ${req.url}`)
    res.end('proxied')
  })
  proxy.on('connect', (req, socket: Socket) => {
    asked.push(`CONNECT ${req.url}`)
    const [host, port] = req.url!.split(':')
    const onward = connect(Number(port), host!, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.pipe(socket).pipe(onward)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  const proxyUrl = `http://127.0.0.1:${await listen(t, proxy)}`
  const c = client(t, { env: { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl }, tls: tlsOf({ ca_file: ca.caFile }) })
  assert.equal((await c.request(get(plainPort))).body.toString(), 'proxied')
  const behind = await c.request({ method: 'GET', url: new URL(`https://127.0.0.1:${tlsPort}/`), timeout: 20_000 })
  assert.equal(behind.body.toString(), 'behind')
  assert.deepEqual(asked, [`GET http://127.0.0.1:${plainPort}/x`, `CONNECT 127.0.0.1:${tlsPort}`])
  const around = client(t, { env: { HTTP_PROXY: proxyUrl, NO_PROXY: '127.0.0.1' } })
  assert.equal((await around.request(get(plainPort))).body.toString(), 'direct')
})

const tlsOf = (o: { ca_file?: string; cert_file?: string; key_file?: string; server_name?: string }) => ({
  ca_file: undefined,
  cert_file: undefined,
  key_file: undefined,
  server_name: undefined,
  insecure_skip_verify: false,
  ...o
})

test('a server is refused without its authority, accepted with it, and checked by server_name', async t => {
  const ca = makeCa(t)
  const { certFile, keyFile } = ca.issue('logs.example')
  const port = await listen(
    t,
    createHttps({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (_req, res) => res.end('ok'))
  )
  const request = { method: 'GET', url: new URL(`https://127.0.0.1:${port}/`), timeout: 20_000 }
  const errno = async (c: HttpClient): Promise<string> => errnoOf(await c.request(request).catch((e: unknown) => e))
  assert.equal(await errno(client(t)), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  assert.equal(await errno(client(t, { tls: tlsOf({ ca_file: ca.caFile }) })), 'ERR_TLS_CERT_ALTNAME_INVALID')
  const named = client(t, { tls: tlsOf({ ca_file: ca.caFile, server_name: 'logs.example' }) })
  assert.equal((await named.request(request)).status, 200)
  const blind = client(t, { tls: { ...tlsOf({}), insecure_skip_verify: true } })
  assert.equal((await blind.request(request)).status, 200)
})

test('a connection can be tried without a word: through TLS, and up to a proxy', async t => {
  const ca = makeCa(t)
  const own = ca.issue('127.0.0.1', 'server')
  const keys = { key: readFileSync(own.keyFile), cert: readFileSync(own.certFile) }
  let requests = 0
  const port = await listen(
    t,
    createHttps(keys, () => requests++)
  )
  const url = new URL(`https://127.0.0.1:${port}/in`)
  const { signal } = new AbortController()
  const trusting = client(t, { tls: tlsOf({ ca_file: ca.caFile }) })
  await trusting.connect(url, signal)
  await t.waitFor(() => assert.equal(trusting.connections, 0))
  await assert.rejects(client(t).connect(url, signal), /connecting to https/)
  const proxied = client(t, { env: { HTTPS_PROXY: `http://127.0.0.1:${await serve(t, () => {})}` } })
  const refusing = proxied.connect(new URL(`https://127.0.0.1:1/`), AbortSignal.timeout(2000))
  await assert.rejects(refusing, { code: 'UNREACHABLE' })
  await assert.rejects(trusting.connect(url, AbortSignal.abort(new Error('stopping'))), /connecting to/)
  assert.equal(requests, 0)
})

test('a client certificate that was replaced is used for the next request; a broken one is not', async t => {
  const ca = makeCa(t)
  const server = ca.issue('127.0.0.1', 'server')
  const first = ca.issue('first.example', 'client')
  const options = {
    cert: readFileSync(server.certFile),
    key: readFileSync(server.keyFile),
    ca: readFileSync(ca.caFile)
  }
  const port = await listen(
    t,
    createHttps({ ...options, requestCert: true }, (req, res) => {
      const shown = (req.socket as TLSSocket).getPeerCertificate()
      res.end(shown.subject?.CN)
    })
  )
  const c = client(t, { tls: tlsOf({ ca_file: ca.caFile, cert_file: first.certFile, key_file: first.keyFile }) })
  const request = { method: 'GET', url: new URL(`https://127.0.0.1:${port}/`), timeout: 20_000 }
  const shown = async (): Promise<string> => (await c.request(request)).body.toString()
  assert.equal(await shown(), 'first.example')
  const second = ca.issue('second.example', 'next')
  copyFileSync(join(ca.folder, 'ext'), first.certFile)
  utimesSync(first.certFile, 1, 1)
  assert.equal(await shown(), 'first.example')
  copyFileSync(second.certFile, first.certFile)
  copyFileSync(second.keyFile, first.keyFile)
  utimesSync(first.certFile, 2, 2)
  assert.equal(await shown(), 'second.example')
})

test('Retry-After is read as seconds and as a date', () => {
  const now = Date.parse('2026-11-22T10:00:00Z')
  assert.equal(retryAfter({ 'retry-after': '7' }, now), 7000)
  assert.equal(retryAfter({ 'retry-after': 'Sun, 22 Nov 2026 10:00:30 GMT' }, now), 30_000)
  assert.equal(retryAfter({ 'retry-after': 'Sun, 22 Nov 2026 09:00:30 GMT' }, now), 0)
  assert.equal(retryAfter({ 'retry-after': 'soon' }, now), undefined)
  assert.equal(retryAfter({}, now), undefined)
})
