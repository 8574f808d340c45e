// `csv`: lines of separated values, their columns named in the configuration or by the first line of the file.
import { defineStep } from '../../core/component.ts'
import type { Context } from '../../core/component.ts'
import { fail, fieldReader } from '../../core/event.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { boolean, choice, either, fieldRef, list, optional, string } from '../../core/field.ts'
import { scanCsv } from './csv/scan.ts'
import { nested, putNamed, putter } from './put.ts'

export const csv = defineStep({
  name: 'csv',
  summary: 'Takes the values of a CSV line as fields.',
  description: `With \`columns: auto\` the line at the start of a file names the columns of that file (the names are kept with the
positions, so a restart in the middle of it knows them) and is no record itself. Values past the named columns are called
\`column5\` and so on. All values are texts. A line with a quote that is never closed is tagged, and so is one whose columns
aren't known.`,
  fields: {
    columns: either(
      choice(['auto'], 'The first line of each file names them.'),
      list(string('The name of a column.'), 'The names of the columns.', { min: 1 }),
      'The names of the columns, or `auto`: the first line of each file has them.',
      { example: ['time', 'user', 'count'] }
    ),
    field: fieldRef('Field that holds the line. A record without it is left alone.', { default: 'message' }),
    target: optional(fieldRef('Field that the new ones go under. Without it they go to the top.')),
    separator: string('Stands between two values; `\\t` is a tab.', { default: ',' }),
    quote_char: string('Encloses values that hold separators or quotes; within, it is doubled.', {
      default: '"',
      pattern: /^.$/su,
      must: 'one character'
    }),
    skip_header: boolean('Drop lines that hold nothing but the names of the columns.', { default: false }),
    skip_empty_columns: boolean('Make no field of an empty value.', { default: false }),
    tag_on_failure: string('Tag of a record whose text is no CSV.', { default: '_csvparsefailure' })
  },
  examples: [
    { title: 'The names are in the file', yaml: 'csv:\n  columns: auto\n' },
    {
      title: 'Tabs, and the header left out',
      yaml: "csv:\n  columns: [Date, PreviousUserCount, UserCountTotal]\n  separator: '\\t'\n  skip_header: true\n"
    }
  ],
  build(o, context) {
    const read = fieldReader(o.field)
    const write = o.target === undefined ? undefined : putter(o.target)
    const separator = o.separator.replaceAll('\\t', '\t')
    const headers = o.columns === 'auto' ? new Headers(context) : undefined
    const named = o.columns === 'auto' ? [] : o.columns
    const cells: string[] = []
    const found = new Map<string, string>()
    return {
      writes: 'any',
      run: (event, cursor) => {
        const text = read(event, cursor)
        if (typeof text !== 'string') return true
        if (!scanCsv(text, separator, o.quote_char, cells)) return failed(event, cursor, o.tag_on_failure)
        if (headers !== undefined && cursor.offset === 0) {
          headers.learn(cursor, cells)
          return false
        }
        const columns = headers === undefined ? named : headers.of(cursor)
        if (columns === undefined) return failed(event, cursor, o.tag_on_failure)
        if (o.skip_header && sameTexts(cells, columns)) return false
        found.clear()
        for (let i = 0; i < cells.length; i++) {
          const value = cells[i]!
          if (value !== '' || !o.skip_empty_columns) found.set(columns[i] ?? `column${i + 1}`, value)
        }
        if (write !== undefined) write(event, cursor, nested(found))
        else for (const [key, value] of found) putNamed(event, cursor, key, value)
        return true
      }
    }
  }
})

function failed(event: Event, cursor: Cursor, tag: string): true {
  fail(event, cursor, tag)
  return true
}

const sameTexts = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((text, i) => text === b[i])

const SCOPE = 'csv'
/** Files come and go; the names of this many are kept. */
const KEPT = 1000

/** The columns of each source, durable where the source can be read again. */
class Headers {
  readonly #context: Context
  #source = ''
  #columns: readonly string[] | undefined

  constructor(context: Context) {
    this.#context = context
  }

  learn(cursor: Cursor, cells: readonly string[]): void {
    const columns = cells.map((cell, i) => cell.replace(/^\ufeff/, '').trim() || `column${i + 1}`)
    this.#source = keyOf(cursor)
    this.#columns = columns
    const { state } = this.#context
    const known = [...state.entries(SCOPE)]
    if (known.length >= KEPT) state.delete(SCOPE, known[0]![0])
    state.set(SCOPE, this.#source, columns)
  }

  of(cursor: Cursor): readonly string[] | undefined {
    const key = keyOf(cursor)
    if (key !== this.#source) {
      const kept = this.#context.state.get(SCOPE, key)
      this.#source = key
      this.#columns = Array.isArray(kept) ? (kept as string[]) : undefined
    }
    return this.#columns
  }
}

const keyOf = (cursor: Cursor): string => cursor.source.id || `input ${cursor.source.input}`
