import assert from 'node:assert/strict'
import test from 'node:test'
import type { Event } from '../../core/event.ts'
import { ECS_TOP_FIELDS, toEcs } from './schema.ts'

const ecs = (event: Event): unknown => {
  toEcs(event)
  return JSON.parse(JSON.stringify(event))
}

test('the fields of an access log get the names and types of ECS', () => {
  assert.deepEqual(
    ecs({
      message: 'line',
      clientip: '192.168.111.1',
      ident: '-',
      auth: '-',
      timestamp: '03/Aug/2019:07:28:41 +0000',
      verb: 'GET',
      request: '/',
      httpversion: '1.1',
      response: '200',
      bytes: '3700',
      referrer: '"-"',
      agent: '"Mozilla/5.0"'
    }),
    {
      message: 'line',
      source: { address: '192.168.111.1' },
      timestamp: '03/Aug/2019:07:28:41 +0000',
      http: { request: { method: 'GET' }, version: '1.1', response: { status_code: 200, body: { bytes: 3700 } } },
      url: { original: '/' },
      user_agent: { original: 'Mozilla/5.0' }
    }
  )
})

test('levels are small, numbers stay numbers, objects stay where they are', () => {
  assert.deepEqual(ecs({ level: 'WARN', pid: 7, service: { name: 'x' }, agent: { id: 'y' }, other: 1 }), {
    log: { level: 'warn' },
    process: { pid: 7 },
    service: { name: 'x' },
    agent: { id: 'y' },
    other: 1
  })
})

test('a second time changes nothing, and every top field is named', () => {
  const event: Event = { clientip: '::1', level: 'INFO', service: 'shop' }
  const once = ecs(event)
  assert.deepEqual(ecs(event), once)
  for (const key of Object.keys(once as object)) assert.ok(ECS_TOP_FIELDS.includes(key), key)
})
