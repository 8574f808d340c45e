import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Connection } from './connection.ts'

/** Accepts, and reads nothing. */
async function silent(t: TestContext): Promise<{ readonly port: number; accepted(): Promise<Socket> }> {
  const server = createServer({ pauseOnConnect: true })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const connection = once(server, 'connection')
  t.after(() => server.close())
  return {
    port: (server.address() as AddressInfo).port,
    accepted: async () => {
      const [socket] = (await connection) as [Socket]
      socket.on('error', () => {})
      t.after(() => socket.destroy())
      return socket
    }
  }
}

const MUCH = 'x'.repeat(64 * 1024 * 1024)

test('a peer that breaks off while the last lines go out is no error of the end', async t => {
  const { port, accepted } = await silent(t)
  const connection = new Connection({ to: { host: '127.0.0.1', port }, timeout: 10_000 })
  const sent = assert.rejects(connection.send([MUCH]))
  const peer = await accepted()
  const closed = connection.close()
  peer.resetAndDestroy()
  await closed
  await sent
})

test('the end waits for a peer that takes nothing for a moment only, and a second end is none', async t => {
  const { port, accepted } = await silent(t)
  const connection = new Connection({ to: { host: '127.0.0.1', port }, timeout: 50 })
  await assert.rejects(connection.send([MUCH]), { code: 'TIMEOUT' })
  await accepted()
  await connection.close()
  await connection.close()
  await connection.send([MUCH])
})
