// The option `exemplar`: from a record the labels, such as the id of a trace, by which it is found again.
import type { ExemplarReader } from '../../core/component.ts'
import type { Cursor, Event } from '../../core/event.ts'
import * as f from '../../core/field.ts'
import { labelsField } from './labels.ts'
import type { Label } from './labels.ts'
import { copy } from './series.ts'

/** OpenMetrics' limit for names and values together, characters. */
const MOST_CHARS = 128

export const exemplarField = f.optional({
  ...labelsField,
  doc: 'Shown beside the count on `/metrics` in OpenMetrics, by which Grafana leads from a graph to a trace: labels of one of the records that were counted, at most one a second, such as `{ trace_id: trace.id }`, or `{ file: log.file.path, offset: log.offset }` for the line itself. A record that lacks one of them, or whose names and values are more than 128 characters, is none.',
  example: { trace_id: 'trace_id' },
  read(value, report) {
    const labels = labelsField.read(value, report)
    if (!f.isMap(value)) return labels
    return labels?.map(label => (value[label.name] === OFFSET ? { ...label, text: offsetOf } : label))
  }
})

/** No field yet where metrics are made: documents get it as they are written. */
const OFFSET = 'log.offset'

/** Where the record's line begins, if that can be said of its source. */
const offsetOf = (_event: Event, { source, offset }: Cursor): string => (source.id === '' ? '' : String(offset))

/** Undefined without the option. */
export function exemplarReader(
  labels: readonly Label[] | undefined,
  point: (value: number) => number
): ExemplarReader | undefined {
  if (labels === undefined || labels.length === 0) return undefined
  return {
    point,
    reads: labels.flatMap(label => label.reads),
    read(event, cursor) {
      const out: Record<string, string> = {}
      let chars = 0
      for (const { name, text } of labels) {
        const value = text(event, cursor)
        if (value === '') return undefined
        chars += name.length + value.length
        // Counted before it is copied: a record can bring megabytes.
        if (chars > MOST_CHARS) return undefined
        out[name] = copy(value)
      }
      return out
    }
  }
}
