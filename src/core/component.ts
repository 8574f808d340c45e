// THE CONTRACTS: what an input, a step, an output and the definition of a component are, and who calls them when.
export * from './component/input.ts'
export * from './component/records.ts'
export * from './component/output.ts'
export * from './component/metric.ts'
export * from './component/check.ts'
export * from './component/definition.ts'
