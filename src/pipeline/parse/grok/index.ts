// What the rest of the pipeline and the command line see of grok.
export { GrokError } from './error.ts'
export { explainGrok } from './explain.ts'
export type { Explanation } from './explain.ts'
export { compileGrok } from './grok.ts'
export { patternSet } from './patterns/index.ts'
