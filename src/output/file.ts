// `file` output: NDJSON in a file, on the disk before it is acknowledged.
import { resolve } from 'node:path'
import { defineOutput } from '../core/component.ts'
import { integer, size, string } from '../core/field.ts'
import { partDocuments } from '../core/parcel.ts'
import { AppendFile } from './append-file.ts'

export const file = defineOutput({
  name: 'file',
  summary: 'Appends records to a file, one JSON document a line.',
  description:
    'A record counts as delivered once it is on the disk. A line that a crash or a full disk cut short is taken out again, so every line is whole; the record comes again, and records that were written but not acknowledged when the agent died may stand there twice. The file may be moved or removed by others at any time.',
  fields: {
    path: string('The file, relative to the folder of the configuration.', { example: '/var/log/yarder/out.ndjson' }),
    max_bytes: size(
      'Rotated when the next write (4 MiB at most) would take it past this; `path.1` is then the youngest of the old ones. 0 never rotates.',
      {
        default: '100MiB'
      }
    ),
    keep: integer('Rotated files that are kept.', { default: 5, min: 1, max: 1000 })
  },
  examples: [
    { title: 'A copy of everything', yaml: 'type: file\npath: /var/log/yarder/out.ndjson\nmax_bytes: 50MiB\nkeep: 3' }
  ],
  build(o, ctx) {
    const path = resolve(ctx.configDir, o.path)
    const target = new AppendFile({ path, mode: 0o640, maxBytes: o.max_bytes, keep: o.keep })
    let turn: Promise<unknown> = Promise.resolve()
    return {
      target: path,
      repeats: true,
      async send(parcel) {
        const mine = turn.then(() => target.append(parcel.parts.map(partDocuments)))
        turn = mine.catch(() => {})
        await mine
        return { retry: [], rejected: [] }
      },
      async close() {
        await turn
        await target.close()
      }
    }
  }
})
