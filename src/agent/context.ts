// The surroundings that components are built with.
import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { Context } from '../core/component.ts'
import type { Event } from '../core/event.ts'
import type { Instruments } from '../core/instruments.ts'
import type { State } from '../core/state.ts'
import type { LogService } from '../service/log.ts'
import type { CheckedConfig } from './components.ts'
import { identityFields } from './identity.ts'

export interface Surroundings {
  readonly checked: CheckedConfig
  readonly logs: LogService
  readonly clock: Clock
  readonly instruments: Instruments
  readonly state: State
  readonly dataDir: string
  readonly configDir: string
  readonly env: NodeJS.ProcessEnv
  readonly version: string
  readonly once: boolean
}

/** Makes contexts: `kind` is the subsystem of its log, `extra` are fields of one input's records. */
export type MakeContext = (kind: string, name: string, outputs?: readonly string[], extra?: Extra) => Context

/** A stable identity of this agent, made at its first start and kept in its state. */
function agentId(state: State): string {
  const known = state.get('agent', 'id')
  if (typeof known === 'string') return known
  const id = randomUUID()
  state.set('agent', 'id', id)
  return id
}

export function contextMaker(s: Surroundings): MakeContext {
  const { environment, region, fields, tags, schema, timezone } = s.checked.sections.agent.values
  const base = identityFields({
    environment,
    region,
    fields,
    tags,
    schema,
    version: s.version,
    agentId: agentId(s.state)
  })
  return (kind, name, outputs = [], extra) => ({
    name,
    log: s.logs.root.child(kind, { [kind]: name }),
    clock: s.clock,
    instruments: s.instruments,
    state: s.state,
    dataDir: s.dataDir,
    configDir: s.configDir,
    schema,
    timezone: timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    constants: withExtra(base, extra),
    once: s.once,
    outputs,
    metered: extra?.metered === true
  })
}

interface Extra {
  readonly metered: boolean
  readonly fields: Readonly<Record<string, unknown>>
  readonly tags: readonly string[]
}

function withExtra(base: Event, extra: Extra | undefined): Event {
  if (extra === undefined) return base
  const out: Event = { ...base }
  if (Object.keys(extra.fields).length > 0)
    out['fields'] = { ...(base['fields'] as object | undefined), ...extra.fields }
  if (extra.tags.length > 0)
    out['tags'] = [...new Set([...((base['tags'] as string[] | undefined) ?? []), ...extra.tags])]
  return out
}
