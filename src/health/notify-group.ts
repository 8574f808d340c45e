// Several notifications as one, for a storm of them.
import type { CheckState, Notification } from '../core/component.ts'

/** From the worst on. */
const ORDER: readonly CheckState[] = ['critical', 'warning', 'unknown', 'ok']
/** Names of one state that are told. */
const MAX_NAMES = 20

/** One as it is; of several what is the last word on each check, the worst first. */
export function groupOf(notifications: readonly Notification[]): Notification {
  const last = [...new Map(notifications.map(n => [n.check, n])).values()]
  if (last.length === 1) return last[0]!
  const parts = ORDER.flatMap(state => {
    const names = last.filter(n => n.state === state).map(n => n.check)
    const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : ''
    return names.length === 0 ? [] : [`${state}: ${names.slice(0, MAX_NAMES).join(', ')}${more}`]
  })
  const worst = ORDER.map(state => last.find(n => n.state === state)).find(n => n !== undefined)!
  return { ...worst, check: `${last.length} checks`, type: 'group', message: parts.join('; '), owner: undefined }
}
