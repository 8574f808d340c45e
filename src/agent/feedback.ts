// Files that an output writes and that an input reads and sends there again: each record would come back for ever.
import { resolve } from 'node:path'
import type { Problem } from '../config/problem.ts'
import { compileExclude, compileGlob } from '../input/file/glob.ts'
import type { CheckedConfig, InputUnit, OutputUnit } from './components.ts'

interface FileInputOptions {
  readonly paths: readonly string[]
  readonly exclude: readonly string[]
}

interface FileOutputOptions {
  readonly path: string
  readonly max_bytes: number
}

const isFile = (unit: InputUnit | OutputUnit): boolean => (unit.type as string) === 'file'

/** Outputs of type file that an input of type file feeds with what it reads from them. Relative paths start from `configDir`. */
export function feedbackLoops({ units }: CheckedConfig, configDir: string): Problem[] {
  const names = units.outputs.map(unit => unit.name)
  const inputs = units.inputs.filter(isFile).map(unit => ({
    name: unit.name,
    outputs: unit.common.outputs ?? names,
    reads: readerOf(unit.options as FileInputOptions, configDir)
  }))
  const files = new Map(
    units.outputs.filter(isFile).map(unit => [unit.name, writtenBy(unit.options as FileOutputOptions, configDir)])
  )
  const readersOf = (output: string) => {
    const written = files.get(output) ?? []
    return inputs.flatMap(input => {
      const path = written.find(input.reads)
      return path === undefined ? [] : [{ ...input, path }]
    })
  }
  /** Whether records that go to `from` arrive at `target`, through files that are read again. */
  const arrives = (from: readonly string[], target: string, seen = new Set<string>()): boolean =>
    from.some(output => {
      if (output === target) return true
      if (seen.has(output)) return false
      seen.add(output)
      return readersOf(output).some(reader => arrives(reader.outputs, target, seen))
    })
  return units.outputs.flatMap(unit =>
    readersOf(unit.name)
      .filter(reader => arrives(reader.outputs, unit.name))
      .map(({ name, path }) => ({
        at: unit.at('path'),
        path: `${unit.path}.path`,
        message:
          `the input "${name}" reads ${path} and its records come here again, without end; ` +
          `write where no input reads, or add it to inputs.${name}.exclude`
      }))
  )
}

function readerOf({ paths, exclude }: FileInputOptions, configDir: string): (path: string) => boolean {
  const globs = paths.map(path => compileGlob(path, configDir))
  const excluded = compileExclude(exclude, configDir)
  return path => globs.some(glob => glob.matches(path)) && !excluded(path)
}

/** The file, and the first of those that it is rotated to. */
function writtenBy(o: FileOutputOptions, configDir: string): string[] {
  const path = resolve(configDir, o.path)
  return o.max_bytes > 0 ? [path, `${path}.1`] : [path]
}
