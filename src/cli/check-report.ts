// `yarder check report`: what the checks of the running agent have brought over some days, all of them side by side.
import { oneLine } from './one-line.ts'
import { percent } from './percent.ts'

/** As the agent answers. */
export interface CheckReport {
  readonly days: number
  readonly checks: readonly {
    readonly check: string
    readonly state: string
    readonly owner?: string
    readonly uptime?: number
    readonly changes: number
    readonly incidents: number
    readonly perDay: number
    readonly over: number
    readonly byThemselves: number
    readonly days: Readonly<Record<string, number>>
  }[]
}

const HEAD = ['CHECK', 'STATE', 'UPTIME', 'CHANGES', 'INCIDENTS', 'A DAY', 'ENDED BY THEMSELVES']

/** A table for people, the check with the most incidents first, and the incidents of each day. */
export function renderReport({ checks, days }: CheckReport): string {
  const sorted = checks.toSorted((a, b) => b.incidents - a.incidents)
  const rows = sorted.map(c => [
    c.check,
    c.state,
    c.uptime === undefined ? '-' : percent(c.uptime),
    String(c.changes),
    String(c.incidents),
    c.perDay.toFixed(1),
    c.over === 0 ? '-' : `${c.byThemselves} of ${c.over} (${Math.round((c.byThemselves / c.over) * 100)} %)`
  ])
  const widths = HEAD.map((head, i) => Math.max(head.length, ...rows.map(row => row[i]!.length)))
  const table = [HEAD, ...rows].map(row =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd()
  )
  const byDay = [...new Set(sorted.flatMap(c => Object.keys(c.days)))].sort().map(day => {
    const told = sorted.filter(c => c.days[day] !== undefined).map(c => `${c.check} ${c.days[day]}`)
    return oneLine(`${day}  ${told.join(', ')}`)
  })
  const none = byDay.length === 0 ? [`no incident within ${days} day${days === 1 ? '' : 's'}`] : byDay
  return `${[...table, '', ...none].join('\n')}\n`
}
