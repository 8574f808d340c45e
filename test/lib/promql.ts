// Which metrics and labels an expression of PromQL speaks of, as far as alerts and dashboards use the language.

/** Labels of each metric there is, by its name as Prometheus stores it. */
export type Declared = ReadonlyMap<string, ReadonlySet<string>>

/** Those that Prometheus itself gives to what it scrapes. */
const TARGET = ['job', 'instance']
const CLAUSE = /\b(?:by|on|ignoring|without|group_left|group_right)\s*\(([^)]*)\)/g
const KEYWORDS = new Set([
  'and',
  'or',
  'unless',
  'offset',
  'bool',
  'by',
  'on',
  'group_left',
  'group_right',
  'inf',
  'nan'
])
const WORDS_AND_SELECTORS = /([A-Za-z_:][\w:]*)\s*(\(|\{(?:[^}"]|"[^"]*")*\})?/g

/** What of the expression does not exist, a line each; `used` are labels that its legend or its words name besides. */
export function promqlFaults(expression: string, declared: Declared, used: readonly string[] = []): string[] {
  const faults: string[] = []
  const known = new Set(TARGET)
  const grouping = [...expression.matchAll(CLAUSE)].flatMap(match => match[1]!.split(',').map(label => label.trim()))
  // Ranges are durations or variables of Grafana; names are left.
  const rest = expression.replaceAll(CLAUSE, ' ').replaceAll(/\[[^\]]*\]|\boffset\s+\w+/g, '')
  let metrics = 0
  for (const [, name = '', after = ''] of rest.matchAll(WORDS_AND_SELECTORS)) {
    if (after === '(' || KEYWORDS.has(name)) continue
    metrics++
    const labels = declared.get(name)
    if (labels === undefined) {
      faults.push(`no metric ${name}`)
      continue
    }
    for (const label of labels) known.add(label)
    for (const [, label = ''] of after.matchAll(/([A-Za-z_]\w*)\s*(?:=~|!~|!=|=)/g))
      if (!labels.has(label) && !TARGET.includes(label)) faults.push(`${name} has no label ${label}`)
  }
  if (metrics === 0) faults.push('no metric at all')
  for (const label of [...grouping, ...used])
    if (label !== '' && !known.has(label)) faults.push(`no metric of it has a label ${label}`)
  return faults
}
