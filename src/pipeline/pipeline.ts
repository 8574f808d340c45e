// Steps compiled to one function, run over a batch in slices, and its records encoded.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isAscii } from 'node:buffer'
import type { Batch, Observer, Records, Selection } from '../core/component.ts'
import { addTag, fail, timeOf } from '../core/event.ts'
import type { Cursor, Event } from '../core/event.ts'
import { isMap } from '../core/field.ts'
import type { Instruments } from '../core/instruments.ts'
import type { Log } from '../core/log.ts'
import type { Template } from '../core/template.ts'
import { createEncoder, HEAD } from './encode.ts'
import { fuse } from './fast/fused.ts'
import type { Fused, FusibleStep } from './fast/fused.ts'
import { createGuard } from './guard.ts'
import { Selections } from './selections.ts'

/** A step as the config names it, built. */
export interface NamedStep extends FusibleStep {
  /** `grok`, `date`, …; for metrics and messages. */
  readonly name: string
}

export interface PipelineOptions {
  /** The pipeline's name, or the input's for steps given inline. */
  readonly name: string
  readonly steps: readonly NamedStep[]
  /** Templates that outputs want rendered for each record. */
  readonly keys: readonly Template[]
  /** Outputs that choose or change records; see `Records.selected`. */
  readonly selections?: readonly Selection[]
  /** Look at each record that ships, before it is encoded: log-derived metrics. */
  readonly observers: readonly Observer[]
  /** False when nobody takes the records, so that their bytes stay empty: observers are all there is. */
  readonly documents?: boolean
  readonly log: Log
  readonly instruments: Instruments
  /** Say in the log when most records do not fit: for an agent that runs unwatched. */
  readonly tellsMisfit?: boolean
  /** Gives a buffer to encode into; it comes back by the holder of the records when they are settled. */
  readonly buffers: { take(): Buffer }
}

/** Lines to records. Not for two batches at once: the caller awaits one before it hands in the next. */
export interface Pipeline {
  run(batch: Batch): Promise<Records>
}

/** A slice of work that takes longer gives the loop a turn (design: slices stay under 10 ms). */
const SLICE_MS = 8
/** Lines between two looks at the clock. */
const STRIDE = 64
/** A slice that has not come back after this long is thrown away and its lines are run one by one. */
const SLICE_LIMIT_MS = 60
const LINE_LIMIT_MS = 40
/** So many lines of a batch may reach their limit; the rest then ships untouched, or one input could hold up all. */
const MAX_TIMEOUTS = 10
/**
 * From so many lines that fall out of the short way, in a batch and the one before, whole slices get one limit instead of
 * each such line its own: it costs as much as twenty lines, and what observers see must be kept until the slice is done.
 */
const BENT = 2
/** So many records are looked at together to see whether the pipeline fits them. */
const JUDGED = 20

/** One function for all steps: the index of the step that dropped the record, or -1. `cursor.step` says who was at work. */
function compile(steps: readonly NamedStep[]): (event: Event, cursor: WorkCursor) => number {
  const names = steps.map((_, i) => `s${i}`)
  const code = names.map((s, i) => `c.step = ${i}; if (!${s}(e, c)) return ${i}`).join('\n')
  // Step functions only are passed in; no text of the config becomes code.
  return new Function(...names, `return (e, c) => {\n${code}\nreturn -1\n}`)(...steps.map(s => s.run)) as (
    event: Event,
    cursor: WorkCursor
  ) => number
}

/** Steps change a record in place, and an interrupted slice begins again with records as they came. */
function copyOf(event: Event): Event {
  const copy: Event = {}
  for (const key of Object.keys(event)) {
    const value = event[key]
    copy[key] = isMap(value) ? copyOf(value) : Array.isArray(value) ? [...(value as unknown[])] : value
  }
  return copy
}

function unguarded(work: () => void): 'done' {
  work()
  return 'done'
}

interface WorkCursor extends Cursor {
  step: number
}

/** Builds the one function that lines of this pipeline go through. Pure. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const { steps, keys, observers, documents = true, instruments, log } = options
  const runSteps = compile(steps)
  const writes = steps.some(s => s.writes === 'any')
    ? 'any'
    : new Set(['tags', 'message', ...steps.flatMap(s => s.writes as string[])])
  const encoder = createEncoder(writes)
  // Without steps and observers nothing can take long; the limit costs a thread, which many files of few lines would feel.
  const selections = options.selections ?? []
  const guard = steps.length + observers.length + selections.length === 0 ? unguarded : createGuard()
  const selected = selections.length === 0 ? undefined : new Selections(selections)
  const short = shortWay()
  const viewed = observers.length + selections.length > 0
  const failures = instruments.counter(
    'yarder_pipeline_failures_total',
    'Records that a step could not work on; they ship with the tag.',
    ['pipeline', 'tag']
  )
  const drops = instruments.counter(
    'yarder_pipeline_dropped_total',
    'Records left out, by the step that did and whether it was intended.',
    ['pipeline', 'step', 'intentional']
  )
  const records = instruments.counter('yarder_pipeline_records_total', 'Records that came out of the pipeline.', [
    'pipeline'
  ])

  const cursor: WorkCursor = {
    source: { input: '', id: '', path: undefined, constants: {} },
    time: NaN,
    arrival: 0,
    offset: 0,
    failed: '',
    step: 0
  }
  const keyTexts = keys.map((): string[] => [])
  let batch: Batch
  let text: string | undefined
  let joined = false
  let fast = false
  /** Lines of the batch that fell out of the short way. */
  let bent = 0
  let ends = new Uint32Array(0)
  let times = new Float64Array(0)
  let offsets = new Float64Array(0)
  /** The next line to work on, and how many records have come out. */
  let next = 0
  let count = 0
  // What the slice at hand has come to. An interrupted slice is thrown away whole and run again line by line, so
  // nothing of it may be counted or observed before it is done.
  let sliceStart = 0
  let sliceCount = 0
  const failed = new Map<string, number>()
  // Of the records since the last judgement: how many there were, and how many a step could not work on.
  let lately = 0
  let unfitLately = 0
  let lastTag = ''
  let told = false
  const dropped = new Uint32Array(steps.length)
  // Slices of the short way are not interrupted, so observers may look at once.
  let safe = false
  const seen: Event[] = []
  const seenCursors: WorkCursor[] = []

  /** Who may read any field, or names indexes after the fields of records, needs them as whole objects. */
  function shortWay(): Fused | undefined {
    if (!keys.every(key => key.timeOnly)) return undefined
    const readers = [...observers, ...selections.flatMap(({ takes }) => takes ?? [])]
    const reads: string[] = []
    for (const reader of readers) {
      if (reader.reads === undefined) return undefined
      reads.push(...reader.reads)
    }
    return fuse(steps, { documents, reads })
  }

  function begin(of: Batch): void {
    batch = of
    const { bytes, bounds } = of
    const last = of.count === 0 || of.events !== undefined ? 0 : bounds[of.count * 2 - 1]!
    const used = bytes.subarray(0, last)
    // One decoding for the whole batch, each line a slice of it; other text is decoded line by line, as bounds count bytes.
    // On the short way few lines are ever decoded.
    fast = short !== undefined && of.events === undefined && !short.fields.some(f => f in of.source.constants)
    text = !fast && isAscii(used) ? bytes.latin1Slice(0, last) : undefined
    joined = used.includes('\r\n')
    next = count = 0
    ends = new Uint32Array(of.count)
    times = new Float64Array(of.count)
    offsets = new Float64Array(of.count)
    for (let k = 0; k < keys.length; k++) keyTexts[k] = []
    cursor.source = of.source
    cursor.arrival = of.arrival
    selected?.rollBack(0)
    encoder.begin(of.source, options.buffers.take(), of.events !== undefined)
    if (fast) short!.begin(cursor)
    beginSlice()
  }

  function beginSlice(): void {
    sliceStart = next
    sliceCount = count
    failed.clear()
    dropped.fill(0)
    seen.length = seenCursors.length = 0
  }

  function rollBack(): void {
    next = sliceStart
    count = sliceCount
    encoder.rewind(count === 0 ? 0 : ends[count - 1]!)
    for (const texts of keyTexts) texts.length = count
    selected?.rollBack(count)
    beginSlice()
  }

  function commitSlice(): void {
    for (const [tag, n] of failed) failures.add(n, options.name, tag)
    for (let i = 0; i < dropped.length; i++) {
      if (dropped[i] !== 0) drops.add(dropped[i]!, options.name, steps[i]!.name, 'true')
    }
    for (let i = 0; i < seen.length; i++) {
      for (let k = 0; k < observers.length; k++) observers[k]!(seen[i]!, seenCursors[i]!)
    }
    // Of this slice nothing can be thrown away any more; whoever commits now commits all of it.
    if (observers.length > 0) batch.counted?.(next)
    if (count > sliceCount) records.add(count - sliceCount, options.name)
    if (options.tellsMisfit === true) judge(count - sliceCount)
    beginSlice()
  }

  /** A pattern that fits nothing would otherwise show in a number only that nobody has looked at yet. */
  function judge(came: number): void {
    lately += came
    for (const [tag, n] of failed) {
      unfitLately += n
      lastTag = tag
    }
    if (lately < JUDGED) return
    const bad = unfitLately * 2 > lately
    if (bad && !told) {
      const data = { pipeline: options.name, input: batch.source.input, tag: lastTag, failed: unfitLately, of: lately }
      log.warn(data, 'Most records do not fit the pipeline; they ship with the tag. Try: yarder grok PATTERN LINE.')
    } else if (told && !bad) log.info({ pipeline: options.name }, 'Most records fit the pipeline again.')
    told = bad
    lately = unfitLately = 0
  }

  function place(i: number): void {
    cursor.time = batch.times?.[i] ?? NaN
    cursor.failed = ''
    if (batch.events === undefined) cursor.offset = batch.offset + batch.bounds[i * 2]!
    else cursor.offset = batch.offsets?.[i] ?? batch.offset + i
  }

  function eventAt(i: number): Event {
    if (batch.events !== undefined) return copyOf(batch.events[i]!)
    const start = batch.bounds[i * 2]!
    const end = batch.bounds[i * 2 + 1]!
    let message = text !== undefined ? text.slice(start, end) : batch.bytes.utf8Slice(start, end)
    // Lines joined by multiline keep their line ends inside.
    if (joined && message.includes('\r\n')) message = message.replaceAll('\r\n', '\n')
    const event: Event = { message }
    if (batch.cut !== undefined && batch.cut[i] === 1) addTag(event, '_truncated')
    return event
  }

  function finish(event: Event): void {
    if (cursor.failed !== '') failed.set(cursor.failed, (failed.get(cursor.failed) ?? 0) + 1)
    if (documents) ends[count] = encoder.add(event, cursor)
    for (let k = 0; k < keys.length; k++) keyTexts[k]!.push(keys[k]!.render(event, cursor))
    if (observers.length > 0) {
      seen.push(event)
      seenCursors.push({ ...cursor })
    }
    selected?.add(event, cursor, count, encoder.buffer, count === 0 ? 0 : ends[count - 1]!, ends[count]!)
    times[count] = timeOf(cursor)
    offsets[count] = cursor.offset
    count++
  }

  /** The line at hand by the short way; false when it must take the general one. */
  function shortly(way: Fused): boolean {
    const start = batch.bounds[next * 2]!
    const stop = batch.bounds[next * 2 + 1]!
    if (batch.cut !== undefined && batch.cut[next] === 1) return false
    if (documents) encoder.reserve(way.room(stop - start))
    way.time = NaN
    const at = way.scan(batch.bytes, start, stop, encoder.buffer, encoder.end + HEAD)
    if (at === -1) return false
    cursor.time = way.time
    cursor.offset = batch.offset + start
    const time = timeOf(cursor)
    if (documents) {
      const end = encoder.close(at, time, cursor.offset)
      if (end === -1) return false
      ends[count] = end
    }
    if (viewed) show(way.view(batch.bytes))
    for (let k = 0; k < keys.length; k++) keyTexts[k]!.push(keys[k]!.at(time))
    times[count] = time
    offsets[count] = cursor.offset
    count++
    next++
    return true
  }

  /** What is looked at of the record that was written just now. */
  function show(view: Event): void {
    cursor.failed = ''
    selected?.add(view, cursor, count, encoder.buffer, count === 0 ? 0 : ends[count - 1]!, ends[count]!)
    if (safe) for (let k = 0; k < observers.length; k++) observers[k]!(view, cursor)
    else if (observers.length > 0) {
      seen.push({ ...view })
      seenCursors.push({ ...cursor })
    }
  }

  function one(): void {
    if (fast) {
      if (shortly(short!)) return
      bent++
    }
    place(next)
    const event = eventAt(next)
    const droppedBy = runSteps(event, cursor)
    if (droppedBy === -1) finish(event)
    else dropped[droppedBy]!++
    next++
  }

  /**
   * Lines by the short way, which needs no limit: every part of it is linear. Ends at the first line that must take the
   * general one, at the end of the slice, or of the batch.
   */
  function shortSlice(): void {
    const until = performance.now() + SLICE_MS
    let stride = STRIDE
    safe = true
    while (next < batch.count && shortly(short!)) {
      if (--stride > 0) continue
      stride = STRIDE
      if (performance.now() > until) break
    }
    safe = false
  }

  function slice(): void {
    const until = performance.now() + SLICE_MS
    while (next < batch.count) {
      const stop = Math.min(next + STRIDE, batch.count)
      while (next < stop) one()
      if (performance.now() > until) return
    }
  }

  /** One line with a limit of its own. False when a step did not come to an end; the line then ships as it was read. */
  function alone(): boolean {
    for (let limitMs = LINE_LIMIT_MS; ; limitMs *= 2) {
      const cpu = process.threadCpuUsage()
      if (guard(one, limitMs) === 'done') return true
      const used = process.threadCpuUsage(cpu)
      const step = steps[cursor.step]
      rollBack()
      // A machine that gave us little CPU for a while is no slow pattern; a longer limit leaves the line its share.
      if ((used.user + used.system) / 1000 < LINE_LIMIT_MS * 0.75 && limitMs < LINE_LIMIT_MS * 4) continue
      asRead(step?.name ?? 'pipeline')
      return false
    }
  }

  function asRead(stepName: string): void {
    place(next)
    const event = eventAt(next)
    fail(event, cursor, `_${stepName}timeout`)
    finish(event)
    next++
  }

  /** Runs the lines up to `until` one by one, giving the loop a turn in between. Returns how many hit their limit. */
  async function oneByOne(until: number, before: number): Promise<number> {
    let timeouts = 0
    while (next < until) {
      if (before + timeouts >= MAX_TIMEOUTS) asRead(slowest)
      else if (!alone()) {
        timeouts++
        slowest = steps[cursor.step]?.name ?? 'pipeline'
        log.warn(
          {
            pipeline: options.name,
            step: cursor.step,
            name: slowest,
            path: batch.source.path,
            offset: cursor.offset,
            limitMs: LINE_LIMIT_MS
          },
          'A step did not finish on a line in time; the line ships unparsed.'
        )
        await nextTurn()
      }
      commitSlice()
    }
    return timeouts
  }
  let slowest = 'pipeline'

  return {
    async run(of) {
      begin(of)
      let timeouts = 0
      const bentBefore = bent
      bent = 0
      let turn = performance.now() + SLICE_MS
      while (next < of.count) {
        // A condition of an output may be an expression that does not come back, so it stands within the limit.
        if (fast && bent + bentBefore < BENT && selected === undefined) {
          const from = next
          shortSlice()
          if (next === from) timeouts += await oneByOne(next + 1, timeouts)
          else commitSlice()
        } else if (guard(slice, SLICE_LIMIT_MS) === 'done') commitSlice()
        else {
          const reached = Math.min(next + 1, of.count)
          rollBack()
          timeouts += await oneByOne(reached, timeouts)
          // Hostile or hopeless: the rest ships as it is, or this input would hold up all others.
          if (timeouts >= MAX_TIMEOUTS) await oneByOne(of.count, timeouts)
        }
        if (next < of.count && performance.now() > turn) {
          await nextTurn()
          turn = performance.now() + SLICE_MS
        }
      }
      const keyed = new Map(keys.map((key, k) => [key.text, keyTexts[k]!]))
      const whole = count === of.count
      const all: Records = {
        batch: of,
        count,
        bytes: encoder.buffer.subarray(0, count === 0 ? 0 : ends[count - 1]),
        ends: whole ? ends : ends.subarray(0, count),
        times: whole ? times : times.subarray(0, count),
        offsets: whole ? offsets : offsets.subarray(0, count),
        keys: keyed
      }
      return selected === undefined ? all : { ...all, selected: selected.of(all) }
    }
  }
}
