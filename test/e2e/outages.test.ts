// The running agent before an Elasticsearch that fails in every way: nothing is lost or doubled, and a stop never hangs.
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { readDeadLetters } from '../../src/output/dead-letter.ts'
import {
  accept,
  drip,
  halfClose,
  hang,
  invalidJson,
  lie,
  limit,
  mixed,
  page,
  refuse,
  resetInAnswer,
  resetInBody,
  silent,
  startFakeElasticsearch,
  tooFewItems
} from '../lib/fake-elasticsearch.ts'
import type { FakeElasticsearch, FakeOptions } from '../lib/fake-elasticsearch.ts'
import { until } from '../lib/real/process.ts'
import { agentFolder, startYarder } from '../lib/real/yarder.ts'
import type { Yarder } from '../lib/real/yarder.ts'

const SHUTDOWN_MS = 500
/** What a stop may take beyond `shutdown_timeout`. */
const SLACK_MS = 2000

interface Rig {
  readonly fake: FakeElasticsearch
  readonly dataDir: string
  start(): Promise<Yarder>
  /** Appends so many lines; they are numbered through. */
  write(count: number): void
  /** Waits until every line written is a document. */
  complete(timeoutMs?: number): Promise<void>
  /** The numbers that are stored, ascending; a line stored under two identities stands twice. */
  numbers(): number[]
}

async function rig(t: TestContext, options: FakeOptions & { output?: string } = {}): Promise<Rig> {
  const folder = agentFolder(t)
  const fake = await startFakeElasticsearch(options)
  t.after(() => fake.down())
  mkdirSync(join(folder, 'logs'))
  const log = join(folder, 'logs', 'app.log')
  writeFileSync(log, '')
  const config = `
agent: { data_dir: ${folder}/data, shutdown_timeout: ${SHUTDOWN_MS}ms }
admin: { listen: '127.0.0.1:0' }
inputs:
  app:
    type: file
    paths: ['${folder}/logs/*.log']
    start_at: beginning
    pipeline: [{ dissect: { mapping: 'line %{n} %{rest}' } }, { convert: { n: integer } }]
outputs:
  elastic:
    type: elasticsearch
    hosts: ['${fake.url}']
    timeout: 1s
    backoff: { init: 20ms, max: 200ms }
    batch: { timeout: 20ms, max_events: 200 }
    ${options.output ?? ''}
`
  let written = 0
  const numbers = (): number[] => fake.docs.map(doc => doc.source['n'] as number).toSorted((a, b) => a - b)
  return {
    fake,
    dataDir: join(folder, 'data'),
    start: () => startYarder(t, { folder, config }),
    write(count) {
      const lines = Array.from({ length: count }, (_, i) => `line ${written + i} ${'x'.repeat(80)}\n`)
      appendFileSync(log, lines.join(''))
      written += count
    },
    async complete(timeoutMs = 30_000) {
      await until(`${written} documents (now ${fake.count()})`, () => fake.count() >= written, timeoutMs)
      assert.deepEqual(
        numbers(),
        Array.from({ length: written }, (_, i) => i)
      )
    },
    numbers
  }
}

/** A stop that must not take longer than the configured time and a little. */
async function stops(yarder: Yarder): Promise<void> {
  const { code, ms } = await yarder.end()
  assert.equal(code, 0, yarder.log())
  assert.ok(ms < SHUTDOWN_MS + SLACK_MS, `the stop took ${Math.round(ms)} ms`)
}

test('a server that is not there at the start gets everything once it is up, and the log says both once', async t => {
  const { fake, start, write, complete } = await rig(t)
  await fake.down()
  write(1000)
  const yarder = await start()
  await yarder.said('ECONNREFUSED')
  await until('yellow', async () => (await yarder.metric('yarder_output_state{output="elastic",state="yellow"}')) === 1)
  await fake.up()
  await complete()
  await yarder.said(/green/)
  await stops(yarder)
  assert.equal(yarder.log().match(/Request error, retrying\. /g)?.length, 1, yarder.log())
})

/** Each is what the server does for a while; `times` requests meet it before it is well again. */
const FAILURES: ReadonlyArray<{ name: string; times?: number; of: () => ReturnType<typeof accept> }> = [
  { name: 'answers 429 with Retry-After', of: () => refuse(429, { 'retry-after': '1' }) },
  { name: 'answers 500', of: () => refuse(500) },
  { name: 'answers 503', of: () => refuse(503) },
  { name: 'is a proxy with a page', of: () => page() },
  { name: 'is a proxy with a page and 502', of: () => page({ status: 502 }) },
  { name: 'answers with half a JSON', of: () => invalidJson() },
  { name: 'answers for fewer documents than it got', of: () => tooFewItems() },
  { name: 'says it has stored other documents than it got', of: () => lie(7) },
  { name: 'reads and never answers', times: 1, of: () => silent() },
  { name: 'stores and never answers', times: 1, of: () => silent({ store: true }) },
  { name: 'does not even read', times: 1, of: () => hang() },
  { name: 'closes its side without an answer', of: () => halfClose() },
  { name: 'stores and closes its side without an answer', of: () => halfClose({ store: true }) },
  { name: 'resets the connection within the request', of: () => resetInBody() },
  { name: 'resets the connection within the answer', of: () => resetInAnswer() },
  { name: 'drips its answer slower than the timeout', times: 1, of: () => drip({ everyMs: 100 }) }
]

for (const { name, times = 3, of } of FAILURES) {
  test(`a server that ${name} loses and doubles nothing`, { timeout: 60_000 }, async t => {
    const { fake, start, write, complete } = await rig(t)
    for (let i = 0; i < times; i++) fake.next(of())
    write(1000)
    const yarder = await start()
    await complete()
    assert.equal(fake.pending, 0, 'every failure was met')
    await stops(yarder)
    await fake.stop()
  })

  test(
    `a stop while the server ${name} is in time and clean, and the next start brings the rest`,
    {
      timeout: 60_000
    },
    async t => {
      const { fake, start, write, complete } = await rig(t)
      fake.otherwise(of())
      write(1000)
      const yarder = await start()
      await until('a request', () => fake.requests.length > 0)
      await stops(yarder)
      fake.otherwise(accept())
      write(10)
      const again = await start()
      await complete()
      await stops(again)
      await fake.stop()
    }
  )
}

test('a stop while the server is not there is in time and clean, and the next start brings everything', async t => {
  const { fake, start, write, complete } = await rig(t)
  await fake.down()
  write(1000)
  const yarder = await start()
  await yarder.said('ECONNREFUSED')
  await stops(yarder)
  await fake.up()
  const again = await start()
  await complete()
  await stops(again)
})

test('a server that answers slowly, but within the timeout, gets everything', async t => {
  const { fake, start, write, complete } = await rig(t)
  fake.otherwise(drip({ bytes: 512, everyMs: 20 }))
  write(1000)
  const yarder = await start()
  await complete()
  await stops(yarder)
})

test('401 for a while: told as such, everything waits, and arrives when the key is let in', async t => {
  const { fake, start, write, complete } = await rig(t, { authorization: 'ApiKey right', output: 'api_key: right' })
  fake.authorization = 'ApiKey other'
  write(500)
  const yarder = await start()
  await yarder.said(/unauthorised/)
  assert.equal(fake.count(), 0)
  fake.authorization = 'ApiKey right'
  await complete()
  await stops(yarder)
})

test('413: requests are cut until they fit, and everything arrives', async t => {
  const { fake, start, write, complete } = await rig(t)
  fake.otherwise(limit(20_000))
  write(2000)
  const yarder = await start()
  await complete()
  await stops(yarder)
  assert.ok(fake.requests.some(request => request.status === 413))
})

test('refused documents become dead letters in the data directory, the others are stored, a restart repeats neither', async t => {
  const { fake, dataDir, start, write, numbers } = await rig(t)
  const refused = (n: number): boolean => n % 100 === 7
  fake.otherwise(mixed(action => (refused((JSON.parse(action.source) as { n: number }).n) ? 400 : undefined)))
  write(1000)
  const taken = Array.from({ length: 1000 }, (_, n) => n).filter(n => !refused(n))
  const yarder = await start()
  const letters = () => Array.fromAsync(readDeadLetters(dataDir, 'elastic'))
  await until('what can be stored', () => fake.count() >= taken.length)
  await until('the dead letters', async () => (await letters()).length >= 10)
  await stops(yarder)
  const requests = fake.requests.length
  const again = await start()
  write(0)
  await until(
    'the restart to be done',
    async () => (await again.metric('yarder_output_state{output="elastic",state="green"}')) === 1
  )
  await stops(again)
  assert.equal(fake.requests.length, requests, 'nothing was sent again')
  assert.deepEqual(numbers(), taken)
  const kept = await letters()
  // Two requests at a time may be answered in either order.
  assert.deepEqual(
    kept.map(letter => (letter.document as { n: number }).n).toSorted((a, b) => a - b),
    [7, 107, 207, 307, 407, 507, 607, 707, 807, 907]
  )
  assert.match(kept[0]!.reason, /refused with 400 by the test/)
})

test('429 for single documents: only those are sent again', async t => {
  const { fake, start, write, complete } = await rig(t)
  const busy = mixed((_, position) => (position % 10 === 3 ? 429 : undefined))
  fake.next(busy, busy, busy)
  write(1000)
  const yarder = await start()
  await complete()
  await stops(yarder)
})

test(
  'a server that comes and goes during a flood, and an agent that is killed in it: nothing is lost or doubled',
  {
    timeout: 120_000
  },
  async t => {
    const { fake, start, write, complete } = await rig(t)
    let yarder = await start()
    for (let round = 0; round < 6; round++) {
      const before = fake.count()
      write(5000)
      await until('a part of it', () => fake.count() > before)
      await fake.down()
      write(5000)
      if (round % 2 === 0) await yarder.end('SIGKILL')
      await fake.up()
      if (round % 2 === 0) yarder = await start()
    }
    await complete(60_000)
    await stops(yarder)
  }
)
