// The book's rule with a real service: out after three failures in a row, told once; back when it answers again.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { context } from '../../test/lib/step.ts'
import { systemClock } from '../core/clock.ts'
import { readFields } from '../core/field.ts'
import type { Fields, Values } from '../core/field.ts'
import { silentInstruments } from '../core/instruments.ts'
import { silentLog } from '../core/log.ts'
import { memoryState } from '../core/state.ts'
import { Checks, planCheck } from './checks.ts'
import { http } from './check/http.ts'
import { checkCommonFields } from './common.ts'
import { notifyCommonFields, Notifications } from './notify.ts'
import { webhook } from './notify/webhook.ts'

const listen = async (server: Server, port = 0): Promise<number> => {
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const shut = (server: Server): Promise<void> =>
  new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

const read = <F extends Fields>(fields: F, options: Record<string, unknown>): Values<F> =>
  readFields(fields, options, (path, message) => assert.fail(`${path} ${message}`))!

test('a service that is stopped is out after three failures and back when it is started, each told once', async t => {
  const told: string[] = []
  let heard = Promise.withResolvers<void>()
  const hook = createServer((req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', chunk => (body += chunk))
    req.on('end', () => {
      const { state, reason } = JSON.parse(body) as Record<string, string>
      told.push(`${state} ${reason}`)
      res.end()
      heard.resolve()
    })
  })
  const hookPort = await listen(hook)
  let service = createServer((_req, res) => res.end('fine'))
  const port = await listen(service)

  const common = { clock: systemClock, log: silentLog, instruments: silentInstruments, state: memoryState() }
  const notifications = new Notifications(common)
  const target = read(webhook.fields, { url: `http://127.0.0.1:${hookPort}/` })
  notifications.apply([
    { name: 'oncall', signature: '', common: read(notifyCommonFields, {}), notify: webhook.build(target, context()) }
  ])
  const checks = new Checks({
    ...common,
    onChange: c => notifications.tell(c.notify, c.notification)
  })
  const options = read(http.fields, { url: `http://127.0.0.1:${port}/health/` })
  const shared = read(checkCommonFields, { every: '100ms', notify: 'oncall' })
  const unit = {
    name: 'node',
    type: 'http',
    signature: '',
    common: shared,
    build: () => http.build(options, context())
  }
  t.after(async () => {
    await checks.stop()
    await notifications.stop()
    await Promise.all([shut(hook), shut(service)])
  })

  const first = Promise.withResolvers<void>()
  service.once('request', () => first.resolve())
  await checks.apply([planCheck(unit, context())])
  await first.promise
  await shut(service)
  await heard.promise
  assert.deepEqual(told, ['critical connect'])
  assert.ok(checks.status()[0]!.failures >= 3)

  heard = Promise.withResolvers()
  service = createServer((_req, res) => res.end('fine'))
  await listen(service, port)
  await heard.promise
  assert.deepEqual(told, ['critical connect', 'ok ok'])
  assert.equal(checks.status()[0]!.state, 'ok')
})
