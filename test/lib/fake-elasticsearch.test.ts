// The fake itself: it must fail as told. That it else answers as the real server does is in real/fake-agrees.test.ts.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import {
  after,
  drip,
  halfClose,
  hang,
  invalidJson,
  lie,
  limit,
  mixed,
  page,
  refuse,
  refuseWholeIf,
  resetInAnswer,
  resetInBody,
  silent,
  startFakeElasticsearch,
  tooFewItems,
  type FakeElasticsearch,
  type FakeOptions
} from './fake-elasticsearch.ts'
import { filterPath } from './fake-elasticsearch/filter-path.ts'

const filter = '?filter_path=errors,items.*.error,items.*.status,items.*.failure_store'

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  text: string
}

/** One POST on its own connection, or on those of `agent`; rejects with the socket's error. */
async function post(
  url: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
  agent?: Agent
): Promise<Answer> {
  const sent = request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', ...headers },
    agent: agent ?? false
  })
  sent.on('error', () => undefined) // one that comes after the answer's head is told by the answer too
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  answer.setEncoding('utf8')
  for await (const chunk of answer) text += String(chunk)
  return { status: answer.statusCode ?? 0, headers: answer.headers, text }
}

/** `count` create actions with the ids from…. */
function creates(count: number, from = 0, index = 'logs'): string {
  const pairs = Array.from({ length: count }, (_, i) => {
    return `{"create":{"_index":"${index}","_id":"${from + i}"}}\n{"n":${from + i}}\n`
  })
  return pairs.join('')
}

async function fakeFor(t: TestContext, options?: FakeOptions): Promise<FakeElasticsearch> {
  const fake = await startFakeElasticsearch(options)
  t.after(() => fake.stop())
  return fake
}

function statuses(answer: Answer): number[] {
  const { items } = JSON.parse(answer.text) as { items: Array<Record<string, { status: number }>> }
  return items.map(item => Object.values(item)[0]?.status ?? 0)
}

test('stores by index and id, and says 409 for an id it knows', async t => {
  const fake = await fakeFor(t)
  assert.equal(
    (await post(`${fake.url}/_bulk${filter}`, creates(2))).text,
    '{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]}'
  )
  assert.deepEqual(statuses(await post(`${fake.url}/_bulk`, creates(2, 1))), [409, 201])
  assert.deepEqual(statuses(await post(`${fake.url}/other/_bulk`, '{"create":{"_id":"1"}}\n{"n":7}\n')), [201])
  assert.equal(fake.count('logs'), 3)
  assert.equal(fake.count(), 4)
  assert.deepEqual(fake.get('logs', '2')?.source, { n: 2 })
  assert.deepEqual(
    fake.docs.map(doc => doc.id),
    ['0', '1', '2', '1']
  )
})

test('remembers requests with raw headers in order, sizes and connections', async t => {
  const fake = await fakeFor(t)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const body = creates(50)
  const wire = gzipSync(body)
  await post(`${fake.url}/_bulk`, wire, { 'Content-Encoding': 'gzip', 'X-Mixed-Case': 'a' }, agent)
  await post(`${fake.url}/_bulk`, creates(1, 100), {}, agent)
  await post(`${fake.url}/_bulk`, creates(1, 101))
  const [first, second, third] = fake.requests
  assert.deepEqual([first?.wireBytes, first?.bodyBytes, first?.documents], [wire.length, body.length, 50])
  assert.equal(first?.body, body)
  assert.deepEqual(
    first.headers.slice(0, 3).map(([name]) => name),
    ['content-type', 'Content-Encoding', 'X-Mixed-Case']
  )
  assert.deepEqual([first.connection, second?.connection, third?.connection], [1, 1, 2])
  assert.equal(fake.connections.total, 2)
})

test('refuses whole requests by script, in order, then accepts', async t => {
  const fake = await fakeFor(t)
  fake.next(refuse(429, { 'retry-after': '2' }), refuse(429), refuse(503))
  const answers: Answer[] = []
  for (let i = 0; i < 4; i++) answers.push(await post(`${fake.url}/_bulk`, creates(1)))
  assert.deepEqual(
    answers.map(answer => answer.status),
    [429, 429, 503, 200]
  )
  assert.deepEqual(
    answers.map(answer => answer.headers['retry-after']),
    ['2', undefined, undefined, undefined]
  )
  assert.deepEqual([fake.count(), fake.pending], [1, 0])
})

test('lets nobody in without the right credentials', async t => {
  const fake = await fakeFor(t, { authorization: 'ApiKey abc' })
  assert.equal((await post(`${fake.url}/_bulk`, creates(1))).status, 401)
  assert.equal((await post(fake.url, '')).status, 401)
  assert.equal((await post(`${fake.url}/_bulk`, creates(1), { authorization: 'ApiKey abc' })).status, 200)
  fake.authorization = 'ApiKey new'
  assert.equal((await post(`${fake.url}/_bulk`, creates(1), { authorization: 'ApiKey abc' })).status, 401)
  assert.equal(fake.count(), 1)
})

test('answers 413 by the uncompressed size', async t => {
  const fake = await fakeFor(t)
  fake.otherwise(limit(1000))
  assert.equal((await post(`${fake.url}/_bulk`, gzipSync(creates(100)), { 'content-encoding': 'gzip' })).status, 413)
  assert.equal((await post(`${fake.url}/_bulk`, creates(5))).status, 200)
  fake.otherwise(limit(1000, { early: true }))
  const early = await post(`${fake.url}/_bulk`, creates(100)).then(
    answer => answer.status,
    (error: Error) => error
  )
  assert.ok(early === 413 || (early as NodeJS.ErrnoException).code === 'ECONNRESET', String(early))
  assert.equal(fake.count(), 5)
})

test('refuses single items, or the whole body for the sake of one', async t => {
  const fake = await fakeFor(t)
  fake.next(mixed((action, position) => (position === 1 ? 429 : action.id === '2' ? 400 : undefined)))
  const answer = await post(`${fake.url}/_bulk${filter}`, creates(4))
  assert.deepEqual(statuses(answer), [201, 429, 400, 201])
  assert.match(answer.text, /^\{"errors":true,.*"es_rejected_execution_exception".*"document_parsing_exception"/)
  fake.otherwise(refuseWholeIf(action => action.source.includes('"n":12}')))
  assert.equal((await post(`${fake.url}/_bulk`, creates(5, 10))).status, 400)
  assert.equal((await post(`${fake.url}/_bulk`, creates(2, 10))).status, 200)
  assert.equal(fake.count(), 4)
})

test('answers with too few items, a lie, half a JSON and a page', async t => {
  const fake = await fakeFor(t)
  fake.next(tooFewItems(2), lie(9), invalidJson(), page())
  assert.equal(statuses(await post(`${fake.url}/_bulk`, creates(5))).length, 3)
  assert.equal(fake.count(), 5)
  const lied = await post(`${fake.url}/_bulk`, creates(5, 10))
  assert.deepEqual([statuses(lied).length, lied.text.startsWith('{"errors":false')], [9, true])
  const half = await post(`${fake.url}/_bulk`, creates(5, 10))
  assert.equal(half.headers['content-type'], 'application/json')
  assert.throws(() => {
    JSON.parse(half.text)
  }, SyntaxError)
  assert.match((await post(`${fake.url}/_bulk`, creates(5, 10))).headers['content-type'] ?? '', /html/)
  assert.equal(fake.count(), 5)
})

test('stays silent, with the documents kept or not, until it is stopped', async t => {
  const fake = await fakeFor(t)
  fake.next(silent(), silent({ store: true }), hang())
  const answers = Array.from({ length: 3 }, (_, i) => post(`${fake.url}/_bulk`, creates(1, i)))
  const all = Promise.allSettled(answers)
  await t.waitFor(() => assert.equal(fake.count(), 1))
  assert.equal(await Promise.race([all, delay(50, 'silent')]), 'silent')
  await fake.down()
  assert.deepEqual(
    (await all).map(answer => answer.status),
    ['rejected', 'rejected', 'rejected']
  )
})

test('closes and resets connections where it was told to', async t => {
  const fake = await fakeFor(t)
  fake.next(halfClose({ store: true }), resetInBody(70_000), resetInAnswer())
  await assert.rejects(post(`${fake.url}/_bulk`, creates(1)), { code: 'ECONNRESET', message: 'socket hang up' })
  assert.equal(fake.count(), 1)
  await assert.rejects(post(`${fake.url}/_bulk`, creates(200_000, 10)), (error: NodeJS.ErrnoException) => {
    return error.code === 'ECONNRESET' || error.code === 'EPIPE'
  })
  assert.equal(fake.count(), 1)
  await assert.rejects(post(`${fake.url}/_bulk`, creates(2, 1)), { code: 'ECONNRESET' })
  assert.equal(fake.count(), 3)
})

test('answers byte by byte, and when the test lets it', async t => {
  const fake = await fakeFor(t)
  fake.next(drip({ everyMs: 1 }))
  assert.deepEqual(statuses(await post(`${fake.url}/_bulk${filter}`, creates(1))), [201])
  const gate = Promise.withResolvers<void>()
  fake.next(after(gate.promise))
  const answer = post(`${fake.url}/_bulk`, creates(1, 5))
  await t.waitFor(() => assert.equal(fake.requests[1]?.documents === 0 && fake.requests[1].bodyBytes > 0, true))
  assert.equal(fake.count(), 1)
  gate.resolve()
  assert.deepEqual(statuses(await answer), [201])
})

test('goes down and comes up on the same port with its documents', async t => {
  const fake = await fakeFor(t, { product: 'opensearch' })
  await post(`${fake.url}/_bulk`, creates(1))
  await fake.down()
  await assert.rejects(post(`${fake.url}/_bulk`, creates(1, 1)), { code: 'ECONNREFUSED' })
  await fake.up()
  assert.deepEqual(statuses(await post(`${fake.url}/_bulk`, creates(2))), [409, 201])
  assert.match((await post(fake.url, '')).text, /"distribution":"opensearch"/)
})

test('filter_path keeps what is named, through arrays and wildcards', () => {
  const value = { a: [{ b: { c: 1, d: 2 } }, { x: { d: 3 } }], e: 4 }
  assert.deepEqual(filterPath(value, 'e,a.*.d'), { a: [{ b: { d: 2 } }, { x: { d: 3 } }], e: 4 })
  assert.deepEqual(filterPath(value, 'a.b'), { a: [{ b: { c: 1, d: 2 } }] })
  assert.deepEqual(filterPath(value, '**.c'), { a: [{ b: { c: 1 } }] })
  assert.deepEqual(filterPath(value, 'nothing'), {})
  assert.equal(filterPath(value, null), value)
})
