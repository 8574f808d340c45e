import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notifySocket } from '../../test/lib/notify-socket.ts'
import { connectSystemd } from './systemd.ts'

test('without a socket of systemd there is nobody to tell', () => {
  assert.equal(connectSystemd({}), undefined)
  assert.equal(connectSystemd({ NOTIFY_SOCKET: 'vsock:2:1234' }), undefined)
})

test('a notice arrives as one datagram, at a file as at an abstract name', t => {
  for (const socket of [notifySocket(t), notifySocket(t, `@yarder-test-${process.pid}`)]) {
    const systemd = connectSystemd({ NOTIFY_SOCKET: socket.path })!
    assert.equal(systemd.tell({ READY: 1, STATUS: 'Reads 3 files.' }), true)
    assert.equal(systemd.tell({ EXTEND_TIMEOUT_USEC: 5_000_000, MONOTONIC_USEC: 12n }), true)
    assert.deepEqual(socket.received(), [
      'READY=1\nSTATUS=Reads 3 files.\n',
      'EXTEND_TIMEOUT_USEC=5000000\nMONOTONIC_USEC=12\n'
    ])
  }
})

test('a text with line ends stays one assignment', t => {
  const socket = notifySocket(t)
  connectSystemd({ NOTIFY_SOCKET: socket.path })!.tell({ STATUS: 'a\nREADY=1\r\n' })
  assert.deepEqual(socket.received(), ['STATUS=a READY=1 \n'])
})

test('a systemd that is gone or takes nothing more is no error, and costs no descriptor', t => {
  const gone = connectSystemd({ NOTIFY_SOCKET: '/nonexistent/notify' })!
  assert.equal(gone.tell({ WATCHDOG: 1 }), false)
  const socket = notifySocket(t)
  const systemd = connectSystemd({ NOTIFY_SOCKET: socket.path })!
  let sent = 0
  while (systemd.tell({ WATCHDOG: 1 })) sent++
  assert.ok(sent > 0 && sent < 10_000, `the queue of the socket ends after ${sent}`)
  assert.equal(socket.received().length, sent)
  assert.equal(systemd.tell({ WATCHDOG: 1 }), true)
})

test('the period of the watchdog is taken when it is meant for this process, and nothing is left to children', () => {
  const env = (pid: number): NodeJS.ProcessEnv => ({
    NOTIFY_SOCKET: '/nonexistent/notify',
    WATCHDOG_USEC: '60000000',
    WATCHDOG_PID: String(pid),
    PATH: '/bin'
  })
  const mine = env(process.pid)
  assert.equal(connectSystemd(mine)!.watchdogMs, 60_000)
  assert.deepEqual(mine, { PATH: '/bin' })
  assert.equal(connectSystemd(env(1))!.watchdogMs, undefined)
})
