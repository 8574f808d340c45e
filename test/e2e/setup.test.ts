// `yarder setup` against real nodes: what it makes is there, and records then have the types that it promises.
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { elasticsearchMissing, startElasticsearch } from '../lib/real/elasticsearch.ts'
import type { Flavour } from '../lib/real/elasticsearch.ts'
import { run, until } from '../lib/real/process.ts'
import { PROGRAM, startYarder } from '../lib/real/yarder.ts'

const ACCESS = [
  '192.0.2.7 - alice [22/Nov/2026:12:00:00 +0000] "GET /shop HTTP/1.1" 200 5120 "-" "Mozilla/5.0"',
  '2001:db8::9 - - [22/Nov/2026:12:00:01 +0000] "POST /cart HTTP/1.1" 503 90 "-" "curl/8"',
  'proxy.example - - [22/Nov/2026:12:00:02 +0000] "GET /a HTTP/1.0" 404 - "-" "-"'
]

function configOf(url: string, schema: string, more: string, step: string): string {
  return `
agent: { data_dir: state, schema: ${schema} }
admin: { enabled: false }
inputs:
  web: { type: file, paths: [access.log], start_at: beginning, poll: 20ms, pipeline: [${step}] }
outputs:
  es: { type: elasticsearch, hosts: ['${url}'], batch: { timeout: 10ms }, ${more} }
`
}

const GROK =
  "{ grok: { match: '%{COMBINEDAPACHELOG}' } }, { date: { field: timestamp, formats: ['dd/MMM/yyyy:HH:mm:ss Z'] } }"

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const ask = async (url: string, body?: object): Promise<unknown> => {
  const post = body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return (await fetch(url, post)).json()
}

/** `path: type` of every field of an index. */
async function typesOf(url: string, index: string): Promise<Record<string, string>> {
  const answer = (await ask(`${url}/${index}/_mapping`)) as Record<string, { mappings: object }>
  const types: Record<string, string> = {}
  const walk = (holder: { properties?: Record<string, object> }, path: string): void => {
    for (const [name, field] of Object.entries(holder.properties ?? {})) {
      const { type } = field as { type?: string }
      if (type !== undefined) types[`${path}${name}`] = type
      walk(field, `${path}${name}.`)
    }
  }
  for (const { mappings } of Object.values(answer)) walk(mappings, '')
  return types
}

async function found(url: string, index: string, query: object): Promise<number> {
  await fetch(`${url}/${index}/_refresh`, { method: 'POST' })
  const answer = (await ask(`${url}/${index}/_count`, { query })) as { count?: number }
  return answer.count ?? 0
}

for (const flavour of ['elasticsearch-8.19', 'opensearch-2.19'] as Flavour[]) {
  const skip = (await elasticsearchMissing(flavour)) ?? false

  test(
    `${flavour}: after setup access logs have numbers and addresses, also in the index of a day`,
    { skip },
    async t => {
      const node = await startElasticsearch({ flavour })
      t.after(() => node.stop())
      const folder = folderOf(t)
      const config = join(folder, 'yarder.yaml')
      writeFileSync(config, configOf(node.url, 'logstash', '', GROK))
      const setup = async (...args: string[]): Promise<string> => run([PROGRAM, 'setup', '-c', config, ...args])
      assert.match(await setup('--dry-run'), /^es: index template yarder-logstash: missing/)
      assert.match(await setup('--print'), /^PUT _index_template\/yarder-logstash$/m)
      assert.deepEqual(await ask(`${node.url}/_index_template`), { index_templates: [] })
      assert.equal(await setup(), 'es: index template yarder-logstash: made\n')
      assert.equal(await setup(), 'es: index template yarder-logstash: there already\n')
      assert.match(await setup('--retention', '90d'), /policy yarder-logstash: left out \(the server has no lifecycle/)
      writeFileSync(join(folder, 'access.log'), `${ACCESS.join('\n')}\n`)
      await startYarder(t, { folder, config: configOf(node.url, 'logstash', '', GROK) })
      const index = 'logstash-2026.11.22'
      await until('the records', async () => (await found(node.url, index, { match_all: {} })) === 3)
      const types = await typesOf(node.url, index)
      const wanted = {
        '@timestamp': 'date',
        bytes: 'long',
        response: 'long',
        clientip: 'ip',
        message: 'text',
        verb: 'keyword',
        'host.name': 'keyword',
        'log.offset': 'long',
        request: 'text'
      }
      for (const [field, type] of Object.entries(wanted)) assert.equal(types[field], type, field)
      assert.equal(await found(node.url, index, { range: { response: { gte: 400 } } }), 2)
      assert.equal(await found(node.url, index, { range: { bytes: { gt: 1000 } } }), 1)
      assert.equal(await found(node.url, index, { term: { clientip: '192.0.2.0/24' } }), 1)
      assert.equal(await found(node.url, index, { term: { 'request.keyword': '/shop' } }), 1)
      assert.equal(await found(node.url, index, { match: { message: 'proxy.example' } }), 1, 'a name is no refusal')
    }
  )

  test(`${flavour}: after setup a data stream takes records in ECS with its types`, { skip }, async t => {
    const node = await startElasticsearch({ flavour })
    t.after(() => node.stop())
    const folder = folderOf(t)
    const own = { folder, config: configOf(node.url, 'ecs', 'data_stream: { dataset: nginx }', '{ auto: {} }') }
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'yarder.yaml'), own.config)
    const said = await run([PROGRAM, 'setup', '-c', join(folder, 'yarder.yaml')])
    assert.match(said, /^es: index template yarder-logs-nginx: made$/m)
    assert.match(said, /^es: data stream logs-nginx-default: (made|left out)/m)
    appendFileSync(join(folder, 'access.log'), `${ACCESS.slice(0, 2).join('\n')}\n`)
    await startYarder(t, own)
    const index = 'logs-nginx-default'
    await until('the records', async () => (await found(node.url, index, { match_all: {} })) === 2)
    const types = await typesOf(node.url, index)
    const wanted = {
      '@timestamp': 'date',
      'http.response.status_code': 'long',
      'http.response.body.bytes': 'long',
      'source.address': 'keyword',
      'data_stream.dataset': 'keyword',
      'agent.type': 'keyword',
      message: 'text'
    }
    for (const [field, type] of Object.entries(wanted)) assert.equal(types[field], type, field)
    assert.equal(await found(node.url, index, { range: { 'http.response.status_code': { gte: 500 } } }), 1)
    const backing = Object.keys((await ask(`${node.url}/${index}/_mapping`)) as object)
    assert.match(backing.join(), /^\.ds-logs-nginx-default-/)
  })
}
