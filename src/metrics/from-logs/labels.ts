// The option `labels`: from each record the text of each label.
import { fieldReader, parseFieldRef } from '../../core/event.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { isMap } from '../../core/field.ts'
import type { Field, Report } from '../../core/field.ts'
import { compileTemplate, textOf } from '../../core/template.ts'
import { labelNameFault } from './name.ts'

/** One label. A missing field gives the empty text. */
export interface Label {
  readonly name: string
  /** True when it is the same for every record. */
  readonly constant: boolean
  text(event: Event, cursor: Cursor): string
}

const MUST = 'must be a field, a template such as "%{verb}-%{response}", or {const: text}'

/** Past the field it is the list of labels in the order of the config. */
export const labelsField: Field<readonly Label[]> = {
  doc: "The labels, by name. A bare word is a field, `'%{a}-x'` a template, `{const: x}` a constant; a field that a record hasn't gives the empty text.",
  type: 'map of field, template or {const: text}',
  default: {},
  example: { verb: 'verb', status: 'response' },
  json: {
    type: 'object',
    additionalProperties: {
      anyOf: [
        { type: 'string' },
        {
          type: 'object',
          properties: { const: { type: ['string', 'number', 'boolean'] } },
          required: ['const'],
          additionalProperties: false
        }
      ]
    }
  },
  read(value, report) {
    if (!isMap(value)) return void report('', `must be a map of labels, got ${JSON.stringify(value)}`)
    const labels = Object.entries(value).map(([name, spec]) => {
      const fault = labelNameFault(name)
      if (fault !== undefined) report(`.${name}`, fault)
      const label = readLabel(name, spec, (path, message) => report(`.${name}${path}`, message))
      return fault === undefined ? label : undefined
    })
    return labels.every(label => label !== undefined) ? labels : undefined
  }
}

function readLabel(name: string, spec: unknown, report: Report): Label | undefined {
  if (isMap(spec)) return readConstant(name, spec, report)
  if (typeof spec !== 'string' || spec === '') return void report('', `${MUST}, got ${JSON.stringify(spec)}`)
  if (spec.includes('%{')) {
    try {
      const { constant, render } = compileTemplate(spec)
      return { name, constant, text: (event, cursor) => render(event, cursor) }
    } catch (error) {
      return void report('', (error as Error).message)
    }
  }
  if (parseFieldRef(spec) === undefined) return void report('', `${MUST}, got ${JSON.stringify(spec)}`)
  const read = fieldReader(spec)
  return { name, constant: false, text: (event, cursor) => textOf(read(event, cursor)) }
}

function readConstant(name: string, spec: Record<string, unknown>, report: Report): Label | undefined {
  const { const: constant, ...others } = spec
  if (Object.keys(others).length > 0 || !['string', 'number', 'boolean'].includes(typeof constant))
    return void report('', `${MUST}, got ${JSON.stringify(spec)}`)
  const text = String(constant)
  return { name, constant: true, text: () => text }
}
