// What the steps share that change the texts of some fields.
import type { BuiltStep } from '../../core/component.ts'
import { fieldReader, fieldWriter } from '../../core/event.ts'
import { topOf } from '../parse/put.ts'

/** Applies a function to the text in each field, or to each text of a list; other values stay as they are. */
export function eachText(fields: readonly string[], change: (text: string) => string): BuiltStep {
  const each = fields.map(field => ({ read: fieldReader(field), write: fieldWriter(field) }))
  const one = (value: unknown): unknown => (typeof value === 'string' ? change(value) : value)
  return {
    writes: fields.map(topOf),
    run: (event, cursor) => {
      for (let i = 0; i < each.length; i++) {
        const value = each[i]!.read(event, cursor)
        if (typeof value === 'string') {
          const changed = change(value)
          if (changed !== value) each[i]!.write(event, cursor, changed)
        } else if (Array.isArray(value)) each[i]!.write(event, cursor, value.map(one))
      }
      return true
    }
  }
}
