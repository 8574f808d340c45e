// /health and /metrics under the loads that the book puts on a web service, by the tools it does that with, while a log
// is shipped: ApacheBench with 100 at a time, and molotov, which reads the JSON.
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { debianPackage } from '../lib/real/debian.ts'
import { run, until } from '../lib/real/process.ts'
import { agentFolder, startYarder } from '../lib/real/yarder.ts'

const skip = (await debianPackage(['apache2-utils', 'python3-molotov'])) ?? false

const SCENARIO = `
import os
from molotov import scenario

@scenario(weight=100)
async def healthy(session):
    async with session.get(os.environ["TARGET"]) as response:
        assert response.status == 200, response.status
        said = await response.json()
        assert said["status"] == "green", said
`

test('no request fails under load, and the log goes on', { skip }, async t => {
  const folder = agentFolder(t)
  const log = join(folder, 'app.log')
  const out = join(folder, 'out.ndjson')
  for (const file of [log, out]) writeFileSync(file, '')
  const yarder = await startYarder(t, {
    folder,
    config: `agent: { data_dir: ${folder}/data }
admin: { listen: '127.0.0.1:0' }
outputs: { out: { type: file, path: ${out} } }
inputs: { app: { type: file, paths: [${log}], start_at: beginning, poll: 50ms } }
checks: { root: { type: disk, path: /, critical: 100%, inodes_critical: 100%, warning: 100%, inodes_warning: 100% } }
`
  })
  const shipped = (): number => readFileSync(out, 'utf8').split('"message":"line ').length - 1
  let written = 0
  const timer = setInterval(() => appendFileSync(log, `line ${written++}\n`), 10)
  t.after(() => clearInterval(timer))
  await until('the agent to be ready', async () => (await fetch(`${yarder.url}/health`)).ok)

  for (const page of ['/health/', '/metrics']) {
    const before = shipped()
    // -l: the pages tell numbers that change, so their length does.
    const said = await run(['ab', '-q', '-l', '-c', '100', '-n', '10000', `${yarder.url}${page}`], {
      timeoutMs: 120_000
    })
    assert.match(said, /Complete requests: +10000\n/, page)
    assert.match(said, /Failed requests: +0\n/, said)
    assert.doesNotMatch(said, /Non-2xx/, said)
    const [perSecond] = /Requests per second: +[\d.]+/.exec(said) ?? []
    t.diagnostic(`${page} ${perSecond}, ${shipped() - before} lines shipped meanwhile`)
    assert.ok(shipped() > before, 'lines are shipped meanwhile')
  }

  const scenario = join(folder, 'scenario.py')
  writeFileSync(scenario, SCENARIO)
  // The exit status of molotov 2.1 is 1 when all was well too; what it counted is what it says.
  const said = await run(['molotov', '-q', '-r', '100', scenario], { env: { TARGET: `${yarder.url}/health/` } }).catch(
    String
  )
  assert.match(said, /'OK': 100, 'FAILED': 0\b/)

  clearInterval(timer)
  await until('every line', () => shipped() === written)
})
