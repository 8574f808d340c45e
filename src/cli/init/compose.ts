// Writes a configuration for a host: text with comments, as a person would.
import { toYaml } from '../../config/yaml.ts'
import type { Host } from './host.ts'
import { PIPELINES, RECIPES } from './recipes.ts'
import type { LogRecipe, Recipe } from './recipes.ts'

export interface Composed {
  readonly text: string
  /** What it is for: `nginx`, `PostgreSQL`. */
  readonly found: readonly string[]
  /** What the person should know who has asked for it. */
  readonly notes: readonly string[]
}

interface Found {
  readonly recipe: Recipe
  readonly unit: string | undefined
  readonly ports: readonly number[]
  readonly logs: readonly { readonly log: LogRecipe; readonly paths: readonly string[] }[]
}

/** The whole file. The same host gives the same text. */
export function compose(host: Host): Composed {
  const found = RECIPES.map(recipe => findOn(host, recipe)).filter(f => f.logs.length > 0 || f.unit !== undefined)
  const sections = [head(), inputs(host, found), pipelines(found), metrics(found), checks(found), outputs(host)]
  return {
    text: `${sections
      .filter(part => part.length > 0)
      .map(part => part.join('\n'))
      .join('\n\n')}\n`,
    found: found.map(f => f.recipe.title),
    notes: notesOn(found)
  }
}

function findOn(host: Host, recipe: Recipe): Found {
  const unit = recipe.units.find(name => host.units.has(name))
  const logs = recipe.logs
    .map(log => ({ log, paths: log.paths.filter(path => host.has(path)) }))
    .filter(({ paths }) => paths.length > 0)
  return { recipe, unit, ports: recipe.ports.filter(port => host.ports.has(port)), logs }
}

const head = (): string[] => [
  '# Written by `yarder init` for what it found on this host; yours to change. What each option does: yarder docs NAME.',
  '#   yarder validate -c FILE      is it right?',
  '#   sudo yarder doctor -c FILE   can everything in it be read and reached?'
]

function inputs(host: Host, found: readonly Found[]): string[] {
  const blocks = found.flatMap(({ recipe, logs }) => logs.map(one => ({ title: recipe.title, ...one })))
  const journal = journalAlone(host, found) ? JOURNAL : []
  if (blocks.length + journal.length === 0)
    return [
      '# No log that yarder knows was found. This is how one is followed:',
      '# inputs:',
      '#   app: { type: file, paths: [/var/log/app/*.log], pipeline: [auto: {}] }'
    ]
  return ['inputs:', ...blocks.flatMap(({ title, log, paths }) => inputLines(title, log, paths)), ...journal]
}

const JOURNAL = [
  '  # Of the system, and of every service that logs to the journal; `units: [NAME]` chooses some.',
  '  journal: { type: journald }'
]

/** No syslog daemon writes files of what the journal has. */
const journalAlone = (host: Host, found: readonly Found[]): boolean =>
  (host.has('/var/log/journal') || host.has('/run/log/journal')) &&
  !found.some(f => f.logs.some(({ log }) => log.input === 'syslog'))

function inputLines(
  title: string,
  { input, exclude, options = [], pipeline, note }: LogRecipe,
  paths: readonly string[]
): string[] {
  return [
    `  # Of ${title}.${note === undefined ? '' : ` ${note}`}`,
    `  ${input}:`,
    '    type: file',
    `    paths: [${paths.map(path => `'${path}'`).join(', ')}]`,
    ...(exclude === undefined ? [] : [`    exclude: [${exclude.map(name => `'${name}'`).join(', ')}]`]),
    ...options.map(line => `    ${line}`),
    `    pipeline: ${pipeline}`
  ]
}

function pipelines(found: readonly Found[]): string[] {
  const used = new Set(found.flatMap(f => f.logs.map(({ log }) => log.pipeline)))
  if (used.size === 0) return []
  const all = Object.entries(PIPELINES).filter(([name]) => used.has(name as keyof typeof PIPELINES))
  return [
    'pipelines:',
    ...all.flatMap(([name, { note, steps }]) => [`  # ${note}`, `  ${name}:`, ...steps.map(step => `    - ${step}`)])
  ]
}

function metrics(found: readonly Found[]): string[] {
  const lines = found.flatMap(f => f.logs.flatMap(({ log }) => entries(log.metrics)))
  return lines.length === 0 ? [] : ['# Shown on http://127.0.0.1:9680/metrics, for Prometheus.', 'metrics:', ...lines]
}

function checks(found: readonly Found[]): string[] {
  const own = found.flatMap(({ recipe, unit, ports, logs }) => [
    ...(unit === undefined ? [] : [`  # ${recipe.title}`, `  ${unit}: { type: systemd_unit, unit: ${unit} }`]),
    ...(unit === undefined ? [] : ports.map(port => `  ${unit}_port_${port}: { type: port, port: ${port} }`)),
    ...logs.flatMap(({ log }) => entries(log.checks))
  ])
  return [
    '# Shown on http://127.0.0.1:9680/health and by `yarder check`.',
    'checks:',
    '  # The host',
    '  disk: { type: disk, path: /, every: 1m }',
    '  memory: { type: memory, every: 30s }',
    '  load: { type: load, every: 30s }',
    ...own
  ]
}

const entries = (units: LogRecipe['checks'] = {}): string[] =>
  Object.entries(units).flatMap(([name, options]) =>
    toYaml({ [name]: options })
      .trimEnd()
      .split('\n')
      .map(line => `  ${line}`)
  )

const ELASTICSEARCH = 9200
const BEATS = 5044
const CA = '/etc/elasticsearch/certs/http_ca.crt'

function outputs(host: Host): string[] {
  const found: string[] = []
  if (host.ports.has(ELASTICSEARCH)) {
    const safe = host.has(CA)
    found.push(
      '  # Something listens on port 9200 of this host.',
      '  elastic:',
      '    type: elasticsearch',
      `    hosts: ['http${safe ? 's' : ''}://localhost:9200']`,
      ...(safe ? [`    tls: { ca_file: ${CA} }`] : []),
      '    # username: yarder',
      '    # password: ${file:/etc/yarder/elastic.password}'
    )
  }
  if (host.ports.has(BEATS) && found.length === 0)
    found.push(
      '  # Something listens on port 5044 of this host.',
      '  logstash:',
      '    type: logstash',
      "    hosts: ['127.0.0.1:5044']"
    )
  if (found.length > 0) return ['outputs:', ...found]
  return [
    '# Neither Elasticsearch nor Logstash was found on this host: records go to a file until you name one.',
    'outputs:',
    '  records: { type: file, path: /var/lib/yarder/records.ndjson }',
    "  # elastic: { type: elasticsearch, hosts: ['https://es.example:9200'], api_key: '${file:/etc/yarder/es.key}' }",
    "  # logstash: { type: logstash, hosts: ['logstash.example:5044'] }"
  ]
}

function notesOn(found: readonly Found[]): string[] {
  const notes: string[] = []
  for (const { recipe, unit, logs } of found)
    if (unit !== undefined && logs.length === 0 && recipe.logs.length > 0)
      notes.push(`${recipe.title} runs, and no log of it was found; perhaps only root may look: run it with sudo`)
  return notes
}
