// What the control socket can ask of the running agent.
import type { LogService } from '../service/log.ts'
import type { Store } from '../metrics/store.ts'
import type { Clock } from '../core/clock.ts'
import type { ControlActions } from './admin.ts'
import type { Assembly } from './assembly.ts'
import { deadLetterActions } from './dead-letters.ts'
import { listMetrics } from './metric-list.ts'
import { answerPositions } from './positions.ts'
import type { Pausable } from './positions.ts'

export interface ActionsOptions {
  readonly agent: Pausable
  readonly assembly: Pick<Assembly, 'outlets' | 'health'>
  readonly store: Store
  readonly logs: LogService
  readonly clock: Clock
}

export function controlActions({ agent, assembly, store, logs, clock }: ActionsOptions): ControlActions {
  return {
    ...assembly.health.actions(),
    ...deadLetterActions(() => agent.dataDir, assembly.outlets, clock),
    'metrics-list': async () => ({ metrics: await listMetrics(store) }),
    positions: body => answerPositions(body, agent),
    'log-level': body => {
      const { subsystem, level, forMs } = (body ?? {}) as { subsystem?: string; level?: number; forMs?: number }
      if (typeof subsystem === 'string' && typeof level === 'number') logs.setLevel(subsystem, level, forMs)
      return { levels: logs.levels() }
    }
  }
}
