// What a grok step costs a line, beside the bare search with the same expression.
// node bench/grok.ts FILE [PATTERN]; make the file with the generator of access logs.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { compileGrok } from '../src/pipeline/parse/grok/grok.ts'
import { patternSet } from '../src/pipeline/parse/grok/patterns/index.ts'

const { positionals } = parseArgs({ allowPositionals: true })
const [file, pattern = '%{COMBINEDAPACHELOG}'] = positionals
if (file === undefined) {
  console.error('usage: node bench/grok.ts FILE [PATTERN]')
  process.exit(2)
}
// As the tailer has them: one-byte strings of their own where a line is ASCII.
const lines = readFileSync(file, 'utf8')
  .trimEnd()
  .split('\n')
  .map(line => Buffer.from(line).toString(/[^\0-\x7f]/.test(line) ? 'utf8' : 'latin1'))

/** Nanoseconds a line, the best of some rounds: the machine's other work only ever adds. */
function measure(work: (line: string) => unknown): number {
  let best = Infinity
  for (let round = 0; round < 15; round++) {
    const start = process.hrtime.bigint()
    for (const line of lines) work(line)
    best = Math.min(best, Number(process.hrtime.bigint() - start) / lines.length)
  }
  return best
}

for (const set of ['legacy', 'ecs-v1'] as const) {
  const grok = compileGrok({ match: { message: pattern }, patterns: patternSet(set) })
  const [matcher] = grok.matchers
  const matched = lines.filter(line => grok.apply({ message: line })).length
  const bare = measure(matcher!.exec)
  const apply = measure(line => grok.apply({ message: line }, line))
  console.log(
    `${set.padEnd(7)} ${matcher!.engine} ${matched} of ${lines.length} lines match: ` +
      `search ${bare.toFixed(0)} ns, apply ${apply.toFixed(0)} ns, ratio ${(apply / bare).toFixed(2)}`
  )
}
