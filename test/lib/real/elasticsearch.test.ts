// The real nodes themselves: what other tests take for granted about them.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { elasticsearchMissing, startElasticsearch, type Flavour } from './elasticsearch.ts'

const flavours: Flavour[] = ['elasticsearch-8.19', 'opensearch-2.19']
const ndjson = { 'content-type': 'application/x-ndjson' }

for (const flavour of flavours) {
  const skip = (await elasticsearchMissing(flavour)) ?? false

  test(`${flavour} stores a document once, and its second create is a 409`, { skip }, async t => {
    const node = await startElasticsearch({ flavour })
    t.after(() => node.stop())
    assert.ok(node.version.startsWith(flavour.split('-')[1] ?? '?'), node.version)
    const body = '{"create":{"_index":"logs","_id":"a1"}}\n{"message":"caf\u00e9"}\n'
    const statuses: number[] = []
    for (let i = 0; i < 2; i++) {
      const answer = await fetch(`${node.url}/_bulk?refresh=true`, { method: 'POST', headers: ndjson, body })
      const parsed = (await answer.json()) as { items: Array<{ create: { status: number } }> }
      statuses.push(...parsed.items.map(item => item.create.status))
    }
    assert.deepEqual(statuses, [201, 409])
    const count = (await fetch(`${node.url}/logs/_count`).then(answer => answer.json())) as { count: number }
    assert.equal(count.count, 1)
    t.diagnostic(`${node.version} ${JSON.stringify(statuses)}`)
  })

  test(`${flavour} takes settings, here a request limit, and leaves nothing behind`, { skip }, async () => {
    const node = await startElasticsearch({ flavour, settings: { 'http.max_content_length': '1mb' } })
    try {
      const body = `{"create":{"_index":"logs"}}\n{"message":"${'x'.repeat(1_100_000)}"}\n`
      const answer = await fetch(`${node.url}/_bulk`, { method: 'POST', headers: ndjson, body })
      assert.equal(answer.status, 413)
    } finally {
      await node.stop()
      await node.stop()
    }
    assert.throws(() => process.kill(node.pid, 0), { code: 'ESRCH' })
    assert.equal(existsSync(dirname(node.logFile)), false)
  })
}
