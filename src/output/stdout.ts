// `stdout` output: every record as a line, for people who look on and for programs behind a pipe.
import type { Writable } from 'node:stream'
import type { Output, Parcel } from '../core/component.ts'
import { defineOutput } from '../core/component.ts'
import { errnoOf, YarderError } from '../core/errors.ts'
import { choice } from '../core/field.ts'
import { partDocuments } from '../core/parcel.ts'
import { humanLine } from './stdout/human.ts'

export const stdout = defineOutput({
  name: 'stdout',
  summary: 'Prints records on standard output.',
  description: 'When the reader is slow the agent waits for it; when the reader is gone nothing more is sent.',
  fields: {
    format: choice(
      ['json', 'text'],
      'One JSON document a line, or text for people: time, level, message and the fields, in colour on a terminal.',
      { default: 'json' }
    )
  },
  examples: [{ title: 'Look at what a pipeline makes of its lines', yaml: 'type: stdout\nformat: text' }],
  build: o => stdoutTo(process.stdout, o.format, process.stdout.isTTY === true && !process.env['NO_COLOR'])
})

/** The same for any stream. A reader that went away is a RUNTIME error, which no retry can help. */
export function stdoutTo(stream: Writable, format: 'json' | 'text', colour: boolean): Output {
  return {
    target: 'stdout',
    repeats: true,
    async send(parcel, signal) {
      const chunks = format === 'json' ? parcel.parts.map(partDocuments) : [Buffer.from(humanText(parcel, colour))]
      for (const chunk of chunks) await write(stream, chunk, signal)
      return { retry: [], rejected: [] }
    },
    close: () => Promise.resolve()
  }
}

const humanText = (parcel: Parcel, colour: boolean): string =>
  parcel.parts
    .flatMap(part => partDocuments(part).toString('utf8').trimEnd().split('\n'))
    .map(line => `${humanLine(line, colour)}\n`)
    .join('')

/** Resolves when the system has taken the bytes, so that a reader that stands still costs waiting and not memory. */
function write(stream: Writable, chunk: Buffer, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onAbort = (): void => reject(new YarderError('UNREACHABLE', 'writing to stdout', { cause: signal.reason }))
  const onError = (error: Error): void => {
    const gone = ['EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'].includes(errnoOf(error))
    reject(new YarderError(gone ? 'RUNTIME' : 'STORAGE', 'writing to stdout', { cause: error }))
  }
  if (signal.aborted) onAbort()
  else {
    signal.addEventListener('abort', onAbort, { once: true })
    // Without a listener the stream's own error event would end the process.
    stream.once('error', onError)
    stream.write(chunk, error => (error === undefined || error === null ? resolve() : onError(error)))
  }
  return promise.finally(() => {
    signal.removeEventListener('abort', onAbort)
    stream.removeListener('error', onError)
  })
}
