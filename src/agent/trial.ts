// What a trial on the command line takes from inputs and outputs: lines of files, once or as they grow, and their look.
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Context, Input, InputDefinition, Source } from '../core/component.ts'
import { readFields } from '../core/field.ts'
import { StdinInput } from '../input/stdin.ts'
import { catalog } from './components.ts'

/** One document as the output \`stdout\` shows it to people. */
export { humanLine } from '../output/stdout/human.ts'

const MAX_LINE_BYTES = 1024 * 1024
const CHUNK_BYTES = 256 * 1024

/**
 * Opens a file (`-` is standard input); what gzip has packed is unpacked. Its records carry where they stand, `log.file.path`
 * and `log.offset`. Rejects, as reading does later, with the system's error.
 */
export async function openLines(path: string, context: Context): Promise<Input> {
  const standard = path === '-'
  const stream = standard ? process.stdin : await openFile(path)
  const full = resolve(path)
  const source: Source = standard
    ? { input: context.name, id: '', path: undefined, constants: context.constants }
    : { input: context.name, id: full, path: full, constants: { ...context.constants, log: { file: { path: full } } } }
  const lines = new StdinInput(stream, MAX_LINE_BYTES, undefined, context)
  return { finite: true, run: (emit, signal) => lines.run(batch => emit({ ...batch, source }), signal) }
}

async function openFile(path: string): Promise<Readable> {
  const handle = await open(path)
  try {
    const packed = (await handle.stat()).isFile() && (await isGzip(handle))
    const bytes = handle.createReadStream({ highWaterMark: CHUNK_BYTES })
    // An error on the way reaches whoever reads the lines.
    return packed ? pipeline(bytes, createGunzip({ chunkSize: CHUNK_BYTES }), () => {}) : bytes
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Reads at a place, so that the reading of the file still starts at its beginning. */
async function isGzip(handle: FileHandle): Promise<boolean> {
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0)
  return bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b
}

/** A path that is meant as it is, not as a pattern. */
export const literalPath = (path: string): string => path.replaceAll(/[\\*?[\]{}()!+@|]/g, '\\$&')

/** The `file` input on these absolute paths, from their beginning, until it is stopped. */
export function followFiles(paths: readonly string[], context: Context): Input {
  const definition = catalog.units.inputs.definitions.find(d => (d.name as string) === 'file') as
    | InputDefinition
    | undefined
  if (definition === undefined) throw new TypeError('there is no input called file')
  const plain = paths.map(literalPath)
  const options = readFields(definition.fields, { paths: plain, start_at: 'beginning' }, (option, message) => {
    throw new TypeError(`${option}: ${message}`)
  })
  return definition.build(options as never, { ...context, once: false }) as Input
}
