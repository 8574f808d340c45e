// Against answers as the documentation of ILM and ISM has them; what real servers without them do, test/e2e/setup.test.ts shows.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SetupOptions } from '../../../core/component.ts'
import type { HttpResponse } from '../../../core/http.ts'
import { mappingsOf } from './mapping.ts'
import type { Target } from './parts.ts'
import { printSetup, runSetup } from './run.ts'

const NOTHING: SetupOptions = { dry: false, force: false, retentionDays: undefined }
const INDEX: Target = { schema: 'logstash', name: 'logstash-%{+yyyy.MM.dd}', kind: 'index' }
const STREAM: Target = { schema: 'ecs', name: 'logs-nginx-shop-eu', kind: 'data stream' }
const ALIAS: Target = { schema: 'ecs', name: 'weblogs', kind: 'alias' }

type Json = Record<string, unknown>

/** Keeps what is put and gives it back in the form of each interface. */
class Cluster {
  readonly kept = new Map<string, Json>()
  readonly puts: string[] = []
  readonly #distribution: string | undefined
  readonly #lacks: RegExp

  constructor(distribution?: string, lacks = /^$/) {
    this.#distribution = distribution
    this.#lacks = lacks
  }

  readonly ask = (method: 'GET' | 'PUT', path: string, body?: object): Promise<HttpResponse> => {
    const [at = ''] = path.split('?')
    if (at === '') return answer(200, { version: { number: '1', distribution: this.#distribution } })
    if (this.#lacks.test(at)) return answer(400, { error: `no handler found for uri [/${at}] and method [${method}]` })
    if (method === 'PUT') {
      this.puts.push(path)
      this.kept.set(at === 'weblogs-000001' ? '_alias/weblogs' : at, (body ?? {}) as Json)
      return answer(200, { acknowledged: true })
    }
    const kept = this.kept.get(at)
    if (kept === undefined)
      return answer(404, { error: { type: 'resource_not_found_exception', reason: at }, status: 404 })
    const name = at.split('/').at(-1)!
    if (at.startsWith('_ilm')) return answer(200, { [name]: { version: 1, ...kept } })
    if (at.startsWith('_plugins')) return answer(200, { _id: name, _seq_no: 7, _primary_term: 2, ...kept })
    return answer(200, { index_templates: [{ name, index_template: kept }] })
  }
}

const answer = (status: number, body: object): Promise<HttpResponse> =>
  Promise.resolve({ status, headers: {}, body: Buffer.from(JSON.stringify(body)), truncated: false })

async function outcomes(target: Target, cluster: Cluster, more: Partial<SetupOptions> = {}): Promise<string[]> {
  const steps = await runSetup(target, { ...NOTHING, ...more }, cluster.ask)
  return steps.map(step => `${step.what}: ${step.outcome}`)
}

test('a data stream gets its policy, its template, and itself, in this order; a second time nothing happens', async () => {
  const cluster = new Cluster()
  const parts = [
    'lifecycle policy yarder-logs-nginx',
    'index template yarder-logs-nginx',
    'data stream logs-nginx-shop-eu'
  ]
  assert.deepEqual(
    await outcomes(STREAM, cluster),
    parts.map(p => `${p}: made`)
  )
  const template = cluster.kept.get('_index_template/yarder-logs-nginx') as { template: { settings: Json } } & Json
  assert.deepEqual([template['index_patterns'], template['data_stream']], [['logs-nginx-*'], {}])
  assert.equal(template.template.settings['index.lifecycle.name'], 'yarder-logs-nginx')
  const policy = cluster.kept.get('_ilm/policy/yarder-logs-nginx') as { policy: { phases: Json } }
  assert.deepEqual(Object.keys(policy.policy.phases), ['hot'], 'nothing is deleted unless somebody asks for it')
  const before = cluster.puts.length
  assert.deepEqual(
    await outcomes(STREAM, cluster),
    parts.map(p => `${p}: kept`)
  )
  assert.equal(cluster.puts.length, before)
})

test('an alias gets its first index, and its template the name to roll over', async () => {
  const cluster = new Cluster()
  assert.equal((await outcomes(ALIAS, cluster)).at(-1), 'index weblogs-000001 behind the alias weblogs: made')
  const template = cluster.kept.get('_index_template/yarder-weblogs') as { template: { settings: Json } } & Json
  assert.equal(template.template.settings['index.lifecycle.rollover_alias'], 'weblogs')
  assert.deepEqual(cluster.kept.get('_alias/weblogs'), { aliases: { weblogs: { is_write_index: true } } })
})

test('indices of a day get a policy only to be deleted, and without lifecycle management a template without it', async () => {
  assert.deepEqual(await outcomes(INDEX, new Cluster()), ['index template yarder-logstash: made'])
  const kept = new Cluster()
  assert.equal((await outcomes(INDEX, kept, { retentionDays: 90 })).length, 2)
  const policy = kept.kept.get('_ilm/policy/yarder-logstash') as { policy: { phases: { delete: Json; hot: Json } } }
  assert.deepEqual([policy.policy.phases.delete['min_age'], policy.policy.phases.hot], ['90d', { actions: {} }])
  const bare = new Cluster(undefined, /^_ilm/)
  assert.deepEqual(await outcomes(INDEX, bare, { retentionDays: 90 }), [
    'lifecycle policy yarder-logstash: unsupported',
    'index template yarder-logstash: made'
  ])
  assert.doesNotMatch(JSON.stringify(bare.kept.get('_index_template/yarder-logstash')), /lifecycle/)
})

test('OpenSearch gets a state management policy, replaced under the sequence number that it has', async () => {
  const cluster = new Cluster('opensearch')
  assert.deepEqual(await outcomes(INDEX, cluster, { retentionDays: 7 }), [
    'state management policy yarder-logstash: made',
    'index template yarder-logstash: made'
  ])
  assert.doesNotMatch(JSON.stringify(cluster.kept.get('_index_template/yarder-logstash')), /lifecycle/)
  assert.deepEqual(await outcomes(INDEX, cluster, { retentionDays: 8, force: true }), [
    'state management policy yarder-logstash: replaced',
    'index template yarder-logstash: kept'
  ])
  assert.equal(cluster.puts.at(-1), '_plugins/_ism/policies/yarder-logstash?if_seq_no=7&if_primary_term=2')
})

test('our own of another configuration is replaced by force only, and what others made never', async () => {
  const cluster = new Cluster()
  await outcomes(INDEX, cluster)
  const ecs: Target = { ...INDEX, schema: 'ecs' }
  const [step] = await runSetup(ecs, NOTHING, cluster.ask)
  assert.deepEqual([step!.outcome, /--force/.test(step!.detail!)], ['kept', true])
  assert.deepEqual(await outcomes(ecs, cluster, { force: true, dry: true }), [
    'index template yarder-logstash: missing'
  ])
  assert.deepEqual(await outcomes(ecs, cluster, { force: true }), ['index template yarder-logstash: replaced'])
  cluster.kept.set('_index_template/yarder-logstash', { index_patterns: ['x'] })
  assert.deepEqual(await outcomes(INDEX, cluster), ['index template yarder-logstash: kept'])
  assert.deepEqual(await outcomes(INDEX, cluster, { force: true }), ['index template yarder-logstash: refused'])
  assert.deepEqual(cluster.kept.get('_index_template/yarder-logstash'), { index_patterns: ['x'] })
})

test('a look changes nothing, and what is printed needs nobody', async () => {
  const cluster = new Cluster()
  const dry = await outcomes(STREAM, cluster, { dry: true })
  assert.ok(dry.every(line => line.endsWith(': missing')))
  assert.deepEqual(cluster.puts, [])
  const text = printSetup(STREAM, { ...NOTHING, retentionDays: 30 })
  assert.deepEqual(text.match(/^PUT .*/gm), [
    'PUT _ilm/policy/yarder-logs-nginx',
    'PUT _index_template/yarder-logs-nginx',
    'PUT _data_stream/logs-nginx-shop-eu'
  ])
  assert.match(text, /"min_age": "30d"/)
})

test('a server that lets nobody in, or refuses a template, says so', async () => {
  const refusing = async (method: 'GET' | 'PUT', path: string): Promise<HttpResponse> =>
    method === 'PUT'
      ? answer(400, {
          error: { type: 'illegal_argument_exception', reason: 'another template matches with this priority' }
        })
      : path === ''
        ? answer(403, {})
        : answer(404, {})
  const steps = await runSetup(INDEX, NOTHING, refusing)
  assert.deepEqual([steps[0]!.outcome, steps.length], ['refused', 1])
  assert.match(steps[0]!.detail!, /another template/)
  await assert.rejects(
    runSetup(INDEX, NOTHING, () => answer(401, {})),
    /unauthorised/
  )
  await assert.rejects(
    runSetup(INDEX, NOTHING, (_, p) => answer(p === '' ? 200 : 403, {})),
    /forbidden/
  )
})

test('no field of a mapping is both a value and an object', () => {
  for (const schema of ['logstash', 'ecs'] as const) {
    const walk = (properties: Json): void => {
      for (const mapping of Object.values(properties) as Json[]) {
        assert.ok((mapping['type'] === undefined) !== (mapping['properties'] === undefined))
        if (mapping['properties'] !== undefined) walk(mapping['properties'] as Json)
      }
    }
    walk(mappingsOf(schema)['properties'] as Json)
  }
})
