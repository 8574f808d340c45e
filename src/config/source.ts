// Reads the text of a configuration file, or says what stands in the way and what would be right.
import { isUtf8 } from 'node:buffer'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { userInfo } from 'node:os'
import { describe, errnoOf } from '../core/errors.ts'
import { didYouMean } from '../core/field.ts'
import type { Problem } from './problem.ts'

/** The text, or undefined after its fault was put to `problems`. */
export function readSource(file: string, problems: Problem[]): string | undefined {
  try {
    const bytes = readFileSync(file)
    if (isUtf8(bytes)) return bytes.toString('utf8')
    problems.push(notUtf8(file, bytes))
  } catch (error) {
    problems.push({ path: file, message: unreadable(file, error) })
  }
  return undefined
}

function notUtf8(file: string, bytes: Buffer): Problem {
  const mark = bytes.toString('latin1', 0, 2)
  if (mark === '\xff\xfe' || mark === '\xfe\xff')
    return { at: { file, line: 1, column: 1 }, path: '', message: 'is UTF-16 text; save it as UTF-8' }
  const [before = '', ...after] = bytes.toString('latin1').split('\n')
  const lines = [before, ...after].map(line => Buffer.from(line, 'latin1'))
  const index = lines.findIndex(line => !isUtf8(line))
  const column = (lines[index]?.toString('utf8').indexOf('\ufffd') ?? 0) + 1
  return { at: { file, line: index + 1, column }, path: '', message: 'is no UTF-8 text from here on; save it as UTF-8' }
}

function unreadable(file: string, error: unknown): string {
  const errno = errnoOf(error)
  if (errno === 'ENOENT') return `there is no such file${misspelt(file)}`
  if (errno === 'EISDIR') {
    const inside = configsIn(file)
    const meant = inside.length === 1 ? inside[0] : inside.find(name => name === 'yarder.yaml')
    return `is a folder, not a configuration${meant === undefined ? '' : `; did you mean "${join(file, meant)}"?`}`
  }
  if (errno === 'EACCES') return `may not be read by the user ${userInfo().username}${whose(file)}`
  return `cannot be read: ${describe(error)}`
}

/** Compared without their endings, which are all alike. */
function misspelt(file: string): string {
  const stem = (name: string): string => name.replace(/\.ya?ml$/, '')
  const beside = configsIn(dirname(file))
  const hint = didYouMean(stem(basename(file)), beside.map(stem))
  const meant = beside.find(name => hint.includes(`mean "${stem(name)}"`))
  return meant === undefined ? '' : `; did you mean "${join(dirname(file), meant)}"?`
}

function configsIn(dir: string): string[] {
  try {
    return readdirSync(dir).filter(name => /^[^.].*\.ya?ml$/.test(name))
  } catch {
    // It only serves a hint.
    return []
  }
}

/** Whose a file is and who may read it, as `ls` has it; '' where even that can't be seen. */
function whose(file: string): string {
  try {
    const { uid, gid, mode } = statSync(file)
    return `; it belongs to uid ${uid}, gid ${gid}, mode ${(mode & 0o7777).toString(8).padStart(4, '0')}`
  } catch {
    return ', since a folder above it is closed to that user'
  }
}
