// The fake Elasticsearch beside the real one: where it isn't told to fail, it must answer the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFakeElasticsearch } from '../fake-elasticsearch.ts'
import { elasticsearchMissing, startElasticsearch } from './elasticsearch.ts'

const filter = '?filter_path=errors,items.*.error,items.*.status,items.*.failure_store'

function creates(from: number, to: number): string {
  let body = ''
  for (let n = from; n <= to; n++) body += `{"create":{"_index":"logs","_id":"${n}"}}\n{"n":${n}}\n`
  return body
}

/** Bodies for which fake and real server must agree, sent one after the other. */
const bodies: Record<string, string> = {
  'two documents': creates(0, 1),
  'one of them again': creates(1, 2),
  'index replaces': '{"index":{"_index":"logs","_id":"1"}}\n{"n":5}\n',
  'delete, twice': '{"delete":{"_index":"logs","_id":"1"}}\n{"delete":{"_index":"logs","_id":"1"}}\n',
  'an id of its own making': '{"create":{"_index":"logs"}}\n{"n":5}\n',
  'an empty id': '{"create":{"_index":"logs","_id":""}}\n{"n":5}\n',
  'an id of 513 bytes': `{"create":{"_index":"logs","_id":"${'i'.repeat(513)}"}}\n{"n":5}\n`,
  'an index in upper case': '{"create":{"_index":"Logs","_id":"9"}}\n{"n":5}\n',
  'a broken document': '{"create":{"_index":"logs","_id":"10"}}\n{"n":\n',
  'no last newline': '{"create":{"_index":"logs","_id":"11"}}\n{"n":5}',
  'no JSON at all': 'hello\nworld\n',
  'an unknown action': '{"make":{"_index":"logs","_id":"12"}}\n{"n":5}\n',
  'no index': '{"create":{"_id":"13"}}\n{"n":5}\n'
}
const skip = (await elasticsearchMissing('elasticsearch-8.19')) ?? false

test('agrees with the real server on status and error type of every body', { skip }, async t => {
  const fake = await startFakeElasticsearch()
  t.after(() => fake.stop())
  const real = await startElasticsearch({ flavour: 'elasticsearch-8.19' })
  t.after(() => real.stop())
  for (const [name, body] of Object.entries(bodies)) {
    const [said, meant] = await Promise.all([fake.url, real.url].map(url => post(url, body)))
    assert.deepEqual(said, meant, name)
  }
  await fetch(`${real.url}/_refresh`, { method: 'POST' })
  const counted = (await fetch(`${real.url}/_count`).then(answer => answer.json())) as { count: number }
  assert.equal(fake.count(), counted.count)
})

async function post(url: string, body: string): Promise<{ status: number; body: unknown }> {
  const headers = { 'content-type': 'application/x-ndjson' }
  const answer = await fetch(`${url}/_bulk${filter}`, { method: 'POST', headers, body })
  return { status: answer.status, body: essence(await answer.json()) }
}

const worded = new Set(['reason', 'caused_by', 'root_cause', 'index', 'index_uuid', 'shard'])

/** An answer without the texts that a server is free to word. */
function essence(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(essence)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([name]) => !worded.has(name))
  return Object.fromEntries(kept.map(([name, inner]) => [name, essence(inner)]))
}
