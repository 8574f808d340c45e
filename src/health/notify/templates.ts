// Texts and JSON that a configuration words itself, out of the fields of a notification.
import { OptionError } from '../../core/errors.ts'
import type { Notification } from '../../core/component.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { didYouMean, isMap } from '../../core/field.ts'
import { compileTemplate } from '../../core/template.ts'
import type { Template } from '../../core/template.ts'
import { documentOf } from './document.ts'

/** What a template can name. */
const FIELDS = [
  'text',
  'host',
  'check',
  'type',
  'state',
  'previous',
  'reason',
  'message',
  'since',
  'previous_since',
  'recovered',
  'owner',
  'key',
  'status',
  'action'
]

/** For the description of an option that is a template. */
export const TEMPLATE_DOC = `Fields are ${FIELDS.map(f => `\`%{${f}}\``).join(', ')}: \`key\` is the same for all changes of a check of a host, \`status\` is \`firing\` or \`resolved\`, and \`action\` is \`trigger\` or \`resolve\`, as those who open and close incidents call it.`

/** A notification as templates see it. */
export interface Filling {
  readonly fields: Event
  readonly cursor: Cursor
}

export function fillingOf(n: Notification, host: string): Filling {
  const well = n.state === 'ok'
  const more = {
    key: `${host}/${n.check}`,
    status: well ? 'resolved' : 'firing',
    action: well ? 'resolve' : 'trigger'
  }
  const source = { input: '', id: '', path: undefined, constants: {} }
  const cursor = { source, time: n.since, arrival: n.since, offset: 0, failed: '' }
  return { fields: { ...documentOf(n, host), ...more }, cursor }
}

/** The text for a notification; `otherwise` when there is no template. */
export const worded = (template: Template | undefined, { fields, cursor }: Filling, otherwise: string): string =>
  template === undefined ? otherwise : template.render(fields, cursor)

/** What is wrong with a template of an option; for `lint`. */
export function* lintTemplate(
  option: string,
  template: Template | undefined
): Iterable<readonly [option: string, message: string]> {
  for (const field of template?.fields ?? [])
    if (!FIELDS.includes(field))
      yield [
        option,
        `%{${field}} is no field of a notification${didYouMean(field, FIELDS)}; it has ${FIELDS.join(', ')}`
      ]
}

/** The same for JSON whose texts are templates. */
export function* lintPayload(option: string, value: unknown): Iterable<readonly [option: string, message: string]> {
  if (Array.isArray(value)) for (const [i, item] of value.entries()) yield* lintPayload(`${option}[${i}]`, item)
  else if (isMap(value)) for (const [key, item] of Object.entries(value)) yield* lintPayload(`${option}.${key}`, item)
  else if (typeof value === 'string') {
    const template = compiled(value)
    if (typeof template === 'string') yield [option, template]
    else yield* lintTemplate(option, template)
  }
}

/** The template, or what is wrong with it. */
function compiled(text: string): Template | string {
  try {
    return compileTemplate(text)
  } catch (error) {
    return (error as Error).message
  }
}

/**
 * JSON whose texts are templates, filled as values and not as text: whatever a message holds stays within its own
 * string. A text that is nothing but one field keeps the field's type, and a field that is not there is null.
 */
export function compilePayload(value: unknown): (filling: Filling) => unknown {
  if (Array.isArray(value)) {
    const items = value.map(compilePayload)
    return filling => items.map(item => item(filling))
  }
  if (isMap(value)) {
    const entries = Object.entries(value).map(([key, item]) => [key, compilePayload(item)] as const)
    return filling => Object.fromEntries(entries.map(([key, item]) => [key, item(filling)]))
  }
  if (typeof value !== 'string') return () => value
  const template = compiled(value)
  if (typeof template === 'string') throw new OptionError('payload', template)
  const [field = ''] = template.fields
  if (value === `%{${field}}`) return ({ fields }) => fields[field] ?? null
  return ({ fields, cursor }) => template.render(fields, cursor)
}
