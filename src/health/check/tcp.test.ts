import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { TLSSocket } from 'node:tls'
import { checkFaults, runCheck } from '../../../test/lib/check.ts'
import { makeCa } from '../../../test/lib/test-ca.ts'
import { tcp } from './tcp.ts'

async function serve(t: TestContext, talk: (socket: Socket) => void, host = '127.0.0.1'): Promise<number> {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket.on('error', () => {}))
    talk(socket)
  })
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

test('a port that listens is ok, on the address where it listens and no other', async t => {
  const port = await serve(t, () => {})
  const at = `127.0.0.1:${port}`
  const good = await runCheck(tcp, { address: at })
  assert.deepEqual([good.state, good.message], ['ok', `${at} accepts connections`])
  const bad = await runCheck(tcp, { address: `127.0.0.2:${port}` })
  assert.deepEqual([bad.state, bad.reason], ['critical', 'connect'])
  assert.match(bad.message, new RegExp(`connecting to 127.0.0.2:${port}: .*ECONNREFUSED`))
})

test('an answer is asked for and matched, in whatever pieces it comes', async t => {
  const port = await serve(t, socket => {
    socket.on('data', data => {
      if (data.toString() === 'PING\r\n') socket.write('+PO', () => socket.write('NG\r\n'))
      else socket.end('-ERR\r\n')
    })
  })
  const ask = (send: string) => runCheck(tcp, { address: `127.0.0.1:${port}`, send, expect: '^\\+PONG' })
  assert.equal((await ask('PING\r\n')).state, 'ok')
  const bad = await ask('HELLO')
  assert.deepEqual([bad.state, bad.reason], ['critical', 'answer'])
  assert.match(bad.message, /said "-ERR\\r\\n", which does not match \^\\\+PONG/)
})

test('a peer that says nothing is a timeout, one that never stops talking is an answer', async t => {
  const silent = await serve(t, () => {})
  const run = await runCheck(tcp, { address: `127.0.0.1:${silent}`, expect: 'x' }, 100)
  assert.deepEqual([run.state, run.reason], ['critical', 'timeout'])
  const loud = await serve(t, socket => socket.write('y'.repeat(1_000_000)))
  assert.equal((await runCheck(tcp, { address: `127.0.0.1:${loud}`, expect: 'x' })).reason, 'answer')
})

test('a name that does not exist is a dns failure', async () => {
  assert.equal((await runCheck(tcp, { address: 'no-such-host.invalid:80' })).reason, 'dns')
})

test('over TLS, at once or asked for, the same is said and heard', async t => {
  const ca = makeCa(t)
  const { certFile, keyFile } = ca.issue('127.0.0.1')
  const secret = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  const speakTls = (socket: Socket): void => {
    const inner = new TLSSocket(socket, { isServer: true, ...secret })
    inner.on('error', () => {})
    inner.on('data', data => inner.write(`heard ${data.toString()}`))
  }
  const direct = await serve(t, speakTls)
  const asked = await serve(t, socket => {
    socket.write('+OK ready\r\n')
    socket.once('data', () => {
      socket.write('+OK begin\r\n')
      speakTls(socket)
    })
  })
  const look = (port: number, options: Record<string, unknown>) =>
    runCheck(tcp, { address: `127.0.0.1:${port}`, send: 'PING', expect: '^heard PING', ...options }, 5000)
  assert.equal((await look(direct, { tls: { ca_file: ca.caFile } })).state, 'ok')
  assert.equal((await look(asked, { starttls: 'pop3', tls: { ca_file: ca.caFile } })).state, 'ok')
  const strange = await look(direct, { tls: {} })
  assert.deepEqual([strange.state, strange.reason], ['critical', 'tls'])
})

test('the time until it stands is a number that ranges judge', async t => {
  const port = await serve(t, () => {})
  const look = async (options: Record<string, unknown>): Promise<string> => {
    const { state, reason, message } = await runCheck(tcp, { address: `127.0.0.1:${port}`, ...options })
    return `${state} ${reason}: ${message.replace(/\d\.\d{3} s/, 'TIME').replace(String(port), 'PORT')}`
  }
  assert.equal(await look({ warning: '5s' }), 'ok ok: 127.0.0.1:PORT accepts connections, after TIME')
  assert.equal(
    await look({ warning: '5s:' }),
    'warning slow: 127.0.0.1:PORT accepts connections, after TIME, expected at least 5s'
  )
  assert.deepEqual(checkFaults(tcp, { address: 'a:1', warning: '3s', critical: '2s' }), [
    'warning: must not be above critical'
  ])
})

test('an address of IPv6 is connected to as well', async t => {
  const port = await serve(t, () => {}, '::1')
  assert.equal((await runCheck(tcp, { address: `[::1]:${port}` })).message, `[::1]:${port} accepts connections`)
})
