// `sample`: keeps a part of the records, the same part whenever they are read.
import { defineStep } from '../../core/component.ts'
import type { Cursor } from '../../core/event.ts'
import { condition, optional, number, template } from '../../core/field.ts'

export const sample = defineStep({
  name: 'sample',
  summary: 'Keeps one record of so many, and leaves out the others.',
  description: `Which ones is decided by where a record stands in its file, or by \`key\`: records of the same key are kept or left out
together. A second reading keeps the same ones, so nothing is doubled by a restart.`,
  fields: {
    rate: number('Keeps one record of this many, on the average: 10 is a tenth, 1 is all.', { min: 1, example: 10 }),
    key: optional(
      template('Records for which this text is the same are kept or left out together.', { example: '%{trace_id}' })
    ),
    exclude: optional(condition('Records that are always kept.', { example: { response: { gte: 500 } } }))
  },
  examples: [
    { title: 'A tenth, and every error', yaml: 'sample:\n  rate: 10\n  exclude: { response: { gte: 500 } }\n' },
    { title: 'Whole traces', yaml: "sample:\n  rate: 100\n  key: '%{trace_id}'\n" }
  ],
  build({ rate, key, exclude }) {
    const limit = 2 ** 32 / rate
    return {
      writes: [],
      run: (event, cursor) => {
        if (exclude?.(event, cursor) === true) return true
        const text = key?.render(event, cursor) ?? ''
        return (text === '' ? hashOfPlace(cursor) : hashOfText(text, 0)) < limit
      }
    }
  }
})

const hashOfPlace = (cursor: Cursor): number => {
  const { offset, source } = cursor
  const low = Math.imul((offset | 0) ^ Math.imul(Math.floor(offset / 2 ** 32) | 0, 0x9e3779b1), 0x85ebca6b)
  return hashOfText(source.id, low)
}

/** 32 bits: FNV-1a, then MurmurHash3's finalizer, so that neighbours end up far from each other. */
function hashOfText(text: string, seed: number): number {
  let h = 0x811c9dc5 ^ seed
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
