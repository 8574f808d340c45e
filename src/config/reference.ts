// The reference, made from the definitions: pages of Markdown for docs/, text for the terminal.
import { didYouMean } from '../core/field.ts'
import type { Field, Fields } from '../core/field.ts'
import { PIPELINES, TYPE } from './catalog.ts'
import type { Catalog } from './catalog.ts'
import { CONDITION_PAGE_WORDS, CONDITIONS, conditionsPage } from './conditions.ts'
import { exampleConfig } from './example.ts'
import { whenField } from './steps.ts'
import { inlineYaml } from './yaml.ts'

export interface Row {
  readonly name: string
  readonly type: string
  /** `required`, `default x`, or ''. */
  readonly presence: string
  /** Everything there is to say, in sentences. */
  readonly text: string
}

export interface Group {
  readonly title: string
  readonly rows: readonly Row[]
}

/** What a page says, before it is Markdown or plain text. */
export interface Page {
  /** `inputs/file`, `agent`, `steps/grok` */
  readonly path: string
  readonly name: string
  readonly kind: string
  readonly summary: string
  readonly paragraphs: readonly string[]
  readonly groups: readonly Group[]
  readonly examples: ReadonlyArray<{ readonly title: string; readonly yaml: string }>
  /** Pages of its parts. */
  readonly parts: readonly Page[]
}

const STEPS = 'steps'
const GENERATED = "<!-- Generated from the components' definitions; edit those, not this page. -->"

const PIPELINE_TEXT = [
  'A pipeline is a list of steps, worked through in order. A step is a map of its name and its options, such as ' +
    '`- grok: { match: … }`; one that needs no options may be its bare name, such as `- json`.',
  "An input's `pipeline` is the name of one of these, or the list itself."
]

function row(name: string, field: Field<unknown>): Row {
  const presence =
    field.default !== undefined ? `default ${inlineYaml(field.default)}` : field.optional === true ? '' : 'required'
  const text = [
    field.deprecated === undefined ? '' : `Deprecated: ${field.deprecated.replace(/\.$/, '')}.`,
    field.doc,
    field.limits === undefined ? '' : `${field.limits[0]!.toUpperCase()}${field.limits.slice(1)}.`,
    field.example === undefined ? '' : `Example: \`${inlineYaml(field.example)}\`.`
  ]
  return { name, type: field.type, presence, text: text.filter(t => t !== '').join(' ') }
}

/** An option and, indented by their path, those of the map it takes. */
function rows(fields: Fields, prefix = ''): Row[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const path = `${prefix}${name}`
    const inner = field.type.startsWith('list of')
      ? `${path}[].`
      : field.type.startsWith('map of')
        ? `${path}.*.`
        : `${path}.`
    return [row(path, field), ...(field.fields === undefined ? [] : rows(field.fields, inner))]
  })
}

const group = (title: string, fields: Fields): Group[] => {
  const all = rows(fields)
  return all.length === 0 ? [] : [{ title, rows: all }]
}

/** Every page of the reference, sections first. */
export function pagesOf(catalog: Catalog): Page[] {
  const plain = { parts: [], examples: [], paragraphs: [] }
  const sections = Object.entries(catalog.sections).map(([name, s]): Page => ({
    ...plain,
    path: name,
    name,
    kind: 'section',
    summary: s.doc,
    groups: group('Options', s.fields)
  }))
  const units = Object.entries(catalog.units).map(([name, section]): Page => {
    const common = group('Options of every type', section.common)
    const type =
      section.typeFromName === true
        ? `The name is the type, unless \`${TYPE}\` gives one.`
        : section.defaultType === undefined
          ? `\`${TYPE}\` says which kind it is.`
          : `\`${TYPE}\` says which kind it is; \`${section.defaultType}\` when absent.`
    const parts = section.definitions.map((d): Page => ({
      path: `${name}/${d.name}`,
      name: d.name,
      kind: name,
      summary: d.summary,
      paragraphs: d.description === undefined ? [] : d.description.split(/\n{2,}/),
      groups: [...group('Options', d.fields), ...common],
      examples: (d.examples ?? []).map(e => ({ title: e.title, yaml: exampleConfig(catalog, name, d, e) })),
      parts: []
    }))
    const paragraphs = [`A map of names to options. ${type}`]
    return { path: name, name, kind: 'section', summary: section.doc, paragraphs, groups: common, examples: [], parts }
  })
  return [...sections, ...units, pipelinesPage(catalog), conditionsPage()]
}

function pipelinesPage(catalog: Catalog): Page {
  const parts = catalog.steps.map((d): Page => {
    const own = d.fields === undefined ? [] : group('Options', d.fields)
    const value =
      d.value === undefined ? [] : [{ title: 'Value', rows: [row(d.name, d.value), ...rows(d.value.fields ?? {})] }]
    return {
      path: `${STEPS}/${d.name}`,
      name: d.name,
      kind: STEPS,
      summary: d.summary,
      paragraphs: d.description === undefined ? [] : d.description.split(/\n{2,}/),
      groups: [...own, ...value],
      examples: (d.examples ?? []).map(e => ({ title: e.title, yaml: exampleConfig(catalog, STEPS, d, e) })),
      parts: []
    }
  })
  return {
    path: PIPELINES,
    name: PIPELINES,
    kind: 'section',
    summary: 'What is done with records, by name.',
    paragraphs: PIPELINE_TEXT,
    groups: group('Beside or among the options of every step', { when: whenField }),
    examples: [],
    parts
  }
}

/** Files of docs/reference: their names and their Markdown. */
export function referencePages(catalog: Catalog): Map<string, string> {
  const pages = pagesOf(catalog)
  const files = new Map([['README.md', indexPage(pages)]])
  for (const page of pages) {
    files.set(`${page.path}.md`, markdown(page))
    for (const part of page.parts) files.set(`${part.path}.md`, markdown(part))
  }
  return files
}

function indexPage(pages: readonly Page[]): string {
  const lines = pages.flatMap(page => [
    `\n## [${page.name}](${page.path}.md)\n\n${page.summary}\n`,
    ...page.parts.map(part => `- [${part.name}](${part.path}.md): ${part.summary}`)
  ])
  return `${GENERATED}\n# Reference of the configuration\n${lines.join('\n').replaceAll('\n\n\n', '\n\n')}\n`
}

function markdown(page: Page): string {
  const out = [GENERATED, `# \`${page.name}\`${page.kind === 'section' ? '' : ` (${page.kind})`}`, '', page.summary, '']
  for (const paragraph of page.paragraphs) out.push(paragraph, '')
  if (page.parts.length > 0) {
    out.push(...page.parts.map(part => `- [${part.name}](${part.path}.md): ${part.summary}`), '')
  }
  for (const { title, rows: all } of page.groups) {
    out.push(`## ${title}`, '', '| Option | Value | | |', '|---|---|---|---|')
    for (const r of all)
      out.push(`| \`${r.name}\` | ${cell(linked(r.type, page.path))} | ${cell(r.presence)} | ${cell(r.text)} |`)
    out.push('')
  }
  if (page.examples.length > 0) out.push('## Examples', '')
  for (const { title, yaml } of page.examples) out.push(`${title}:`, '', '```yaml', yaml.trimEnd(), '```', '')
  return `${out.join('\n').trimEnd()}\n`
}

/** Leads from the kind of a value to the page about it. */
const linked = (type: string, path: string): string =>
  type === 'condition' && path !== CONDITIONS ? `[condition](${path.includes('/') ? '../' : ''}${CONDITIONS}.md)` : type

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

/** The path or name of the page that a word leads to. */
export function pageNamed(word: string): string {
  return CONDITION_PAGE_WORDS.includes(word) ? CONDITIONS : word.replaceAll('.', '/')
}

/** What `yarder docs [word]` prints: everything in short, or the pages of that name; `error` when there is none. */
export function referenceText(catalog: Catalog, word?: string, width = 80): { text: string } | { error: string } {
  const pages = pagesOf(catalog)
  if (word === undefined) return { text: pages.map(page => overview(page, width)).join('\n') }
  const all = pages.flatMap(page => [page, ...page.parts])
  const wanted = pageNamed(word)
  const found = all.filter(page => page.name === wanted || page.path === wanted)
  const names = [...new Set(all.map(page => page.name))]
  if (found.length === 0) return { error: `nothing is called "${word}"${didYouMean(word, names)}` }
  return { text: found.map(page => plainText(page, width)).join('\n') }
}

function overview(page: Page, width: number): string {
  const longest = Math.max(0, ...page.parts.map(p => p.name.length))
  const parts = page.parts.map(p => wrap(p.summary, width, `  ${p.name.padEnd(longest)}  `))
  return `${wrap(page.summary, width, `${page.name}: `, '  ')}\n${parts.map(p => `${p}\n`).join('')}`
}

function plainText(page: Page, width: number): string {
  const kind = page.kind === 'section' ? '' : ` (${page.kind})`
  const out = [wrap(`${page.name}${kind}: ${page.summary}`, width), '']
  for (const paragraph of page.paragraphs) {
    for (const item of paragraph.split(/\n(?=- )/)) out.push(wrap(item, width, '', item.startsWith('- ') ? '  ' : ''))
    out.push('')
  }
  for (const part of page.parts) out.push(wrap(part.summary, width, `  ${part.name}: `, '      '))
  if (page.parts.length > 0) out.push('')
  for (const { title, rows: all } of page.groups) {
    out.push(title)
    for (const r of all) {
      const type = r.type === 'condition' && page.path !== CONDITIONS ? `condition: yarder docs ${CONDITIONS}` : r.type
      const head = [type.replaceAll('`', ''), r.presence].filter(t => t !== '').join(', ')
      out.push(`  ${r.name}${head === '' ? '' : `  (${head})`}`, wrap(r.text, width, '      '))
    }
    out.push('')
  }
  for (const { title, yaml } of page.examples)
    out.push(`Example: ${title}`, yaml.replace(/^(?=.)/gm, '  ').trimEnd(), '')
  return `${out.join('\n').trimEnd()}\n`
}

/** Breaks a text at blanks; the lines after the first begin under its first word, or with `rest`. */
function wrap(text: string, width: number, first = '', rest = ' '.repeat(first.length)): string {
  const lines: string[] = []
  let line = first
  let empty = true
  for (const word of text.split(/\s+/)) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line)
      line = rest
      empty = true
    }
    line += empty ? word : ` ${word}`
    empty = false
  }
  return [...lines, line].join('\n')
}
