// `set`: gives fields a value, which may be made of other fields.
import { defineValueStep } from '../../core/component.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { anything, isMap, map } from '../../core/field.ts'
import { compileTemplate } from '../../core/template.ts'
import { putter, topOf } from '../parse/put.ts'

type Make = (event: Event, cursor: Cursor) => unknown

export const set = defineValueStep({
  name: 'set',
  summary: 'Gives fields a value.',
  description: `In a text, \`%{field}\` is what that field holds, and \`%{+yyyy.MM.dd}\` the time of the record. A text that is nothing but one
field which isn't there sets nothing. Numbers, booleans and lists are set as they are; a map sets the fields in it. What
stood there is replaced.`,
  value: map(anything('The value.'), 'Fields and their values.', {
    min: 1,
    example: { service: { name: 'shop' }, url: 'https://%{host.name}%{request}' }
  }),
  examples: [
    {
      title: 'Constants and texts made of fields',
      yaml: "set:\n  service: { name: shop, version: 3 }\n  url: 'https://%{server}%{request}'\n"
    }
  ],
  *lint(values) {
    for (const [field, value] of leaves(values)) {
      try {
        maker(value)
        putter(field)
      } catch (error) {
        yield ['', `${field}: ${(error as Error).message}`]
      }
    }
  },
  build(values) {
    const each = leaves(values).map(([field, value]) => ({ write: putter(field), make: maker(value) }))
    return {
      writes: ['tags', '_@timestamp', ...Object.keys(values).map(topOf)],
      run: (event, cursor) => {
        for (let i = 0; i < each.length; i++) {
          const value = each[i]!.make(event, cursor)
          if (value !== undefined) each[i]!.write(event, cursor, value)
        }
        return true
      }
    }
  }
})

/** The fields inside of maps by their paths, so that what else is in the record's own maps stays. */
function leaves(values: Record<string, unknown>, path = ''): Array<[field: string, value: unknown]> {
  return Object.entries(values).flatMap(([key, value]) =>
    isMap(value) && Object.keys(value).length > 0
      ? leaves(value, `${path}${key}.`)
      : [[`${path}${key}`, value] as const]
  ) as Array<[string, unknown]>
}

function maker(value: unknown): Make {
  if (Array.isArray(value)) {
    const parts = value.map(maker)
    return (event, cursor) => parts.map(make => make(event, cursor)).filter(v => v !== undefined)
  }
  if (isMap(value)) return () => structuredClone(value)
  if (typeof value !== 'string') return () => value
  const template = compileTemplate(value)
  if (template.constant) return () => value
  const bare = template.fields.length === 1 && value === `%{${template.fields[0]}}`
  return (event, cursor) => {
    const text = template.render(event, cursor)
    return bare && text === '' ? undefined : text
  }
}
