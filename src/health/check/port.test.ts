import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { checkFaults, runCheck } from '../../../test/lib/check.ts'
import { port as portCheck } from './port.ts'

async function listen(t: TestContext, host: string): Promise<number> {
  const server = createServer(() => {})
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

const look = async (options: Record<string, unknown>): Promise<string> => {
  const { state, reason, message } = await runCheck(portCheck, options)
  return `${state} ${reason}: ${message}`
}

test("the book's pair: listened on here and not there are separate results", async t => {
  const port = await listen(t, '127.0.0.1')
  assert.equal(await look({ port }), `ok ok: tcp port ${port} is listened on at 127.0.0.1`)
  assert.equal(
    await look({ port, address: '127.0.0.1' }),
    `ok ok: tcp port ${port} of 127.0.0.1 is listened on at 127.0.0.1`
  )
  for (const address of ['0.0.0.0', '127.0.0.2', '::1', '::'])
    assert.equal(
      await look({ port, address }),
      `critical missing: nothing listens on tcp port ${port} of ${address}; it is listened on at 127.0.0.1`
    )
})

test('who listens on all addresses listens on each', async t => {
  const four = await listen(t, '0.0.0.0')
  for (const [address, state] of [
    ['0.0.0.0', 'ok'],
    ['127.0.0.1', 'ok'],
    ['::1', 'critical'],
    ['::', 'critical']
  ] as const)
    assert.equal((await runCheck(portCheck, { port: four, address })).state, state, address)
  const both = await listen(t, '::')
  for (const address of ['::', '::1', '0:0:0:0:0:0:0:1', '127.0.0.1', '0.0.0.0'])
    assert.equal((await runCheck(portCheck, { port: both, address })).state, 'ok', address)
  const six = await listen(t, '::1')
  assert.equal(await look({ port: six, address: '::1' }), `ok ok: tcp port ${six} of ::1 is listened on at ::1`)
})

test('a port that should be closed is critical when it is not, and a connection is no listener', async t => {
  const port = await listen(t, '127.0.0.1')
  assert.equal((await runCheck(portCheck, { port, address: '0.0.0.0', listening: false })).state, 'ok')
  assert.match(await look({ port, listening: false }), /^critical present: /)
  const client = connect(port, '127.0.0.1')
  await new Promise(resolve => client.once('connect', resolve))
  t.after(() => client.destroy())
  assert.equal((await runCheck(portCheck, { port: client.localPort! })).reason, 'missing')
})

test('udp is looked at by itself', async t => {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  t.after(() => socket.close())
  const { port } = socket.address()
  assert.equal((await runCheck(portCheck, { port, protocol: 'udp' })).state, 'ok')
  assert.equal((await runCheck(portCheck, { port: 1, protocol: 'udp' })).state, 'critical')
})

test('an address is one, and a host without /proc is unknown', async () => {
  assert.deepEqual(checkFaults(portCheck, { port: 80, address: 'eth0' }), [
    'address: must be an IP address, got "eth0"'
  ])
  assert.equal((await runCheck(portCheck, { port: 80, proc: '/no/such' })).state, 'unknown')
})
