// What Filebeat, Logstash and Vector write in a condition, and how the same is said here.

const LOGIC: Readonly<Record<string, string>> = {
  and: 'a map means all of it; for a list of conditions write "all"',
  or: 'write "any" for conditions of which one is enough',
  none: 'write "not" with "any" in it',
  nor: 'write "not" with "any" in it'
}

/** Tests that elsewhere stand before the field. */
const BEFORE_THE_FIELD: Readonly<Record<string, string>> = {
  equals: 'equals',
  contains: 'contains',
  regexp: 'matches',
  matches: 'matches',
  network: 'cidr',
  range: '',
  exists: 'exists'
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * What to write instead of a key that another agent has in its conditions; undefined when it is a field: with a plain
 * value it always is, and with a map that holds a test.
 */
export function meantElsewhere(key: string, value: unknown, isTest: (word: string) => boolean): string | undefined {
  const items = Array.isArray(value) ? value : [value]
  if (key === 'has_fields' && Array.isArray(value))
    return `is no test; write "${typeof value[0] === 'string' ? value[0] : 'FIELD'}: { exists: true }" for each field`
  if (!items.some(isMap) || (isMap(value) && Object.keys(value).some(isTest))) return undefined
  if (Object.hasOwn(LOGIC, key)) return `is no word of conditions; ${LOGIC[key]}`
  const test = Object.hasOwn(BEFORE_THE_FIELD, key) && isMap(value) ? BEFORE_THE_FIELD[key] : undefined
  if (test === undefined) return undefined
  const [field = 'FIELD', operand] = Object.entries(value as object)[0] ?? []
  const right = test === '' || isMap(operand) ? JSON.stringify(operand) : `{ ${test}: ${JSON.stringify(operand)} }`
  return `stands where a field belongs, the test comes after it; write "${field}: ${right}"`
}

/** What tests are called elsewhere. */
export const TEST_WORDS: Readonly<Record<string, string>> = {
  eq: 'equals',
  equal: 'equals',
  is: 'equals',
  in: 'equals',
  regex: 'matches',
  regexp: 'matches',
  match: 'matches',
  like: 'contains',
  includes: 'contains',
  prefix: 'starts_with',
  startswith: 'starts_with',
  suffix: 'ends_with',
  endswith: 'ends_with',
  ge: 'gte',
  le: 'lte',
  min: 'gte',
  max: 'lte',
  ip: 'cidr',
  network: 'cidr',
  present: 'exists'
}
