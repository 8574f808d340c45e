// A sample configuration with everything in it commented out: `##` explains, a single `#` stands before an option.
import { PIPELINES, TYPE } from './catalog.ts'
import type { Catalog } from './catalog.ts'
import type { Field, Fields } from '../core/field.ts'
import { inlineYaml } from './yaml.ts'

/** `schema` is where an editor finds the JSON Schema, a path or an address. */
export function sampleConfig(catalog: Catalog, schema: string): string {
  const out = [
    `# yaml-language-server: $schema=${schema}`,
    '## Configuration of yarder. Every section and every option may be absent; what stands behind a # is the default or',
    '## an example. ${VAR} and ${VAR:-default} come from the environment, ${file:/path} and ${credential:NAME} hold secrets.',
    ''
  ]
  for (const [name, { doc, fields }] of Object.entries(catalog.sections))
    out.push(`## ${doc}`, `${name}:`, ...options(fields, '  #'), '')
  for (const [name, section] of Object.entries(catalog.units)) {
    out.push(`## ${section.doc}`, `${name}:`)
    const needed = Object.entries(section.common).filter(([, f]) => f.default === undefined && f.optional !== true)
    for (const [i, d] of section.definitions.entries()) {
      const named = section.typeFromName === true
      out.push(`  ## ${d.name}: ${d.summary}`, `  #${named ? d.name : `my_${d.name}`}:`)
      if (!named) out.push(`  #  ${TYPE}: ${d.name}`)
      // What every type takes is told once.
      const common = i === 0 ? section.common : Object.fromEntries(needed)
      out.push(...options({ ...d.fields, ...common }, '  #  '))
    }
    out.push('')
  }
  out.push('## What is done with records, by name: lists of steps.', `${PIPELINES}:`, '  #example:')
  for (const step of catalog.steps) {
    out.push(`  ## ${step.summary}`)
    if (step.value !== undefined) out.push(`  #  - ${step.name}: ${valueOf(step.value)}`)
    else if (Object.keys(step.fields!).length === 0) out.push(`  #  - ${step.name}: {}`)
    else out.push(`  #  - ${step.name}:`, ...options(step.fields!, '  #      '))
  }
  return `${out.join('\n')}\n`
}

function options(fields: Fields, margin: string): string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const required = field.default === undefined && field.optional !== true ? ' (required)' : ''
    const head = `${margin.replace('#', '##')} ${field.doc}${required}`
    const plain = field.example === undefined && (field.default === undefined || field.type === 'options')
    if (plain && field.fields !== undefined && field.type === 'options')
      return [head, `${margin}${name}:`, ...options(field.fields, `${margin}  `)]
    return [head, `${margin}${name}: ${valueOf(field)}`]
  })
}

/** The default, else the example, else the kind of value in angle brackets. */
function valueOf(field: Field<unknown>): string {
  const empty = JSON.stringify(field.default) === '[]' || JSON.stringify(field.default) === '{}'
  const value = field.default === undefined || (empty && field.example !== undefined) ? field.example : field.default
  return value === undefined ? `<${field.type.replaceAll('`', '').replaceAll(' | ', ' or ')}>` : inlineYaml(value)
}
