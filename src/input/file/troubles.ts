// What stands in the way of reading, by path: told once, counted, shown until it is over.
import { YarderError, describe, errnoOf } from '../../core/errors.ts'
import type { Context } from '../../core/component.ts'
import { errorCounter } from '../errors.ts'
import { explainAccess, remedyOf } from './access.ts'

/** One path that can't be read, for the status. */
export interface Trouble {
  readonly path: string
  readonly errno: string
  readonly reason: string
  /** A command that mends it; '' when none is known. */
  readonly remedy: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

/** Stands for a path where none is to blame. */
export const LOOKING = '(looking for files)'

/** More at a time are counted and shown, but no longer told one by one. */
const TOLD_AT_ONCE = 50

export class Troubles {
  #context: Context
  #count: (errno: string) => void
  #open = new Map<string, Trouble>()

  constructor(context: Context) {
    this.#context = context
    this.#count = errorCounter(context)
  }

  /** A path can't be read; tried again by the caller. Says so when it wasn't known, with the hop that refuses. */
  begin(path: string, error: unknown): void {
    const errno = errnoOf(error) || 'ERROR'
    if (this.#open.get(path)?.errno === errno) return
    const explained = errno === 'EACCES' || errno === 'EPERM' || errno === 'ENOENT' ? explainAccess(path) : ''
    const reason = explained === '' ? describe(error) : explained
    const remedy = explained === '' ? '' : remedyOf(path)
    this.#open.set(path, { path, errno, reason, remedy, since: this.#context.clock.now() })
    this.#count(errno)
    const data = { path, errno, reason, ...(remedy !== '' && { remedy }) }
    if (this.#open.size > TOLD_AT_ONCE) this.#context.log.debug(data, 'A path cannot be read.')
    else if (errno === 'ENOENT') this.#context.log.warn(data, 'A path is not there; it is looked for.')
    else this.#context.log.error(data, 'A path cannot be read; it is tried again.')
  }

  /** It can be read, or nobody asks for it any more. */
  end(path: string): void {
    const trouble = this.#open.get(path)
    if (trouble === undefined) return
    this.#open.delete(path)
    this.#context.log.info({ path, errno: trouble.errno }, 'A path that could not be read is no longer in the way.')
  }

  /**
   * What was read under this name could be read, or nobody asks for it any more. That nothing is at a path is another
   * matter: whose file lay there may still be read by its descriptor.
   */
  readable(path: string): void {
    if (this.#open.get(path)?.errno !== 'ENOENT') this.end(path)
  }

  has(path: string): boolean {
    return this.#open.has(path)
  }

  list(): Trouble[] {
    return [...this.#open.values()]
  }
}

/** The error for a process that has no descriptor left for this input. */
export const noDescriptor = (limit: number): YarderError =>
  new YarderError('STORAGE', 'opening a file', {
    cause: Object.assign(new Error(`all ${limit} descriptors of the input are in use`), { code: 'EMFILE' })
  })
