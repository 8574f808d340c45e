import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { notification } from '../../../test/lib/check.ts'
import { context } from '../../../test/lib/step.ts'
import { describe, YarderError } from '../../core/errors.ts'
import { readFields } from '../../core/field.ts'
import { slack } from './slack.ts'

test('a change is a message of its colour, with nothing in it that Slack would take for markup', async t => {
  const seen: unknown[] = []
  const server = createServer((req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', chunk => (body += chunk))
    req.on('end', () => {
      seen.push(JSON.parse(body))
      res.writeHead(seen.length === 1 ? 200 : 404).end('ok')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/SECRET`
  const given = { url, channel: '#oncall' }
  const options = readFields(slack.fields, given, (path, message) => assert.fail(`${path} ${message}`))!
  const notify = slack.build(options, context())
  const { signal } = new AbortController()
  await notify(notification({ message: 'said "<b>&"', owner: 'team-a' }), signal)
  const text = `CRITICAL homepage on ${hostname()}: said "&lt;b&gt;&amp;"`
  assert.deepEqual(seen, [
    {
      channel: '#oncall',
      text,
      attachments: [
        {
          color: '#e01e5a',
          fallback: text,
          fields: [
            { title: 'Before', value: 'ok since 2026-11-22T11:00:00.000Z', short: true },
            { title: 'Reason', value: 'status', short: true },
            { title: 'Owner', value: 'team-a', short: true }
          ],
          ts: Date.UTC(2026, 10, 22, 12) / 1000
        }
      ]
    }
  ])
  const refused = await notify(notification(), signal).catch((error: unknown) => error)
  assert.ok(refused instanceof YarderError && !refused.retryable)
  assert.doesNotMatch(describe(refused), /SECRET/)
})
