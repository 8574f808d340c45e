// How `yarder parse` shows records: NDJSON for programs, text for people, chosen fields, or a count.
import type { Records } from '../core/component.ts'
import { YarderError } from '../core/errors.ts'
import { fieldReader, parseFieldRef, timeOf } from '../core/event.ts'
import type { Cursor, Event } from '../core/event.ts'
import { isMap } from '../core/field.ts'
import { escapeControls } from '../service/log.ts'
import type { World } from './command.ts'

export interface PrintOptions {
  /** Names of fields, to print nothing else. */
  readonly print?: readonly string[] | undefined
  /** Print how many records there are; with `print`, how many of each. */
  readonly count?: boolean | undefined
  /** Stop after the first record. */
  readonly first?: boolean | undefined
}

export interface Printer {
  /** Sees each record before it is encoded. */
  readonly observe: (event: Event, cursor: Cursor) => void
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
  const line = print !== undefined ? fieldsLine(print) : peopleLine(world.colour)
  const asJson = print === undefined && !world.terminal
  const observing = print !== undefined || !(asJson || counting)
  const tally = new Map<string, number>()
  let lines: string[] = []
  let count = 0

  function text(records: Records, n: number): string {
    if (counting) return ''
    if (asJson) return n === 0 ? '' : records.bytes.toString('utf8', 0, records.ends[n - 1])
    return lines
      .slice(0, n)
      .map(l => (l === '' ? '' : `${l}\n`))
      .join('')
  }

  return {
    observe: (event, cursor) => {
      if (observing) lines.push(line(event, cursor))
    },
    take(records) {
      const n = first ? Math.min(1, records.count) : records.count
      const out = text(records, n)
      if (out !== '') world.out(out)
      if (counting && print !== undefined) {
        for (const l of lines.slice(0, n)) if (l !== '') tally.set(l, (tally.get(l) ?? 0) + 1)
      }
      lines = []
      count += n
      return first && count > 0
    },
    end() {
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

/** The values with tabs between; '' for a record that has none of them. */
function fieldsLine(names: readonly string[]): (event: Event, cursor: Cursor) => string {
  const readers = names.map(name => {
    if (parseFieldRef(name) === undefined) throw new YarderError('USAGE', `"${name}" is no name of a field`)
    return fieldReader(name)
  })
  return (event, cursor) => {
    const values = readers.map(read => plain(read(event, cursor)))
    return values.every(v => v === '') ? '' : values.map(v => (v === '' ? '-' : v)).join('\t')
  }
}

/** One line, whatever is in it: what a log holds must not steer a terminal or look like two lines. */
function plain(value: unknown): string {
  if (value === undefined || value === null || typeof value === 'symbol') return ''
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return escapeControls(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}

/** `2019-11-13T22:43:30.000Z clientip=127.0.0.1 verb=GET …`; the line itself where nothing was found in it. */
function peopleLine(colour: boolean): (event: Event, cursor: Cursor) => string {
  const dim = (text: string): string => (colour ? `\u001b[2m${text}\u001b[0m` : text)
  return (event, cursor) => {
    const { message, ...fields } = event
    const pairs = [...flat(fields, '')]
    const found = pairs.filter(([name]) => name !== 'tags')
    const shown = found.length > 0 ? pairs : [...pairs, ['message', message] as const]
    const time = new Date(timeOf(cursor)).toISOString()
    return [dim(time), ...shown.map(([name, value]) => dim(`${name}=`) + quoted(plain(value)))].join(' ')
  }
}

const quoted = (text: string): string => (/^[^\s"]+$/.test(text) ? text : JSON.stringify(text).replaceAll('\\\\', '\\'))

/** Nested fields by their dotted names. */
function* flat(fields: Event, prefix: string): Iterable<readonly [name: string, value: unknown]> {
  for (const [name, value] of Object.entries(fields)) {
    if (isMap(value)) yield* flat(value, `${prefix}${name}.`)
    else if (value !== undefined && typeof value !== 'symbol') yield [prefix + name, value]
  }
}
