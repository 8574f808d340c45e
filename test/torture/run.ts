// `npm run test:torture [file …]`: all lanes with one seed, then the table, which is kept as JSON too.
//
//   SEED=N             the seed, as printed by the run that is to be repeated
//   TORTURE_RUNS=N     every fault N times as often as in CI
//   TORTURE_MINUTES=N  every lane goes on for N minutes
//   TORTURE_AT_ONCE=N  so many files of lanes side by side; 3, as a lane uses a fifth of a core
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SEED } from './lib/seed.ts'
import { tableOf } from './lib/table.ts'
import type { Row } from './lib/table.ts'

const AT_ONCE = process.env['TORTURE_AT_ONCE'] ?? '3'
const named = process.argv.slice(2)
const files = named.length > 0 ? named : globSync('*.test.ts', { cwd: import.meta.dirname }).toSorted()
const paths = named.length > 0 ? files : files.map(file => join(import.meta.dirname, file))
const folder = mkdtempSync(join(tmpdir(), 'yarder-torture-report-'))
const report = join(folder, 'rows.ndjson')
console.log(`seed ${SEED}`)

const child = spawn(process.execPath, ['--test', `--test-concurrency=${AT_ONCE}`, ...paths], {
  stdio: 'inherit',
  env: { ...process.env, SEED: String(SEED), TORTURE_ROWS: report }
})
await once(child, 'exit')

const lines = existsSync(report) ? readFileSync(report, 'utf8').trimEnd().split('\n') : []
const rows = lines.map(line => JSON.parse(line) as Row)
const table = join(folder, 'table.json')
writeFileSync(table, JSON.stringify({ seed: SEED, rows }, undefined, 2))
console.log(`\nseed ${SEED}\n${tableOf(rows)}\n${table}`)
process.exitCode = child.exitCode ?? 1
