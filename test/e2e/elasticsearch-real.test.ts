// The elasticsearch output against real nodes: what the fake can only claim.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { TestContext } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import type { Context } from '../../src/core/component.ts'
import { readFields } from '../../src/core/field.ts'
import { silentInstruments } from '../../src/core/instruments.ts'
import type { Instruments } from '../../src/core/instruments.ts'
import { silentLog } from '../../src/core/log.ts'
import { createStore } from '../../src/metrics/store.ts'
import type { Store } from '../../src/metrics/store.ts'
import { readDeadLetters } from '../../src/output/dead-letter.ts'
import { Delivery, deliveryOptions } from '../../src/output/delivery.ts'
import { elasticsearch } from '../../src/output/elasticsearch.ts'
import { elasticsearchMissing, startElasticsearch } from '../lib/real/elasticsearch.ts'
import type { Elasticsearch, Flavour } from '../lib/real/elasticsearch.ts'
import { makeRecords } from '../lib/records.ts'

interface Rig {
  delivery: Delivery
  /** Sends the documents as batches of a source of that name; resolves when all are settled. */
  ship(name: string, docs: object[]): Promise<void>
  letters(): Promise<Array<{ reason: string; id: string; document: unknown }>>
}

function rig(t: TestContext, url: string, options: object, instruments: Instruments = silentInstruments): Rig {
  const dataDir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const given = { hosts: [url], backoff: { init: '50ms', max: '500ms' }, batch: { timeout: '10ms' }, ...options }
  const values = readFields(elasticsearch.fields, given, (path, message) => assert.fail(`${path} ${message}`))!
  const plain = {
    name: 'elastic',
    log: silentLog,
    clock: systemClock,
    instruments,
    dataDir,
    configDir: dataDir
  }
  const context = plain as unknown as Context
  const output = elasticsearch.build(values, context)
  const delivery = new Delivery({ type: 'elasticsearch', output, options: deliveryOptions(values), context })
  t.after(async () => {
    await delivery.close()
    rmSync(dataDir, { recursive: true, force: true })
  })
  delivery.start()
  return {
    delivery,
    async ship(name, docs) {
      const { promise, resolve } = Promise.withResolvers<void>()
      // All of them from the start: the first may be settled before the second is offered.
      let open = Math.ceil(docs.length / 500)
      for (let from = 0; from < docs.length; from += 500) {
        const part = docs.slice(from, from + 500)
        const settle = (): void => void (--open === 0 && resolve())
        const offsets = part.map((_, i) => from + i)
        await delivery.offer(makeRecords({ docs: part, offsets, sourceId: name, settle }))
      }
      await promise
    },
    letters: () => Array.fromAsync(readDeadLetters(dataDir, 'elastic'))
  }
}

const lines = (count: number, bytes = 200): object[] =>
  Array.from({ length: count }, (_, n) => ({ '@timestamp': '2026-11-22T12:00:00.000Z', n, message: 'x'.repeat(bytes) }))

/** How many requests the output with these numbers may have under way. */
async function limitOf(store: Store): Promise<number> {
  const family = (await store.read()).find(f => f.name === 'yarder_output_in_flight_limit')
  return [...(family?.samples ?? [])][0]?.value ?? NaN
}

const PATIENCE = { timeout: 20_000, interval: 50 }

async function put(url: string, body: object): Promise<void> {
  const answer = await fetch(url, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body)
  })
  assert.equal(answer.status, 200, await answer.text())
}

async function countOf(url: string, index: string): Promise<number> {
  const refreshed = await fetch(`${url}/${index}/_refresh`, { method: 'POST' })
  assert.equal(refreshed.status, 200)
  const answer = (await fetch(`${url}/${index}/_count`).then(r => r.json())) as { count: number }
  return answer.count
}

/** A node of these settings, empty: the one that is there as long as tests ask for the same, else a new one in its place. */
function nodes(flavour: Flavour): (settings?: Record<string, string>) => Promise<Elasticsearch> {
  let node: Elasticsearch | undefined
  let given = ''
  after(() => node?.stop())
  return async (settings = {}) => {
    const asked = JSON.stringify(settings)
    if (node === undefined || given !== asked) {
      await node?.stop()
      node = await startElasticsearch({
        flavour,
        settings: { ...settings, 'action.destructive_requires_name': 'false' }
      })
      given = asked
    }
    const { ok } = await fetch(`${node.url}/*`, { method: 'DELETE' })
    assert.ok(ok, 'the indices of the test before are gone')
    await fetch(`${node.url}/_ingest/pipeline/*`, { method: 'DELETE' })
    return node
  }
}

for (const flavour of ['elasticsearch-8.19', 'opensearch-2.19'] as Flavour[]) {
  const skip = (await elasticsearchMissing(flavour)) ?? false
  const nodeWith = nodes(flavour)

  test(`${flavour} takes every record once, though each is sent twice`, { skip }, async t => {
    const node = await nodeWith()
    const r = rig(t, node.url, {})
    await r.ship('a', lines(10_000))
    await r.ship('a', lines(10_000))
    await r.ship('b', lines(1000))
    assert.equal(await countOf(node.url, 'logstash-2026.11.22'), 11_000)
    assert.deepEqual(await r.letters(), [])
    assert.equal(r.delivery.status().state, 'green')
  })

  test(
    `${flavour} refuses a record for its mapping: it becomes a dead letter with the server's words, the others stay`,
    { skip },
    async t => {
      const node = await nodeWith()
      const r = rig(t, node.url, { index: 'mapped' })
      await r.ship('a', [{ size: 1 }])
      await r.ship('b', [{ size: 2 }, { size: 'not a number' }, { size: { nested: true } }, { size: 3 }])
      assert.equal(await countOf(node.url, 'mapped'), 3)
      const letters = await r.letters()
      assert.deepEqual(
        letters.map(l => l.id),
        ['b-1', 'b-2']
      )
      assert.match(letters[0]!.reason, /pars(e|ing).*(not a number)/)
    }
  )

  test(
    `${flavour} has records whose mapping is in the way, with the field moved aside, once and under their ids`,
    { skip },
    async t => {
      const node = await nodeWith()
      const mappings = {
        properties: {
          size: { type: 'long' },
          when: { type: 'date' },
          host: { properties: { name: { type: 'keyword' } } }
        }
      }
      await put(`${node.url}/mapped`, { mappings })
      const r = rig(t, node.url, { index: 'mapped', rescue_conflicts: true })
      const docs = [
        { size: 1 },
        { size: 'not a number' },
        { size: { nested: true } },
        { host: 'flat' },
        { when: 'yesterday', size: 'many', other: 1 },
        { size: [1, 'x'] },
        { fresh: 1 },
        { fresh: { now: 'an object' } }
      ]
      await r.ship('a', docs)
      await r.ship('a', docs)
      assert.equal(await countOf(node.url, 'mapped'), docs.length)
      assert.deepEqual(await r.letters(), [])
      const sourceOf = async (id: string): Promise<unknown> =>
        ((await fetch(`${node.url}/mapped/_doc/${id}`).then(a => a.json())) as { _source: unknown })._source
      const tags = ['_mappingconflict']
      assert.deepEqual(await sourceOf('a-1'), { _conflict: ['size=not a number'], tags })
      assert.deepEqual(await sourceOf('a-2'), { _conflict: ['size={"nested":true}'], tags })
      assert.deepEqual(await sourceOf('a-3'), { _conflict: ['host=flat'], tags })
      const both = (await sourceOf('a-4')) as { _conflict: string[]; other: number }
      assert.deepEqual([both._conflict.toSorted(), both.other], [['size=many', 'when=yesterday'], 1])
      assert.deepEqual(await sourceOf('a-5'), { _conflict: ['size=[1,"x"]'], tags })
    }
  )

  test(`${flavour}: records wait for an alias and for an ingest pipeline that are missing`, { skip }, async t => {
    const node = await nodeWith()
    const aliased = rig(t, node.url, { index: 'logs', require_alias: true })
    const shipped = aliased.ship('a', lines(10))
    await t.waitFor(() => assert.match(aliased.delivery.status().lastError ?? '', /require_alias/), PATIENCE)
    await put(`${node.url}/logs-000001`, { aliases: { logs: { is_write_index: true } } })
    await shipped
    assert.equal(await countOf(node.url, 'logs-000001'), 10)
    const piped = rig(t, node.url, { index: 'piped', pipeline: 'enrich' })
    const through = piped.ship('a', lines(10))
    await t.waitFor(() => assert.match(piped.delivery.status().lastError ?? '', /enrich.*does not exist/), PATIENCE)
    await put(`${node.url}/_ingest/pipeline/enrich`, { processors: [] })
    await through
    assert.equal(await countOf(node.url, 'piped'), 10)
    for (const r of [aliased, piped]) assert.deepEqual(await r.letters(), [])
  })

  for (const compression_level of [0, 1]) {
    const how = compression_level === 0 ? 'plain' : 'compressed'
    test(`${flavour} with a small request limit gets everything in smaller ${how} requests`, { skip }, async t => {
      const node = await nodeWith({ 'http.max_content_length': '1mb' })
      const r = rig(t, node.url, { compression_level })
      await r.ship('a', [...lines(2000, 4000), ...lines(1, 1_200_000), ...lines(10)])
      assert.equal(await countOf(node.url, 'logstash-2026.11.22'), 2010)
      const letters = await r.letters()
      assert.deepEqual(
        letters.map(l => l.id),
        ['a-2000']
      )
    })
  }

  test(`${flavour} that is overloaded (429) gets everything in the end`, { skip }, async t => {
    const settings = { 'thread_pool.write.size': '1', 'thread_pool.write.queue_size': '1' }
    const node = await nodeWith(settings)
    const store = createStore()
    const limits = new Set<number>()
    const look = (): unknown => limitOf(store).then(limit => limits.add(limit))
    const rigs = [1, 2, 3, 4].map(n =>
      rig(
        t,
        node.url,
        { in_flight: 4, batch: { max_events: 200, timeout: '10ms' } },
        n === 1 ? store.instruments : silentInstruments
      )
    )
    const looking = setInterval(look, 5)
    t.after(() => clearInterval(looking))
    await Promise.all(rigs.map((r, i) => r.ship(`s${i}`, lines(4000))))
    assert.ok(limits.has(2), `of 4 requests at a time it never went to 2 but to ${[...limits].join()}`)
    assert.equal(await countOf(node.url, 'logstash-2026.11.22'), 16_000)
    for (const r of rigs) assert.deepEqual(await r.letters(), [])
  })
}
