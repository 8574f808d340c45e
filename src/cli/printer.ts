// How `yarder parse` shows records: NDJSON for programs, text for people, chosen fields, or a count.
import type { Records } from '../core/component.ts'
import { YarderError } from '../core/errors.ts'
import { fieldReader, parseFieldRef } from '../core/event.ts'
import type { Cursor, Event } from '../core/event.ts'
import type { World } from './command.ts'
import { oneLine } from './one-line.ts'

export interface PrintOptions {
  /** Names of fields, to print nothing else. */
  readonly print?: readonly string[] | undefined
  /** Print how many records there are; with `print`, how many of each. */
  readonly count?: boolean | undefined
  /** Stop after the first record. */
  readonly first?: boolean | undefined
  /** A document as people read it. */
  readonly human: (json: string, colour: boolean) => string
}

export interface Printer {
  /** Sees each record before it is encoded; absent when the documents are enough, as the pipeline is faster then. */
  readonly observe: ((event: Event, cursor: Cursor) => void) | undefined
  /** Takes what came out of a batch; true when that is enough. */
  take(records: Records): boolean
  /** Nothing more comes. */
  end(): void
  /** Records so far. */
  readonly count: number
}

/** Throws YarderError (USAGE) for a field name that is none. */
export function createPrinter(world: World, options: PrintOptions): Printer {
  const { print, count: counting = false, first = false } = options
  const absent = new Set(print)
  const line = print === undefined ? undefined : fieldsLine(print, absent)
  const tally = new Map<string, number>()
  let lines: string[] = []
  let count = 0

  function text(records: Records, n: number): string {
    if (line !== undefined) return lines.map(l => `${l}\n`).join('')
    const documents = n === 0 ? '' : records.bytes.toString('utf8', 0, records.ends[n - 1])
    if (!world.terminal) return documents
    return documents.replace(/[^\n]+/g, json => options.human(json, world.colour))
  }

  return {
    observe: line === undefined ? undefined : (event, cursor) => void lines.push(line(event, cursor)),
    take(records) {
      const n = first ? Math.min(1, records.count) : records.count
      lines = lines.slice(0, n).filter(l => l !== '')
      if (!counting) world.out(text(records, n))
      else for (const l of lines) tally.set(l, (tally.get(l) ?? 0) + 1)
      lines = []
      count += n
      return first && count > 0
    },
    end() {
      // It may be in no record by right; who spelled it wrong must not wonder at an empty page.
      for (const name of count === 0 ? [] : absent) world.err(`yarder parse: no record has the field "${name}"\n`)
      if (!counting) return
      if (print === undefined) return world.out(`${count}\n`)
      const sorted = [...tally].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
      for (const [value, n] of sorted)
        world.out(world.terminal ? `${String(n).padStart(7)}  ${value}\n` : `${n}\t${value}\n`)
    },
    get count() {
      return count
    }
  }
}

/** The values with tabs between; '' for a record that has none of them. Takes out of `absent` what some record has. */
function fieldsLine(names: readonly string[], absent: Set<string>): (event: Event, cursor: Cursor) => string {
  const readers = names.map(name => {
    if (parseFieldRef(name) === undefined) throw new YarderError('USAGE', `"${name}" is no name of a field`)
    // The place of a record is put into its document by the encoder.
    return name === 'log.offset' ? (_event: Event, cursor: Cursor) => cursor.offset : fieldReader(name)
  })
  return (event, cursor) => {
    const values = readers.map(read => plain(read(event, cursor)))
    if (absent.size > 0) names.forEach((name, i) => values[i] !== '' && absent.delete(name))
    return values.every(v => v === '') ? '' : values.map(v => (v === '' ? '-' : v)).join('\t')
  }
}

function plain(value: unknown): string {
  if (value === undefined || value === null || typeof value === 'symbol') return ''
  return oneLine(typeof value === 'object' ? JSON.stringify(value) : String(value))
}
