// The table that a run ends with.

/** What one lane found. */
export interface Row {
  readonly file: string
  readonly lane: string
  readonly fault: string
  readonly tries: number
  /** Lines. */
  readonly written: number
  readonly lost: number
  readonly doubled: number
  readonly seconds: number
  readonly passed: boolean
  readonly note: string
}

/** Rows as text for a terminal, numbers to the right, with their sums. */
export function tableOf(rows: readonly Row[]): string {
  const sum = (of: (row: Row) => number): string => whole(rows.reduce((n, row) => n + of(row), 0))
  const cells = [
    ['fault', 'tries', 'lines written', 'lost', 'doubled', 'seconds', ''],
    ...rows.map(row => [
      row.fault,
      whole(row.tries),
      whole(row.written),
      whole(row.lost),
      whole(row.doubled),
      row.seconds.toFixed(1),
      [row.passed ? '' : 'FAILED', row.note].filter(Boolean).join(' ')
    ]),
    [`${rows.length} lanes`, sum(r => r.tries), sum(r => r.written), sum(r => r.lost), sum(r => r.doubled), '', '']
  ]
  const widths = cells[0]!.map((_, i) => Math.max(...cells.map(row => row[i]!.length)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === 0 || i === 6 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd()
  return cells.map(line).join('\n')
}

const whole = (n: number): string => n.toLocaleString('en-US')
