// `heartbeat` check: something must report within a time, or it is taken for dead.
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { defineCheck } from '../../core/component.ts'
import type { Context } from '../../core/component.ts'
import { errnoOf, YarderError } from '../../core/errors.ts'
import { duration, optional, string } from '../../core/field.ts'
import { FileSystems } from '../file-systems.ts'
import { awaitedSince, lastBeat } from '../heartbeats.ts'
import type { Beat } from '../heartbeats.ts'
import { elsewhere, notSeen } from '../sandbox.ts'
import { onlyInAgent, sharedOf } from '../shared.ts'

export const heartbeat = defineCheck({
  name: 'heartbeat',
  summary: 'Waits for signs of life; critical when the last one is too long ago.',
  description:
    'A job reports at its end with `yarder check beat NAME`, or `yarder check beat NAME --failed "why"`; the name is that of the check. With `file` a touch of that file is the sign instead, for jobs that cannot run `yarder`. Beats are kept over restarts. One that never came is late once the check has waited for `within`.',
  fields: {
    within: duration('The longest time between two signs.', { example: '25h', min: '1s', max: '400d' }),
    file: optional(string('File whose time of change is the sign.', { example: '/run/backup.done' }))
  },
  examples: [
    { title: 'The nightly backup reports', yaml: 'type: heartbeat\nwithin: 25h' },
    { title: 'A job that touches a file', yaml: 'type: heartbeat\nwithin: 10m\nfile: /run/sync.done' }
  ],
  build(o, context) {
    const path = o.file === undefined ? undefined : resolve(context.configDir, o.file)
    const systems = sharedOf(context, FileSystems)
    if (path === undefined && context.once && context.agent === undefined) return async () => onlyInAgent('beats')
    return async signal => {
      try {
        const now = context.clock.now()
        const last = path === undefined ? lastBeat(context.state, context.name) : await touched(systems, path, signal)
        const since = last?.at ?? awaitedSince(context.state, context.name, now)
        const age = Math.max(0, now - since) / 1000
        const values = { age_seconds: age }
        const ago = `${Math.round(age)} s ago`
        if (age * 1000 > o.within) {
          const message =
            last === undefined ? `no sign of life for ${Math.round(age)} s` : `the last sign of life was ${ago}`
          return {
            state: 'critical',
            reason: 'age',
            message: `${message}, expected within ${o.within / 1000} s`,
            values
          }
        }
        if (last === undefined) return { state: 'unknown', reason: 'missing', message: notYet(context, path), values }
        const said = last.message === '' ? '' : `: ${last.message}`
        if (!last.ok)
          return { state: 'critical', reason: 'exit', message: `a failure was reported ${ago}${said}`, values }
        return { state: 'ok', reason: 'ok', message: `the last sign of life was ${ago}${said}`, values }
      } catch (error) {
        return { state: 'unknown', reason: 'permission', message: notSeen(error) }
      }
    }
  }
})

const notYet = ({ name }: Context, path: string | undefined): string =>
  `no sign of life yet; it is given by ${path === undefined ? `yarder check beat ${name}` : `a change of ${path}`}`

async function touched(systems: FileSystems, path: string, signal: AbortSignal): Promise<Beat | undefined> {
  try {
    return { at: (await systems.ask(path, signal, () => stat(path))).mtimeMs, ok: true, message: '' }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    const hidden = elsewhere(path)
    if (hidden !== undefined) throw new YarderError('RUNTIME', hidden)
    return undefined
  }
}
