// The book's demonstration whole: Debian's nginx, ab, the shipped example, and the documents counted by real servers.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { debianPackage } from '../lib/real/debian.ts'
import { elasticsearchMissing, startElasticsearch } from '../lib/real/elasticsearch.ts'
import type { Flavour } from '../lib/real/elasticsearch.ts'
import { startNginx } from '../lib/real/nginx.ts'
import { run, until } from '../lib/real/process.ts'
import { agentFolder, startYarder } from '../lib/real/yarder.ts'

const example = readFileSync(new URL('../../examples/nginx-to-elasticsearch.yaml', import.meta.url), 'utf8')

/** The example as it is shipped, but for the addresses and folders of the test. */
function adapted(folder: string, url: string): string {
  const changes = [
    ['/var/log/nginx/', `${folder}/nginx/`],
    ['http://127.0.0.1:9200', url],
    ['agent:\n', `admin: { listen: '127.0.0.1:0' }\nagent:\n  data_dir: ${folder}/data\n`]
  ] as const
  let text = example
  for (const [from, to] of changes) {
    assert.equal(text.split(from).length, 2, `the example has "${from}" once`)
    text = text.replace(from, to)
  }
  return text
}

type Mappings = Record<string, { mappings: { properties: Record<string, { type?: string } | undefined> } }>

interface Hit {
  readonly _source: Record<string, unknown> & { message: string; '@timestamp': string; log: { offset: number } }
}

/** An answer's JSON; undefined for a 503, which a shard gives that is just being made. */
async function json<T>(url: string, body?: object): Promise<T | undefined> {
  const headers = { 'content-type': 'application/json' }
  const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
  const answer = await fetch(url, init)
  const text = await answer.text()
  if (answer.status === 503) return undefined
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`)
  return JSON.parse(text) as T
}

/** The server's own count; an index that is not there yet holds nothing. */
async function countOf(url: string): Promise<number> {
  await fetch(`${url}/logstash-*/_refresh`, { method: 'POST' }).then(answer => answer.text())
  return (await json<{ count: number }>(`${url}/logstash-*/_count`))?.count ?? 0
}

/** All documents, by their place in the file. */
async function hitsOf(url: string): Promise<Hit[]> {
  await countOf(url)
  const all: Hit[] = []
  for (;;) {
    const last = all.at(-1)?._source.log.offset
    const after = last === undefined ? {} : { search_after: [last] }
    const query = { size: 5000, sort: [{ 'log.offset': 'asc' }], ...after }
    const answer = await json<{ hits: { hits: Hit[] } }>(`${url}/logstash-*/_search`, query)
    const page = answer?.hits.hits ?? []
    if (page.length === 0) return all
    all.push(...page)
  }
}

/** Byte offsets of the lines of a file. */
function offsetsOf(text: string): number[] {
  const offsets: number[] = []
  let at = 0
  for (const line of text.split('\n').slice(0, -1)) {
    offsets.push(at)
    at += Buffer.byteLength(line) + 1
  }
  return offsets
}

/** The fields of requirements.md E2 for a line of ab, response and size typed by the example's convert. */
function expected(line: string): Record<string, unknown> {
  const timestamp = /\[([^\]]+)\]/.exec(line)![1]
  return {
    clientip: '127.0.0.1',
    ident: '-',
    auth: '-',
    timestamp,
    verb: 'GET',
    request: '/',
    httpversion: '1.0',
    response: 200,
    bytes: 3,
    referrer: '"-"',
    agent: '"ApacheBench/2.3"'
  }
}

/** `03/Aug/2019:07:28:41 +0000` in milliseconds, by the platform's own parser. */
const timeOf = (timestamp: string): number =>
  Date.parse(timestamp.replace(/^(\d+)\/(\w+)\/(\d+):(\S+) (.*)$/, '$1 $2 $3 $4 $5'))

/** nginx, a server and the agent's folder and config. */
async function stage(t: TestContext, flavour: Flavour) {
  const folder = agentFolder(t)
  mkdirSync(join(folder, 'nginx'))
  const accessLog = join(folder, 'nginx', 'access.log')
  const nginx = await startNginx({ accessLog })
  t.after(() => nginx.stop())
  const server = await startElasticsearch({ flavour })
  t.after(() => server.stop())
  return {
    server,
    agent: { folder, config: adapted(folder, server.url) },
    log: () => readFileSync(accessLog, 'utf8'),
    ab: (n: number) => run(['ab', '-q', '-c', '8', '-n', String(n), `${nginx.url}/`]),
    arrived: (n: number) => until(`${n} documents`, async () => (await countOf(server.url)) >= n, 60_000)
  }
}

const packages = await debianPackage(['nginx', 'apache2-utils'])

for (const flavour of ['elasticsearch-8.19', 'opensearch-2.19'] as Flavour[]) {
  const skip = packages ?? (await elasticsearchMissing(flavour)) ?? false

  test(`nginx to ${flavour} with the shipped example`, { skip }, async t => {
    const { server, agent, log, ab, arrived } = await stage(t, flavour)
    let yarder = await startYarder(t, agent)

    await t.test('ab -c 8 -n 50 makes exactly 50 documents', async () => {
      await ab(50)
      await arrived(50)
      assert.equal((await yarder.end()).code, 0)
      assert.equal(await countOf(server.url), 50)
    })

    await t.test('each with the fields of the book, typed, and its own time', async () => {
      const lines = log().split('\n').slice(0, -1)
      const hits = await hitsOf(server.url)
      assert.deepEqual(
        hits.map(hit => hit._source.message),
        lines
      )
      for (const { _source: source } of hits) {
        const wanted = expected(source.message)
        assert.deepEqual(Object.fromEntries(Object.keys(wanted).map(name => [name, source[name]])), wanted)
        assert.equal(Date.parse(source['@timestamp']), timeOf(wanted['timestamp'] as string))
        assert.equal(source['tags'], undefined)
      }
      const [mapping] = Object.values((await json<Mappings>(`${server.url}/logstash-*/_mapping`))!)
      const typeOf = (name: string): string | undefined => mapping!.mappings.properties[name]?.type
      assert.deepEqual(['response', 'bytes', '@timestamp'].map(typeOf), ['long', 'long', 'date'])
    })

    await t.test('started again it sends what came meanwhile, and nothing a second time', async () => {
      await ab(25)
      yarder = await startYarder(t, agent)
      await arrived(75)
      assert.equal((await yarder.end()).code, 0)
      assert.equal(await countOf(server.url), 75)
    })

    await t.test('killed in the middle of traffic and started again: no line is missing or double', async () => {
      yarder = await startYarder(t, agent)
      let enough = false
      const traffic = (async () => {
        while (!enough) await ab(50)
      })()
      for (let kill = 0; kill < 3; kill++) {
        const before = await countOf(server.url)
        await until('some of the traffic', async () => (await countOf(server.url)) > before, 60_000)
        assert.equal((await yarder.end('SIGKILL')).signal, 'SIGKILL')
        yarder = await startYarder(t, agent)
      }
      enough = true
      await traffic
      const wanted = offsetsOf(log())
      await arrived(wanted.length)
      // Positions are written once a second: these last ones may not be, and are then sent again.
      await yarder.end('SIGKILL')
      yarder = await startYarder(t, agent)
      assert.equal((await yarder.end()).code, 0)
      const stored = (await hitsOf(server.url)).map(hit => hit._source.log.offset)
      assert.deepEqual(stored, wanted)
      assert.equal(await countOf(server.url), wanted.length)
      t.diagnostic(`${server.version}: ${stored.length} documents for ${wanted.length} lines`)
    })
  })
}
