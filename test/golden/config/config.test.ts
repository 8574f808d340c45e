// Each folder here is a configuration with its exact messages: `yarder.yaml`, `conf.d/`, `env` → `expected.err`.
// UPDATE=1 writes what came out; the diff is then for a person to read.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { buildProblems } from '../../../src/config/checked.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { formatProblem, sortProblems } from '../../../src/config/problem.ts'
import { catalog } from './catalog.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const cases = readdirSync(here, { withFileTypes: true }).filter(d => d.isDirectory())

assert.ok(cases.length > 0, 'no case was found')

for (const { name } of cases) {
  test(`${name} is told as expected.err has it`, () => {
    const dir = join(here, name)
    const env = existsSync(join(dir, 'env')) ? parseEnv(readFileSync(join(dir, 'env'), 'utf8')) : {}
    const { checked, problems, warnings } = loadConfig(join(dir, 'yarder.yaml'), catalog, env)
    const all = sortProblems([...problems, ...buildProblems(checked, () => ({}))], checked.files)
    const lines = [...all.map(formatProblem), ...warnings.map(w => `warning: ${formatProblem(w)}`)]
    const actual = lines.map(line => `${line.replaceAll(`${dir}/`, '')}\n`).join('')
    const expected = join(dir, 'expected.err')
    if (process.env['UPDATE'] === '1') writeFileSync(expected, actual)
    assert.equal(actual, readFileSync(expected, 'utf8'))
  })
}
