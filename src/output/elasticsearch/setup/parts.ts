// What a cluster should have before records come: a lifecycle policy, an index template, the data stream or first index.
import { createHash } from 'node:crypto'
import type { Context, SetupOptions } from '../../../core/component.ts'
import { isMap } from '../../../core/field.ts'
import { mappingsOf } from './mapping.ts'

/** How the records of an output are named in the cluster. */
export interface Target {
  readonly schema: Context['schema']
  /** `type-dataset-namespace`, or the text of the option `index`. */
  readonly name: string
  readonly kind: 'data stream' | 'index' | 'alias'
}

export type Product = 'elasticsearch' | 'opensearch'

/** One thing to be there. `path` answers GET when it is, and takes it by PUT. */
export interface Part {
  readonly what: string
  readonly path: string
  readonly put: string
  readonly body: Record<string, unknown> | undefined
  /** What is kept of ours in the answer to GET; undefined when somebody else made it, or nobody can tell. */
  mark(answer: unknown): string | undefined
  /** What our own would be marked with. */
  readonly wanted: string
  /** Query of a PUT that replaces it. */
  replace(answer: unknown): string
}

/** Above those that come with the servers (100), below those of Fleet (200). */
const PRIORITY = 150
const MAKER = 'yarder'
const ROLLOVER = { size: '50gb', days: 30 }

/** All parts, in the order in which they need one another. */
export function partsOf(target: Target, o: SetupOptions, product: Product, lifecycle: boolean): Part[] {
  const base = baseOf(target)
  const policy = policyOf(base, target, o, product)
  const parts = policy !== undefined && lifecycle ? [policy] : []
  parts.push(templateOf(base, target, policy !== undefined && lifecycle && product === 'elasticsearch'))
  const home = homeOf(target)
  if (home !== undefined) parts.push(home)
  return parts
}

/** The constant beginning of the names. */
function baseOf({ kind, name }: Target): string {
  if (kind === 'data stream') return name.split('-', 2).join('-')
  return name.replace(/%\{.*$/, '').replace(/[-_.+]+$/, '')
}

function patternOf(base: string, { kind, name }: Target): string {
  if (kind === 'data stream' || kind === 'alias') return `${base}-*`
  return name.includes('%{') ? `${name.slice(0, name.indexOf('%{'))}*` : name
}

const fingerprint = (body: object): string =>
  createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 12)

const get = (holder: unknown, ...keys: readonly (string | number)[]): unknown =>
  keys.reduce<unknown>(
    (at, key) => (Array.isArray(at) ? at[key as number] : isMap(at) ? at[key as string] : undefined),
    holder
  )

const ours = (meta: unknown): string | undefined =>
  get(meta, 'managed_by') === MAKER ? String(get(meta, 'fingerprint')) : undefined

function templateOf(base: string, target: Target, managed: boolean): Part {
  const name = `${MAKER}-${base}`
  const settings: Record<string, unknown> = { 'index.auto_expand_replicas': '0-1' }
  if (managed) settings['index.lifecycle.name'] = name
  if (managed && target.kind === 'alias') settings['index.lifecycle.rollover_alias'] = target.name
  const body = {
    index_patterns: [patternOf(base, target)],
    ...(target.kind === 'data stream' ? { data_stream: {} } : {}),
    priority: PRIORITY,
    template: { settings, mappings: mappingsOf(target.schema) }
  }
  const wanted = fingerprint(body)
  return {
    what: `index template ${name}`,
    path: `_index_template/${name}`,
    put: `_index_template/${name}`,
    body: { ...body, _meta: { managed_by: MAKER, schema: target.schema, fingerprint: wanted } },
    mark: answer => ours(get(answer, 'index_templates', 0, 'index_template', '_meta')),
    wanted,
    replace: () => ''
  }
}

/** Nothing to roll over and nothing to delete needs no policy. */
function policyOf(base: string, target: Target, o: SetupOptions, product: Product): Part | undefined {
  const rolls = target.kind !== 'index'
  if (!rolls && o.retentionDays === undefined) return undefined
  const name = `${MAKER}-${base}`
  return product === 'elasticsearch'
    ? elasticPolicy(name, rolls, o.retentionDays)
    : openPolicy(name, patternOf(base, target), rolls, o.retentionDays)
}

function elasticPolicy(name: string, rolls: boolean, days: number | undefined): Part {
  const rollover = { rollover: { max_primary_shard_size: ROLLOVER.size, max_age: `${ROLLOVER.days}d` } }
  const phases = {
    hot: { actions: rolls ? rollover : {} },
    ...(days === undefined ? {} : { delete: { min_age: `${days}d`, actions: { delete: {} } } })
  }
  const wanted = fingerprint(phases)
  return {
    what: `lifecycle policy ${name}`,
    path: `_ilm/policy/${name}`,
    put: `_ilm/policy/${name}`,
    body: { policy: { phases, _meta: { managed_by: MAKER, fingerprint: wanted } } },
    mark: answer => ours(get(answer, name, 'policy', '_meta')),
    wanted,
    replace: () => ''
  }
}

/** Index State Management finds its indices by a pattern of its own, and has no place for a mark but the description. */
function openPolicy(name: string, pattern: string, rolls: boolean, days: number | undefined): Part {
  const rollover = { rollover: { min_primary_shard_size: ROLLOVER.size, min_index_age: `${ROLLOVER.days}d` } }
  const toDelete = { state_name: 'delete', conditions: { min_index_age: `${days}d` } }
  const states = [
    { name: 'hot', actions: rolls ? [rollover] : [], transitions: days === undefined ? [] : [toDelete] },
    ...(days === undefined ? [] : [{ name: 'delete', actions: [{ delete: {} }], transitions: [] }])
  ]
  const policy = { default_state: 'hot', states, ism_template: [{ index_patterns: [pattern], priority: PRIORITY }] }
  const wanted = fingerprint(policy)
  const marked = /^Made by yarder, (\w+)/
  return {
    what: `state management policy ${name}`,
    path: `_plugins/_ism/policies/${name}`,
    put: `_plugins/_ism/policies/${name}`,
    body: { policy: { description: `Made by yarder, ${wanted}`, ...policy } },
    mark: answer => marked.exec(String(get(answer, 'policy', 'description')))?.[1],
    wanted,
    replace: answer =>
      `?if_seq_no=${String(get(answer, '_seq_no'))}&if_primary_term=${String(get(answer, '_primary_term'))}`
  }
}

/** Data is never replaced: what is there stays, whoever made it. */
function homeOf({ kind, name }: Target): Part | undefined {
  if (kind === 'index') return undefined
  const stream = kind === 'data stream'
  return {
    what: stream ? `data stream ${name}` : `index ${name}-000001 behind the alias ${name}`,
    path: stream ? `_data_stream/${name}` : `_alias/${name}`,
    put: stream ? `_data_stream/${name}` : `${name}-000001`,
    body: stream ? undefined : { aliases: { [name]: { is_write_index: true } } },
    mark: () => 'data',
    wanted: 'data',
    replace: () => ''
  }
}
