// Conditions of the configuration (`when: {response: {gte: 500}}`), compiled to one function.
import { BlockList, isIP } from 'node:net'
import { fieldReader } from './event.ts'
import type { Cursor, Event } from './event.ts'
import { meantElsewhere, TEST_WORDS } from './condition-words.ts'
import { didYouMean } from './spelling.ts'

/** True when the record meets it. */
export interface Condition {
  (event: Event, cursor: Cursor): boolean
  /** References of the fields it reads; absent when it may read any. */
  readonly reads?: readonly string[]
}
type Test = (value: unknown) => boolean

/** What is wrong with a condition: where in it, and what would be right. */
export class ConditionError extends Error {
  readonly path: string
  constructor(path: string, message: string) {
    super(message)
    this.path = path
  }
}

const scalar = (v: unknown): v is string | number | boolean => ['string', 'number', 'boolean'].includes(typeof v)

/** Equal as people mean it: a number that is written as text equals the number. */
function same(value: unknown, wanted: string | number | boolean): boolean {
  if (Array.isArray(value)) return value.some(v => same(v, wanted))
  return value === wanted || (scalar(value) && typeof value !== typeof wanted && String(value) === String(wanted))
}

const asNumber = (v: unknown): number =>
  typeof v === 'number' ? v : typeof v === 'string' && v.trim() !== '' ? Number(v) : NaN

const COMPARE: Record<string, (n: number, limit: number) => boolean> = {
  gt: (n, limit) => n > limit,
  gte: (n, limit) => n >= limit,
  lt: (n, limit) => n < limit,
  lte: (n, limit) => n <= limit
}
/** The words for tests. */
export const CONDITION_WORDS = [
  'equals',
  'exists',
  'matches',
  'contains',
  'starts_with',
  'ends_with',
  'gt',
  'gte',
  'lt',
  'lte',
  'cidr'
] as const
const OPERATORS: readonly string[] = CONDITION_WORDS

/** Compiles a condition as it stands in the config; throws ConditionError. `{}` is refused: it would hold for everything. */
export function compileCondition(spec: unknown, path = ''): ReadingCondition {
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) {
    throw new ConditionError(path, `must be a map of fields to values, got ${JSON.stringify(spec)}`)
  }
  const tests: ReadingCondition[] = []
  for (const [key, value] of Object.entries(spec)) {
    const at = path === '' ? key : `${path}.${key}`
    if (key === 'any' || key === 'all') {
      if (!Array.isArray(value) || value.length === 0) throw new ConditionError(at, 'must be a list of conditions')
      const inner = value.map((v, i) => compileCondition(v, `${at}[${i}]`))
      const reads = inner.flatMap(t => t.reads)
      tests.push(
        reading(reads, key === 'any' ? (e, c) => inner.some(t => t(e, c)) : (e, c) => inner.every(t => t(e, c)))
      )
    } else if (key === 'not') {
      const inner = compileCondition(value, at)
      tests.push(reading(inner.reads, (e, c) => !inner(e, c)))
    } else tests.push(onField(key, value, at))
  }
  if (tests.length === 0)
    throw new ConditionError(path, 'must name at least one field; an empty condition would hold for every record')
  if (tests.length === 1) return tests[0]!
  return reading(
    tests.flatMap(t => t.reads),
    (event, cursor) => {
      for (let i = 0; i < tests.length; i++) if (!tests[i]!(event, cursor)) return false
      return true
    }
  )
}

type ReadingCondition = Condition & { readonly reads: readonly string[] }

const reading = (reads: readonly string[], test: (event: Event, cursor: Cursor) => boolean): ReadingCondition =>
  Object.assign(test, { reads })

function onField(field: string, value: unknown, at: string): ReadingCondition {
  const right = meantElsewhere(field, value, word => OPERATORS.includes(word))
  if (right !== undefined) throw new ConditionError(at, right)
  let read
  try {
    read = fieldReader(field)
  } catch (error) {
    throw new ConditionError(at, (error as Error).message)
  }
  const test = compileTest(value, at)
  return reading([field], (event, cursor) => test(read(event, cursor)))
}

function compileTest(wanted: unknown, at: string): Test {
  if (wanted === null) return v => v === undefined || v === null
  if (scalar(wanted)) return v => same(v, wanted)
  if (Array.isArray(wanted)) {
    if (wanted.length === 0 || !wanted.every(scalar))
      throw new ConditionError(at, 'must be a list of at least one plain value')
    return v => wanted.some(w => same(v, w))
  }
  const entries = Object.entries(wanted as object)
  if (entries.length === 0) throw new ConditionError(at, `must be a value, a list, or one of ${OPERATORS.join(', ')}`)
  const tests = entries.map(([operator, operand]) => compileOperator(operator, operand, `${at}.${operator}`))
  return tests.length === 1 ? tests[0]! : v => tests.every(t => t(v))
}

function compileOperator(operator: string, operand: unknown, at: string): Test {
  const compare = Object.hasOwn(COMPARE, operator) ? COMPARE[operator] : undefined
  if (compare !== undefined) {
    if (typeof operand !== 'number') throw new ConditionError(at, `must be a number, got ${JSON.stringify(operand)}`)
    return v => compare(asNumber(v), operand)
  }
  if (operator === 'exists') {
    if (typeof operand !== 'boolean')
      throw new ConditionError(at, `must be true or false, got ${JSON.stringify(operand)}`)
    return v => (v !== undefined && v !== null && typeof v !== 'symbol') === operand
  }
  if (operator === 'equals' && scalar(operand)) return v => same(v, operand)
  if (operator === 'cidr') return inNetworks(operand, at)
  if (!OPERATORS.includes(operator)) throw new ConditionError(at, `unknown test${testMeant(operator)}`)
  if (typeof operand !== 'string') throw new ConditionError(at, `must be a text, got ${JSON.stringify(operand)}`)
  const each =
    (test: (s: string) => boolean): Test =>
    v =>
      Array.isArray(v) ? v.some(x => scalar(x) && test(String(x))) : scalar(v) && test(String(v))
  if (operator === 'contains') return each(s => s.includes(operand))
  if (operator === 'starts_with') return each(s => s.startsWith(operand))
  if (operator === 'ends_with') return each(s => s.endsWith(operand))
  try {
    const regex = new RegExp(operand)
    return each(s => regex.test(s))
  } catch (error) {
    throw new ConditionError(at, `must be a regular expression: ${(error as Error).message}`)
  }
}

function testMeant(word: string): string {
  if (word === 'not' || word === 'any' || word === 'all') return `; "${word}" stands before the field, not after it`
  const known = Object.hasOwn(TEST_WORDS, word.toLowerCase()) ? TEST_WORDS[word.toLowerCase()] : undefined
  return known === undefined ? didYouMean(word, OPERATORS) : `; did you mean "${known}"?`
}

function inNetworks(operand: unknown, at: string): Test {
  const list = new BlockList()
  for (const net of Array.isArray(operand) ? operand : [operand]) {
    const [address = '', bits] = String(net).split('/')
    const family = isIP(address)
    const width = bits === undefined ? (family === 4 ? 32 : 128) : Number(bits)
    if (family === 0 || !Number.isInteger(width) || width < 0 || width > (family === 4 ? 32 : 128)) {
      throw new ConditionError(at, `must be a network such as 10.0.0.0/8, got ${JSON.stringify(net)}`)
    }
    list.addSubnet(address, width, family === 4 ? 'ipv4' : 'ipv6')
  }
  return v => {
    const family = typeof v === 'string' ? isIP(v) : 0
    return family !== 0 && list.check(v as string, family === 4 ? 'ipv4' : 'ipv6')
  }
}
