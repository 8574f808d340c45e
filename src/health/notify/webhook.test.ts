import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { notification } from '../../../test/lib/check.ts'
import { context } from '../../../test/lib/step.ts'
import type { Notify } from '../../core/component.ts'
import { describe, YarderError } from '../../core/errors.ts'
import { readFields } from '../../core/field.ts'
import { webhook } from './webhook.ts'

const never = new AbortController().signal

function build(options: Record<string, unknown>): Notify {
  const values = readFields(webhook.fields, options, (path, message) => assert.fail(`${path} ${message}`))!
  return webhook.build(values, context())
}

async function serve(t: TestContext, status: () => number) {
  const seen: { method: string; type: string; auth: string; body: Record<string, unknown> }[] = []
  const server = createServer((req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', chunk => (body += chunk))
    req.on('end', () => {
      const { 'content-type': type = '', authorization: auth = '' } = req.headers
      seen.push({ method: req.method!, type, auth, body: JSON.parse(body) as Record<string, unknown> })
      res.writeHead(status(), { 'retry-after': '7' }).end('{}')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/T0PSECRET`, seen }
}

test('a change is one POST of JSON that people and programs can read', async t => {
  const { url, seen } = await serve(t, () => 200)
  const send = build({ url, headers: { Authorization: 'Bearer x' } })
  await send(notification({ owner: 'team-a' }), never)
  await send(notification({ state: 'ok', previous: 'critical', reason: 'ok', message: 'HTTP 200' }), never)
  assert.deepEqual(seen[0], {
    method: 'POST',
    type: 'application/json',
    auth: 'Bearer x',
    body: {
      text: `CRITICAL homepage on ${hostname()}: HTTP 500, expected 2xx`,
      host: hostname(),
      check: 'homepage',
      type: 'http',
      state: 'critical',
      previous: 'ok',
      reason: 'status',
      message: 'HTTP 500, expected 2xx',
      since: '2026-11-22T12:00:00.000Z',
      previous_since: '2026-11-22T11:00:00.000Z',
      recovered: false,
      owner: 'team-a'
    }
  })
  assert.deepEqual(
    [seen[1]!.body['text'], seen[1]!.body['recovered']],
    [`OK homepage on ${hostname()}: HTTP 200`, true]
  )
})

test('what may pass is to be tried again, what will not is refused; no error shows the path', async t => {
  let status = 503
  const { url } = await serve(t, () => status)
  const send = build({ url })
  const failure = async (): Promise<YarderError> => {
    const error: unknown = await send(notification(), never).then(
      () => assert.fail('it was taken'),
      (e: unknown) => e
    )
    assert.ok(error instanceof YarderError)
    assert.doesNotMatch(describe(error), /T0PSECRET/)
    return error
  }
  for (status of [408, 429, 500, 503]) {
    const error = await failure()
    assert.deepEqual([error.retryable, error.retryAfterMs], [true, 7000])
  }
  for (status of [301, 400, 404]) assert.equal((await failure()).retryable, false)
  assert.match(describe(await failure()), /^notifying 127\.0\.0\.1:\d+: HTTP 404$/)
  const dead = build({ url: 'http://127.0.0.1:1/T0PSECRET' })
  await assert.rejects(dead(notification(), never), (error: YarderError) => {
    assert.match(describe(error), /^notifying 127\.0\.0\.1:1: .*ECONNREFUSED/)
    assert.doesNotMatch(describe(error), /T0PSECRET/)
    return error.retryable
  })
})

test('title and body are worded by templates; the rest of the document stays', async t => {
  const { url, seen } = await serve(t, () => 200)
  await build({ url, title: '%{check} is %{state}', body: '%{message} since %{since}' })(notification(), never)
  const { title, text, check, reason } = seen[0]!.body
  assert.deepEqual(
    [title, text, check, reason],
    ['homepage is critical', 'HTTP 500, expected 2xx since 2026-11-22T12:00:00.000Z', 'homepage', 'status']
  )
})

test('a payload is the document, and nothing in a message gets out of its string', async t => {
  const { url, seen } = await serve(t, () => 200)
  const payload = {
    event_action: '%{action}',
    dedup_key: '%{key}',
    fixed: [1, true, null, 'as it is'],
    payload: { summary: '%{status}: %{text}', recovered: '%{recovered}', team: '%{owner}' }
  }
  const send = build({ url, payload })
  const message = '"},"injected":{"a":"\\\n\u0000%{check}'
  await send(notification({ message }), never)
  await send(notification({ state: 'ok', previous: 'critical', owner: 'team-a' }), never)
  assert.deepEqual(seen[0]!.body, {
    event_action: 'trigger',
    dedup_key: `${hostname()}/homepage`,
    fixed: [1, true, null, 'as it is'],
    payload: {
      summary: `firing: CRITICAL homepage on ${hostname()}: ${message}`,
      recovered: false,
      team: null
    }
  })
  const {
    event_action: action,
    dedup_key: key,
    payload: inner
  } = seen[1]!.body as Record<string, Record<string, unknown>>
  assert.deepEqual([action, key], ['resolve', `${hostname()}/homepage`])
  assert.deepEqual([inner!['recovered'], inner!['team']], [true, 'team-a'])
})

test('a template that names no field, or is malformed, is refused at its place', () => {
  const url = 'http://127.0.0.1/'
  const faults = (given: Record<string, unknown>): string[] => {
    const values = readFields(webhook.fields, { url, ...given }, (path, message) => assert.fail(`${path} ${message}`))!
    return [...webhook.lint!(values)].map(([option, message]) => `${option}: ${message}`)
  }
  assert.match(faults({ body: '%{mesage}' })[0]!, /^body: %\{mesage\} is no field of a notification.*message/)
  assert.match(faults({ payload: { a: ['x', '%{nope}'] } })[0]!, /^payload\.a\[1\]: %\{nope\} is no field/)
  assert.match(faults({ payload: { a: '%{check' } })[0]!, /^payload\.a: %\{ without \}/)
  assert.match(faults({ payload: 'text' })[0]!, /^payload: must be a map or a list/)
  assert.match(faults({ payload: {}, title: 'x' })[0]!, /^payload: goes without title and body/)
})
