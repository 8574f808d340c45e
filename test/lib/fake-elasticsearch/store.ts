// What the fake keeps: documents by index and id, with the item answers that Elasticsearch 8.19 gives for each action.
import { randomUUID } from 'node:crypto'

/** One document as it was stored, in order of arrival. */
export interface Stored {
  readonly index: string
  readonly id: string
  readonly source: Record<string, unknown>
}

/** The answer to one line pair, without the action's name around it. */
export interface ItemAnswer {
  readonly _index: string
  readonly _id: string | null
  readonly status: number
  readonly result?: string
  readonly error?: { readonly type: string; readonly reason: string }
}

/** One action of a bulk body. `source` is the raw line, as a broken one is a fault of that item alone. */
export interface Action {
  readonly name: string
  readonly index: string
  readonly id: string | undefined
  readonly source: string
}

/** Thrown for a body that the server refuses whole with a 400. */
export class WholeRefusal extends Error {
  readonly type: string

  constructor(type: string, reason: string) {
    super(reason)
    this.type = type
  }
}

/** Splits a bulk body into its actions. `target` is the index of the path, for lines that name none. */
export function parseBulk(body: string, target: string | undefined): Action[] {
  if (!body.endsWith('\n')) {
    throw new WholeRefusal('illegal_argument_exception', 'The bulk request must be terminated by a newline [\\n]')
  }
  const lines = body.split('\n')
  const actions: Action[] = []
  for (let at = 0; at < lines.length - 1; at++) {
    const line = lines[at] ?? ''
    if (line === '') continue
    const [name, about] = actionOf(line, at)
    const source = name === 'delete' ? '' : (lines[++at] ?? '')
    const index = typeof about._index === 'string' ? about._index : target
    if (index === undefined) throw new WholeRefusal('action_request_validation_exception', 'index is missing')
    const id = typeof about._id === 'string' ? about._id : undefined
    if (id !== undefined && Buffer.byteLength(id) > 512) {
      // unlike other faults of one document, this one refuses all
      const reason = `id [${id}] is too long, must be no longer than 512 bytes`
      throw new WholeRefusal('action_request_validation_exception', reason)
    }
    actions.push({ name, index, id, source })
  }
  return actions
}

function actionOf(line: string, at: number): [string, Record<string, unknown>] {
  try {
    const entries = Object.entries(JSON.parse(line) as Record<string, unknown>)
    const [name, about] = entries[0] ?? ['', undefined]
    if (['create', 'index', 'update', 'delete'].includes(name)) return [name, about as Record<string, unknown>]
  } catch {
    throw new WholeRefusal('x_content_parse_exception', `line ${at + 1} is not JSON`)
  }
  throw new WholeRefusal('illegal_argument_exception', `Malformed action/metadata line [${at + 1}]`)
}

/** Documents by index and id. `create` of a known id is a 409, `index` replaces. */
export class Store {
  readonly stored: Stored[] = []
  readonly #byIndex = new Map<string, Map<string, Stored>>()

  get(index: string, id: string): Stored | undefined {
    return this.#byIndex.get(index)?.get(id)
  }

  /** Documents of one index, or of all. */
  count(index?: string): number {
    if (index !== undefined) return this.#byIndex.get(index)?.size ?? 0
    return [...this.#byIndex.values()].reduce((sum, documents) => sum + documents.size, 0)
  }

  apply(action: Action): ItemAnswer {
    const refused = refusal(action)
    if (refused !== undefined) return { _index: action.index, _id: action.id ?? null, ...refused }
    const id = action.id ?? randomUUID()
    const about = { _index: action.index, _id: id }
    const known = this.get(action.index, id) !== undefined
    if (action.name === 'delete') {
      this.#byIndex.get(action.index)?.delete(id)
      return { ...about, status: known ? 200 : 404, result: known ? 'deleted' : 'not_found' }
    }
    if (action.name === 'create' && known) {
      const reason = `[${id}]: version conflict, document already exists (current version [1])`
      return { ...about, status: 409, error: { type: 'version_conflict_engine_exception', reason } }
    }
    this.#put({ index: action.index, id, source: JSON.parse(action.source) as Record<string, unknown> })
    return { ...about, status: known ? 200 : 201, result: known ? 'updated' : 'created' }
  }

  #put(document: Stored): void {
    const documents = this.#byIndex.get(document.index) ?? new Map<string, Stored>()
    documents.set(document.id, document)
    this.#byIndex.set(document.index, documents)
    this.stored.push(document)
  }
}

function refusal(action: Action): Pick<ItemAnswer, 'status' | 'error'> | undefined {
  const because = (type: string, reason: string): Pick<ItemAnswer, 'status' | 'error'> => {
    return { status: 400, error: { type, reason } }
  }
  if (action.id === '') return because('illegal_argument_exception', 'if _id is specified it must not be empty')
  if (action.index !== action.index.toLowerCase()) {
    return because('invalid_index_name_exception', `Invalid index name [${action.index}], must be lowercase`)
  }
  if (action.name === 'update') return because('illegal_argument_exception', 'this fake knows no update')
  if (action.name !== 'delete' && !isObject(action.source)) {
    return because('document_parsing_exception', '[1:2] failed to parse')
  }
  return undefined
}

function isObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
