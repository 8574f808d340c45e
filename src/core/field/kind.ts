// What an option is: it reads, checks and documents itself.

/** Collects what is wrong; `path` is relative to the option (`''` itself, `[2]`, `.key`). */
export type Report = (path: string, message: string) => void

export interface Field<T> {
  /** What it is for; a sentence that ends with a period. Shown to users. */
  readonly doc: string
  /** The kind of value in words, for the reference: `duration`, `list of string`. */
  readonly type: string
  /** The default as it would be written in YAML; absent when the option is required or `optional`. */
  readonly default?: unknown
  readonly optional?: boolean
  /** Its value is never shown: not in messages, dumps, logs. */
  readonly secret?: boolean
  /** Still read, but says what to use instead. */
  readonly deprecated?: string
  readonly example?: unknown
  /** Limits and choices in words, for the reference. */
  readonly limits?: string
  /** JSON Schema of the value, for editors. */
  readonly json: Record<string, unknown>
  /** Options of the map it takes, for the reference. */
  readonly fields?: Fields
  /** Checks and converts; reports every error and returns undefined when there was one. */
  read(value: unknown, report: Report): T | undefined
}

// `any` in the one place where TypeScript has no other word for "a field of whatever".
// oxlint-disable-next-line typescript/no-explicit-any
export type Fields = Record<string, Field<any>>
export type Values<F extends Fields> = { [K in keyof F]: F[K] extends Field<infer T> ? T : never }

/** What a field may have besides. */
export interface Extra<T> {
  default?: T | string | number
  example?: unknown
  secret?: boolean
  deprecated?: string
}

/** A value as messages quote it. */
export const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

/** A text as it can stand in a YAML list in brackets, whatever it holds. */
export const quoted = (text: string): string =>
  /^(?!(?:true|false|null)$)[A-Za-z/][\w./-]*$/.test(text) ? text : `'${text.replaceAll("'", "''")}'`

export function field<T>(
  doc: string,
  type: string,
  json: Record<string, unknown>,
  read: Field<T>['read'],
  extra: Extra<T> & { limits?: string; fields?: Fields } = {}
): Field<T> {
  return { ...extra, doc, type, json, read }
}

/** A test with its rule: `must be RULE, got VALUE`. `convert` returns undefined when the value doesn't fit. */
export function rule<T>(
  doc: string,
  type: string,
  json: Record<string, unknown>,
  must: string,
  convert: (v: unknown) => T | undefined,
  extra: Extra<T> & { limits?: string } = {}
): Field<T> {
  return field(
    doc,
    type,
    json,
    (value, report) => {
      const result = convert(value)
      if (result === undefined) report('', `must be ${must}, got ${extra.secret === true ? '***' : show(value)}`)
      return result
    },
    extra
  )
}
