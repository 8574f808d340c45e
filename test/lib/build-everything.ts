// Builds every example of THE LIST and prints, a line each, what that reached for beside memory. Meant to run under
// Node's permission model, which tells of every file, socket, process and worker, also when a component hides the refusal.
import { subscribe } from 'node:diagnostics_channel'
import { buildProblems } from '../../src/config/checked.ts'
import { exampleConfig } from '../../src/config/example.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { catalog } from '../../src/agent/components.ts'
import { checkedExample, listed } from './the-list.ts'
import { context } from './step.ts'

const touched: string[] = []
for (const kind of ['fs', 'net', 'child', 'worker', 'wasi', 'addon', 'inspector', 'ffi'])
  subscribe(`node:permission-model:${kind}`, message => {
    const { permission, resource } = message as { permission: string; resource: string }
    touched.push(`${permission} ${resource}`)
  })

const counted = (): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

// The agent has looked at its stdout before it builds anything (src/main.ts).
void process.stdout.fd

for (const one of listed) {
  for (const example of one.definition.examples ?? []) {
    const checked = checkedExample(one, example)
    const before = counted()
    touched.length = 0
    const problems = buildProblems(checked, (_, name) => context({ name }))
    const after = counted()
    const started = Object.keys(after).filter(kind => after[kind]! > (before[kind] ?? 0))
    const report = {
      name: `${one.section}.${one.definition.name}: ${example.title}`,
      yaml: exampleConfig(catalog, one.section, one.definition, example),
      problems: problems.map(formatProblem),
      touched,
      started
    }
    process.stdout.write(`${JSON.stringify(report)}\n`)
  }
}
