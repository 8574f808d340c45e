// A linear pattern as one generated function from a line's bytes to the bytes of its document, or to where its fields are.
import type { Part, Scalar } from './linear.ts'
import { SCALARS } from './linear.ts'
import type { Spans } from './view.ts'

/**
 * Scans the line `b[s, e)` and writes its own fields (`,"message":"…","clientip":"…"`) into `out` from `at` on. Returns
 * where it ended, or -1 for a line that the general way must take. `b[e]` must be a line end. It may take `keyBytes`
 * and ROOM_PER_BYTE for each byte of the line. Without `documents` it writes nothing.
 */
export type Scan = (b: Uint8Array, s: number, e: number, out: Uint8Array, at: number) => number

export interface ScanOptions {
  readonly parts: readonly Part[]
  readonly documents: boolean
  /** Told where these fields are, `message` among them as the whole line. */
  readonly spans: Spans
  /** Fields that become integers; the text must be canonical, or the line is given up. */
  readonly integers: ReadonlySet<string>
  /** Called with the place of a field's text in the line; false gives the line up. */
  readonly watch: ReadonlyMap<string, (b: Uint8Array, from: number, to: number) => boolean>
  /** Whether a text of a scalar whose runs are not sure is one of its texts: asks the expression, keeps the answers. */
  readonly asks: (scalar: string) => (b: Uint8Array, from: number, to: number) => boolean
}

/** Bytes that keys may take; a line's own bytes are written at most twice, each at most with a backslash. */
export const ROOM_PER_BYTE = 4

export function keyBytes(parts: readonly Part[]): number {
  let sum = 64
  for (const part of parts) {
    if (part.kind === 'field') sum += (part.name?.length ?? 0) + 8
    else if (part.kind === 'either') for (const option of part.options) sum += keyBytes(option)
    else if (part.kind === 'maybe') sum += keyBytes(part.parts)
  }
  return sum
}

/** 1 for the bytes of a class. */
function table(characters: RegExp): Uint8Array {
  const t = new Uint8Array(256)
  for (let i = 0; i < 128; i++) if (characters.test(String.fromCharCode(i))) t[i] = 1
  return t
}

/** How a byte goes into a JSON text: 0 as it is, 1 behind a backslash, 2 not at all (the line is given up). */
function escapes(): Uint8Array {
  const t = new Uint8Array(256).fill(2)
  for (let i = 32; i < 127; i++) t[i] = 0
  t[34] = t[92] = 1
  return t
}

/** Bytes before a field that none of the scalars looks back at: no word character, `.`, `+`, `-` or backslash. */
const NEUTRAL = /[^\w.+\\-]/

/** Compiles the function. Only numbers, tables and functions get into its source, and names through JSON.stringify. */
export function compileScan(options: ScanOptions): Scan {
  const made = new Generator(options)
  const body = made.sequence(options.parts)
  const source = `return function scan(b, s, e, out, at) {
    let i = s, c = 0, from = 0, st = 0, t = 0
    if (b[e] !== 10 && b[e] !== 13) return -1
    ${made.message()}
    ${body}
    return at
  }`
  const names = ['E', 'N', 'P', ...made.constants.keys()]
  const { places } = options.spans
  return new Function(...names, source)(escapes(), table(NEUTRAL), places, ...made.constants.values()) as Scan
}

class Generator {
  readonly constants = new Map<string, unknown>()
  readonly #options: ScanOptions

  constructor(options: ScanOptions) {
    this.#options = options
  }

  sequence(parts: readonly Part[]): string {
    return parts.map((part, i) => this.#part(part, parts[i + 1])).join('\n')
  }

  /** Statements that append a text. */
  bytes(text: string): string {
    return [...Buffer.from(text)].map(c => `out[at++] = ${c}`).join(';')
  }

  /** The line itself, and that none of the fields has been seen. */
  message(): string {
    const { documents, spans } = this.#options
    const reset = spans.names.map((_, k) => `P[${k * 2}] = -1`).join(';')
    const seen = spans.names.indexOf('message')
    const span = seen === -1 ? '' : `P[${seen * 2}] = s; P[${seen * 2 + 1}] = e`
    const check = 'while (i < e) if (E[b[i++]] === 2) return -1'
    const write = `${this.bytes(',"message":"')}
      while (i < e) { c = b[i++]; t = E[c]; if (t === 0) out[at++] = c; else if (t === 1) { out[at++] = 92; out[at++] = c } else return -1 }
      out[at++] = 34`
    return `${reset}\n${documents ? write : seen === -1 ? '' : check}\n${span}\ni = s`
  }

  #part(part: Part, next: Part | undefined): string {
    if (part.kind === 'literal')
      return [...Buffer.from(part.text)].map(c => `if (b[i] !== ${c}) return -1; i++`).join('\n')
    if (part.kind === 'maybe') return `if (b[i] === ${first(part.parts)}) {\n${this.sequence(part.parts)}\n}`
    if (part.kind === 'either') return this.#either(part.options)
    return this.#field(part, next)
  }

  #either(options: readonly (readonly Part[])[]): string {
    const branches: string[] = []
    for (const [k, option] of options.entries()) {
      const literal = option[0]?.kind === 'literal' && k < options.length - 1
      branches.push(
        literal ? `if (b[i] === ${first(option)}) {\n${this.sequence(option)}\n}` : `{\n${this.sequence(option)}\n}`
      )
      if (!literal) break
    }
    return branches.join(' else ')
  }

  /** Finds the end of a field and writes it on the way; a line that is given up in the middle is written over. */
  #field(part: Part & { kind: 'field' }, next: Part | undefined): string {
    const scalar = SCALARS[part.scalar]!
    const { name } = part
    const integer = name !== undefined && (part.type === 'int' || this.#options.integers.has(name))
    const watch = name === undefined ? undefined : this.#options.watch.get(name)
    const copied = this.#options.documents && name !== undefined && part.type !== 'float'
    const k = name === undefined ? -1 : this.#options.spans.names.indexOf(name)
    const mayBeEmpty = scalar.how === 'lazy' || scalar.how === 'rest'
    return [
      'st = i',
      copied ? `from = at\n${this.bytes(`,${JSON.stringify(name)}:${integer ? '' : '"'}`)}` : '',
      this.#run(part.scalar, scalar, next, copied),
      part.type === 'float' ? 'return -1' : '',
      watch === undefined ? '' : `if (!${this.#constant('w', watch)}(b, st, i)) return -1`,
      // As JSON writes numbers: no sign, no leading zero, exact in a double.
      integer
        ? `if (i - st > 15 || (b[st] === 48 && i - st > 1) || !${this.#constant('d', allDigits)}(b, st, i)) return -1`
        : '',
      copied && !integer ? 'out[at++] = 34' : '',
      // An empty capture is no field.
      copied && mayBeEmpty ? 'if (i === st) at = from' : '',
      k === -1 ? '' : `${mayBeEmpty ? 'if (i > st) ' : ''}{ P[${k * 2}] = st; P[${k * 2 + 1}] = i }`
    ].join('\n')
  }

  /** Moves `i` from the start of a field to its end, its bytes copied, or gives the line up. */
  #run(name: string, scalar: Scalar, next: Part | undefined, copied: boolean): string {
    const t = this.#constant('t', table(scalar.characters))
    const before = 'if (i > s && N[b[i - 1]] === 0) return -1'
    const special = scalar.characters.test('"') || scalar.characters.test('\\')
    const copy = !copied ? '' : special ? 'if (c === 34 || c === 92) out[at++] = 92; out[at++] = c;' : 'out[at++] = c;'
    const run = (table: string): string => `while (${table}[c = b[i]] === 1) { ${copy} i++ }`
    const asks = scalar.sure === true ? '' : ` || !${this.#constant('a', this.#options.asks(name))}(b, st, i)`
    switch (scalar.how) {
      case 'token':
        return `${before}\n${run(t)}\nif (i === st${asks}) return -1`
      case 'greedy':
        return `${run(t)}\nif (i === st) return -1`
      case 'number': {
        const d = this.#constant('t', table(/\d/))
        const point = `if (b[i] === 46 && ${d}[b[i + 1]] === 1) { ${copied ? 'out[at++] = 46;' : ''} i++; ${run(d)} }`
        return `${before}\n${run(d)}\nif (i === st) return -1\n${point}`
      }
      case 'quoted': {
        const quote = copied ? 'out[at++] = 92; out[at++] = 34;' : ''
        const inside = `while (${t}[c = b[i]] === 1 && c !== 34 && c !== 92) { ${copied ? 'out[at++] = c;' : ''} i++ }`
        return `if (b[i] !== 34 || (i > s && b[i - 1] === 92)) return -1\n${quote} i++\n${inside}\nif (b[i] !== 34) return -1\n${quote} i++`
      }
      case 'rest':
        return `while (i < e) { c = b[i++]; ${copied ? copy : `if (${t}[c] === 0) return -1`} }`
      case 'lazy': {
        const stop = next?.kind === 'literal' ? next.text.charCodeAt(0) : 34
        const each = copied ? copy : `if (${t}[c] === 0) return -1;`
        return `while (i < e && (c = b[i]) !== ${stop}) { ${each} i++ }\nif (i === e) return -1`
      }
    }
  }

  #constant(kind: string, value: unknown): string {
    for (const [name, known] of this.constants) {
      if (
        known === value ||
        (value instanceof Uint8Array && known instanceof Uint8Array && Buffer.compare(value, known) === 0)
      )
        return name
    }
    const name = `${kind}${this.constants.size}`
    this.constants.set(name, value)
    return name
  }
}

function allDigits(b: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (b[i]! < 48 || b[i]! > 57) return false
  return true
}

const first = (parts: readonly Part[]): number => (parts[0] as Part & { kind: 'literal' }).text.charCodeAt(0)
