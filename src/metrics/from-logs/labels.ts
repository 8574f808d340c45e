// The option `labels`: from each record the text of each label.
import { fieldReader, parseFieldRef } from '../../core/event.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { isMap } from '../../core/field.ts'
import type { Field, Report } from '../../core/field.ts'
import { compileTemplate, textOf } from '../../core/template.ts'
import { labelNameFault } from './name.ts'
import { isRoute, routeTemplate } from './route.ts'

/** One label. A missing field gives the empty text. */
export interface Label {
  readonly name: string
  /** True when it is the same for every record. */
  readonly constant: boolean
  /** References of the fields it is made of. */
  readonly reads: readonly string[]
  text(event: Event, cursor: Cursor): string
}

const MUST = 'must be a field, a template such as "%{verb}-%{response}", {route: field} or {const: text}'

/** Past the field it is the list of labels in the order of the config. */
export const labelsField: Field<readonly Label[]> = {
  doc: "The labels, by name. A bare word is a field, `'%{a}-x'` a template, `{const: x}` a constant, and `{route: request}` a field's path or URL without its query and with `{id}` for each number, UUID, date and the like, or as the first fitting of `known`, such as `{route: request, known: ['/users/{name}', '/static/**']}`; a field that a record hasn't gives the empty text.",
  type: 'map of field, template, {const: text} or {route: field}',
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
        },
        {
          type: 'object',
          properties: { route: { type: 'string' }, known: { type: 'array', items: { type: 'string' } } },
          required: ['route'],
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
  if (isMap(spec)) return 'route' in spec ? readRoute(name, spec, report) : readConstant(name, spec, report)
  if (typeof spec !== 'string' || spec === '') return void report('', `${MUST}, got ${JSON.stringify(spec)}`)
  if (spec.includes('%{')) {
    try {
      const { constant, fields, render } = compileTemplate(spec)
      return { name, constant, reads: fields, text: (event, cursor) => render(event, cursor) }
    } catch (error) {
      return void report('', (error as Error).message)
    }
  }
  if (parseFieldRef(spec) === undefined) return void report('', `${MUST}, got ${JSON.stringify(spec)}`)
  const read = fieldReader(spec)
  return { name, constant: false, reads: [spec], text: (event, cursor) => textOf(read(event, cursor)) }
}

function readRoute(name: string, spec: Record<string, unknown>, report: Report): Label | undefined {
  const { route, known = [], ...others } = spec
  if (Object.keys(others).length > 0) return void report('', `${MUST}, got ${JSON.stringify(spec)}`)
  if (typeof route !== 'string' || parseFieldRef(route) === undefined)
    return void report('.route', `must be a field, got ${JSON.stringify(route)}`)
  if (!Array.isArray(known)) return void report('.known', `must be a list of routes, got ${JSON.stringify(known)}`)
  const wrong = known.findIndex(one => !isRoute(one))
  if (wrong !== -1)
    return void report(
      `.known[${wrong}]`,
      `must be a path such as "/users/{name}" or "/static/**", got ${JSON.stringify(known[wrong])}`
    )
  const read = fieldReader(route)
  const template = routeTemplate(known as string[])
  return { name, constant: false, reads: [route], text: (event, cursor) => template(textOf(read(event, cursor))) }
}

function readConstant(name: string, spec: Record<string, unknown>, report: Report): Label | undefined {
  const { const: constant, ...others } = spec
  if (Object.keys(others).length > 0 || !['string', 'number', 'boolean'].includes(typeof constant))
    return void report('', `${MUST}, got ${JSON.stringify(spec)}`)
  const text = String(constant)
  return { name, constant: true, reads: [], text: () => text }
}
