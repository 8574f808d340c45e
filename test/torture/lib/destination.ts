// Where the lines arrive, read for a judge: the `file` output's NDJSON while it grows, or an Elasticsearch.
//
//   const out = new NdjsonDestination(path, judge)
//   await until('all lines', async () => (await out.read(), judge.got >= written))
import { closeSync, openSync, readSync } from 'node:fs'
import { errnoOf } from '../../../src/core/errors.ts'
import type { Judge } from './judge.ts'

const STEP = 4 * 1024 * 1024
const LF = 10

/** The file that a `file` output with `max_bytes: 0` writes, followed from its beginning. */
export class NdjsonDestination {
  readonly path: string
  readonly judge: Judge
  #buffer = Buffer.allocUnsafe(STEP)
  #held = 0
  #at = 0

  readonly #ordered: boolean

  constructor(path: string, judge: Judge, ordered = true) {
    this.path = path
    this.judge = judge
    this.#ordered = ordered
  }

  /**
   * Hands the judge every whole line that was not there at the last call. What follows the last of them is read again
   * the next time: a process that died while writing leaves a cut line, and the agent takes it out when it next appends.
   */
  read(): void {
    this.#at -= this.#held
    this.#held = 0
    const fd = this.#open()
    if (fd === undefined) return
    try {
      for (;;) {
        if (this.#held === this.#buffer.length) throw new Error(`${this.path} has a line of more than ${STEP} bytes`)
        const n = readSync(fd, this.#buffer, this.#held, this.#buffer.length - this.#held, this.#at)
        if (n === 0) return
        this.#at += n
        this.#split(this.#held + n)
      }
    } finally {
      closeSync(fd)
    }
  }

  /** A line that is cut at the end of the file; empty when there is none. */
  rest(): string {
    return this.#buffer.toString('utf8', 0, this.#held)
  }

  #open(): number | undefined {
    try {
      return openSync(this.path, 'r')
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw error
    }
  }

  #split(used: number): void {
    let start = 0
    for (;;) {
      const end = this.#buffer.subarray(0, used).indexOf(LF, start)
      if (end === -1) break
      this.#take(this.#buffer.toString('utf8', start, end))
      start = end + 1
    }
    this.#buffer.copy(this.#buffer, 0, start, used)
    this.#held = used - start
  }

  #take(line: string): void {
    let document: unknown
    try {
      document = JSON.parse(line)
    } catch {
      this.judge.broken(line)
      return
    }
    takeDocument(this.judge, document, this.#ordered)
  }
}

/**
 * Hands the judge one document as the agent writes it under its default schema. `ordered` is false where arrival has no
 * order that means anything, as in an index.
 */
export function takeDocument(judge: Judge, document: unknown, ordered: boolean): void {
  const { message, log } = document as { message?: unknown; log?: { offset?: unknown; file?: unknown } }
  // The agent's own records, such as a file that it may not read, come from no file.
  if (log?.file === undefined) return
  if (typeof message !== 'string') return judge.broken(JSON.stringify(document))
  const offset = log?.offset
  judge.take(message, ordered && typeof offset === 'number' ? offset : undefined)
}

/** Hands the judge every document of an index of an Elasticsearch, page by page. Refresh the index before. */
export async function takeIndex(judge: Judge, url: string, index: string): Promise<void> {
  const ask = async (path: string, body: object): Promise<Page> => {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body)
    })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as Page
  }
  let page = await ask(`/${index}/_search?scroll=2m`, { size: 5000, sort: ['_doc'], query: { match_all: {} } })
  while (page.hits.hits.length > 0) {
    for (const hit of page.hits.hits) takeDocument(judge, hit._source, false)
    page = await ask('/_search/scroll', { scroll: '2m', scroll_id: page._scroll_id })
  }
}

interface Page {
  readonly _scroll_id: string
  readonly hits: { readonly hits: ReadonlyArray<{ readonly _source: unknown }> }
}

/** Shows the judge the JSON lines of a file that a program prints to, as far as they are whole, each once. */
export class PrintedLines {
  readonly #judge: Judge
  readonly #block = Buffer.alloc(1024 * 1024)
  readonly #read = new Map<string, number>()

  constructor(judge: Judge) {
    this.#judge = judge
  }

  /** Goes on where it was with this file. */
  read(path: string): void {
    const fd = openSync(path, 'r')
    try {
      for (let at = this.#read.get(path) ?? 0; ; this.#read.set(path, at)) {
        const text = this.#block.subarray(0, readSync(fd, this.#block, 0, this.#block.length, at))
        const end = text.lastIndexOf('\n') + 1
        if (end === 0) return
        for (const line of text.toString('utf8', 0, end).split('\n'))
          if (line.startsWith('{')) takeDocument(this.#judge, JSON.parse(line), false)
        at += end
      }
    } finally {
      closeSync(fd)
    }
  }
}
