// Texts of strangers on one line.
import { oneLine } from '../service/log.ts'

export { oneLine }

/** The same for every text in a value, names of files and words of peers among them, before it is laid out for people. */
export function onLines<T>(value: T): T {
  if (typeof value === 'string') return oneLine(value) as T
  if (Array.isArray(value)) return value.map(onLines) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [oneLine(key), onLines(inner as unknown)])) as T
}
