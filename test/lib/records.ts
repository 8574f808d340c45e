// Records as a pipeline would hand them to an output, made of plain values.
import type { Batch, Records, Source } from '../../src/core/component.ts'

export interface RecordsOptions {
  /** Documents: objects, or their JSON text. */
  docs: ReadonlyArray<object | string>
  /** Milliseconds, one for all or one each; 2026-11-22T10:00:00Z when left out. */
  times?: number | readonly number[]
  arrival?: number
  sourceId?: string
  input?: string
  path?: string
  /** Of the first record; the others follow by the length of the documents. */
  offset?: number
  offsets?: readonly number[]
  keys?: Record<string, readonly string[]>
  settle?: (output: string) => void
}

export const NOON = Date.parse('2026-11-22T12:00:00Z')

export function makeRecords(o: RecordsOptions): Records {
  const texts = o.docs.map(d => (typeof d === 'string' ? d : JSON.stringify(d)) + '\n')
  const bytes = Buffer.from(texts.join(''))
  const ends = new Uint32Array(texts.length)
  const offsets = new Float64Array(texts.length)
  let end = 0
  texts.forEach((text, i) => {
    offsets[i] = o.offsets?.[i] ?? (o.offset ?? 0) + end
    end += Buffer.byteLength(text)
    ends[i] = end
  })
  const times = Float64Array.from(texts, (_, i) => (typeof o.times === 'object' ? o.times[i]! : (o.times ?? NOON)))
  const source: Source = {
    input: o.input ?? 'app',
    id: o.sourceId ?? 'f1',
    path: o.path ?? '/var/log/app.log',
    constants: {}
  }
  const batch: Batch = {
    source,
    arrival: o.arrival ?? NOON,
    count: texts.length,
    bytes: Buffer.alloc(0),
    bounds: new Uint32Array(0),
    offset: o.offset ?? 0,
    settle: o.settle ?? (() => {})
  }
  return { batch, count: texts.length, bytes, ends, times, offsets, keys: new Map(Object.entries(o.keys ?? {})) }
}
