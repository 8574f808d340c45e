// The kinds of options a component can declare: each reads, checks and documents itself.
export type { Field, Fields, Report, Values } from './field/kind.ts'
export { parseDuration, parseRate, parseSize } from './field/units.ts'
export {
  anything,
  boolean,
  choice,
  condition,
  fieldRef,
  hostPort,
  LEVEL_WORDS,
  regex,
  secret,
  string,
  template,
  text,
  url
} from './field/words.ts'
export type { HostPort } from './field/words.ts'
export { duration, integer, number, rate, size } from './field/numbers.ts'
export { either, list, map, object, oneOrMore, optional } from './field/nested.ts'
export { isMap, jsonSchemaOf, readFields } from './field/read.ts'
export { didYouMean } from './spelling.ts'
