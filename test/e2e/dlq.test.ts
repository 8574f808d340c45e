// Dead letters with the real agent and real servers: refused, looked at, the mapping fixed, replayed; each stored once.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { elasticsearchMissing, startElasticsearch } from '../lib/real/elasticsearch.ts'
import type { Flavour } from '../lib/real/elasticsearch.ts'
import { until } from '../lib/real/process.ts'
import { agentFolder, PROGRAM, startYarder } from '../lib/real/yarder.ts'
import type { Yarder } from '../lib/real/yarder.ts'

interface Told {
  readonly status: number | null
  readonly lines: Array<Record<string, unknown>>
  readonly stderr: string
}

/** Runs `yarder dlq …` with its results piped, as a script has it. */
async function dlq(...args: string[]): Promise<Told> {
  const child = spawn(PROGRAM, ['dlq', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  await once(child, 'close')
  const lines = stdout.split('\n').filter(line => line !== '')
  return { status: child.exitCode, lines: lines.map(line => JSON.parse(line) as Record<string, unknown>), stderr }
}

async function ask(url: string, method: string, body?: object): Promise<Record<string, unknown>> {
  const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const answer = await fetch(url, { method, ...init })
  const text = await answer.text()
  assert.ok(answer.ok, `${method} ${url}: ${answer.status} ${text}`)
  return JSON.parse(text) as Record<string, unknown>
}

const MAPPING = {
  mappings: { properties: { size: { type: 'long' }, http: { type: 'object', dynamic: 'strict', properties: {} } } }
}
/** After it the server takes what it refused. */
const FIX = {
  properties: { size: { type: 'long', ignore_malformed: true }, http: { properties: { verb: { type: 'keyword' } } } }
}

interface Rig {
  readonly dataDir: string
  readonly config: string
  start(): Promise<Yarder>
  /** Appends so many lines, `bad` of them with a size that is no number, `strict` with a field that is not mapped. */
  write(count: number, bad: number, strict: number): void
  count(): Promise<number>
  letters(): Promise<Told['lines']>
  fix(): Promise<void>
}

async function rig(t: TestContext, flavour: Flavour): Promise<Rig> {
  const node = await startElasticsearch({ flavour })
  t.after(() => node.stop())
  await ask(`${node.url}/app`, 'PUT', MAPPING)
  const folder = agentFolder(t)
  mkdirSync(join(folder, 'logs'))
  const log = join(folder, 'logs', 'app.log')
  writeFileSync(log, '')
  const dataDir = join(folder, 'data')
  const config = `
agent: { data_dir: ${dataDir} }
admin: { listen: '127.0.0.1:0' }
inputs:
  app:
    type: file
    paths: ['${folder}/logs/*.log']
    start_at: beginning
    pipeline: [{ json: { keep_source: true } }]
outputs:
  elastic:
    type: elasticsearch
    hosts: ['${node.url}']
    index: app
    backoff: { init: 20ms, max: 200ms }
    batch: { timeout: 20ms, max_events: 100 }
    dead_letter: { max_bytes: 64MiB, when_full: block }
`
  let written = 0
  return {
    dataDir,
    config: join(folder, 'yarder.yaml'),
    start: () => startYarder(t, { folder, config }),
    write(count, bad, strict) {
      const lines = Array.from({ length: count }, (_, i) => {
        const more = i < bad ? { size: `bad ${i}` } : i < bad + strict ? { http: { verb: 'GET' } } : { size: i }
        return `${JSON.stringify({ n: written + i, ...more })}\n`
      })
      appendFileSync(log, lines.join(''))
      written += count
    },
    async count() {
      await ask(`${node.url}/app/_refresh`, 'POST')
      return (await ask(`${node.url}/app/_count`, 'GET'))['count'] as number
    },
    letters: async () => (await dlq('ls', '--data-dir', dataDir)).lines,
    fix: async () => void (await ask(`${node.url}/app/_mapping`, 'PUT', FIX))
  }
}

const LETTERS = 'yarder_output_dead_letters{output="elastic"}'
const idsOf = (letters: Told['lines']): Set<unknown> => new Set(letters.map(letter => letter['id']))

for (const flavour of ['elasticsearch-8.19', 'opensearch-2.19'] as Flavour[]) {
  const skip = (await elasticsearchMissing(flavour)) ?? false

  test(`${flavour}: refused, looked at, fixed, replayed; a second replay changes nothing`, { skip }, async t => {
    const r = await rig(t, flavour)
    const yarder = await r.start()
    r.write(300, 60, 40)
    await until('the letters', async () => (await yarder.metric(LETTERS)) === 100)
    await until('the good ones', async () => (await r.count()) === 200)
    const letters = await r.letters()
    assert.equal(letters.length, 100)
    assert.equal(idsOf(letters).size, 100)
    const [bad, strict] = [letters.find(l => l['field'] === 'size')!, letters.find(l => l['field'] === 'http.verb')!]
    assert.match(bad['reason'] as string, /failed to parse field \[size\] of type \[long\]/)
    assert.match(strict['reason'] as string, /strict_dynamic_mapping_exception/)
    assert.deepEqual([bad['output'], bad['target'], bad['status'], bad['input']], ['elastic', 'app', 400, 'app'])
    assert.equal(letters.filter(l => l['field'] === 'size').length, 60)
    assert.equal(letters.filter(l => l['field'] === 'http.verb').length, 40)
    for (const letter of letters) {
      const text = readFileSync(letter['path'] as string, 'utf8').slice(letter['offset'] as number)
      assert.equal(text.split('\n', 1)[0], letter['raw'])
      assert.equal((JSON.parse(letter['raw'] as string) as { n: number }).n, (letter['document'] as { n: number }).n)
    }

    const early = await dlq('replay', '--data-dir', r.dataDir)
    assert.deepEqual([early.status, early.lines[0]!['done'], early.lines[0]!['refused']], [1, 0, 100], early.stderr)
    const still = await r.letters()
    assert.deepEqual(idsOf(still), idsOf(letters))
    assert.deepEqual([still.length, still[0]!['tries']], [100, 2])

    await r.fix()
    const one = await dlq('replay', bad['id'] as string, '--data-dir', r.dataDir)
    assert.deepEqual([one.status, one.lines[0]!['done']], [0, 1], one.stderr)
    assert.equal(await r.count(), 201)
    const rest = await dlq('replay', '--data-dir', r.dataDir)
    assert.deepEqual([rest.status, rest.lines[0]!['done'], rest.lines[0]!['refused']], [0, 99, 0], rest.stderr)
    assert.equal(await r.count(), 300)
    assert.deepEqual(await r.letters(), [])
    assert.equal(await yarder.metric(LETTERS), 0)
    const again = await dlq('replay', '--data-dir', r.dataDir)
    assert.equal(again.status, 0, again.stderr)
    assert.equal(await r.count(), 300)
    assert.equal((await yarder.end()).code, 0)
  })
}

const skip = (await elasticsearchMissing('elasticsearch-8.19')) ?? false

test(
  'SIGKILL in the middle of a replay, before and after the fix: no letter lost or doubled, each stored once',
  { skip },
  async t => {
    const r = await rig(t, 'elasticsearch-8.19')
    let yarder = await r.start()
    r.write(5000, 4000, 0)
    await until('the letters', async () => (await yarder.metric(LETTERS)) === 4000, 60_000)
    await until('the good ones', async () => (await r.count()) === 1000)
    const ids = idsOf(await r.letters())
    assert.equal(ids.size, 4000)
    /** Kills the agent once a replay has got so far, and starts it again. */
    const killAt = async (result: string, least: number): Promise<void> => {
      const series = `yarder_output_dead_letter_replayed_total{output="elastic",result="${result}"}`
      const replay = dlq('replay', '--data-dir', r.dataDir)
      await until(`${least} ${result}`, async () => (await yarder.metric(series)) >= least, 30_000)
      await yarder.end('SIGKILL')
      const told = await replay
      assert.equal(told.status, 1, 'a replay whose agent was killed has failed')
      assert.match(told.stderr, /the agent went away in the middle; what was not acknowledged is kept/)
      yarder = await r.start()
    }
    for (const least of [100, 700, 1500]) {
      await killAt('refused', least)
      const letters = await r.letters()
      assert.equal(letters.length, 4000)
      assert.deepEqual(idsOf(letters), ids)
    }
    assert.equal(await r.count(), 1000)
    await r.fix()
    for (const least of [100, 700]) {
      await killAt('delivered', least)
      const left = await r.letters()
      assert.ok(left.length < 4000 && left.length > 0, `${left.length}`)
      assert.equal(idsOf(left).size, left.length)
      assert.ok((await r.count()) + left.length >= 5000)
    }
    const rest = await dlq('replay', '--data-dir', r.dataDir)
    assert.equal(rest.status, 0, rest.stderr)
    assert.equal(await r.count(), 5000)
    assert.deepEqual(await r.letters(), [])
    assert.equal((await yarder.end()).code, 0)
  }
)

test('a stopped agent is stood in for with its configuration; drop wants to know what', { skip }, async t => {
  const r = await rig(t, 'elasticsearch-8.19')
  const yarder = await r.start()
  r.write(30, 20, 0)
  await until('the letters', async () => (await yarder.metric(LETTERS)) === 20)
  const [first] = await r.letters()
  const dropped = await dlq('drop', first!['id'] as string, '--data-dir', r.dataDir)
  assert.deepEqual([dropped.status, dropped.lines[0]!['done']], [0, 1], dropped.stderr)
  assert.equal((await yarder.end()).code, 0)
  const without = await dlq('replay', '--data-dir', r.dataDir)
  assert.equal(without.status, 1)
  assert.match(without.stderr, /no agent runs with .*; start it, or give its configuration with -c/)
  await r.fix()
  const replayed = await dlq('replay', '-c', r.config)
  assert.deepEqual([replayed.status, replayed.lines[0]!['done']], [0, 19], replayed.stderr)
  assert.equal(await r.count(), 29)
  assert.deepEqual(await r.letters(), [])
  const none = await dlq('drop', '--data-dir', r.dataDir)
  assert.equal(none.status, 2)
  assert.match(none.stderr, /name letters .* or give --all/)
})
