import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startFakeElasticsearch } from '../../test/lib/fake-elasticsearch.ts'
import { holdWorld } from '../../test/lib/world.ts'
import { runCli } from './cli.ts'

async function setup(t: TestContext, outputs: string, ...args: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const config = join(folder, 'yarder.yaml')
  writeFileSync(config, `inputs:\n  in: { type: stdin }\noutputs:\n${outputs}`)
  const world = holdWorld()
  const status = await runCli(['setup', '-c', config, ...args], world)
  return { status, out: world.stdout, err: world.stderr }
}

const ES = '  es: { type: elasticsearch, hosts: ["http://127.0.0.1:1"] }\n'
const MORE = '  more: { type: elasticsearch, hosts: ["http://127.0.0.1:1"], data_stream: { dataset: web } }\n'
const FILE = '  copy: { type: file, path: out.ndjson }\n'

test('--print contacts nobody, for all outputs that have something to prepare, or for one', async t => {
  const all = await setup(t, ES + MORE + FILE, '--print')
  assert.equal(all.status, 0)
  assert.deepEqual(all.out.match(/^(#|PUT).*/gm), [
    '# es',
    'PUT _index_template/yarder-logstash',
    '# more',
    'PUT _ilm/policy/yarder-logs-web',
    'PUT _index_template/yarder-logs-web',
    'PUT _data_stream/logs-web-default'
  ])
  const one = await setup(t, ES + MORE + FILE, '--print', '--output', 'es', '--retention', '30d')
  assert.deepEqual(one.out.match(/^(#|PUT).*/gm), [
    '# es',
    'PUT _ilm/policy/yarder-logstash',
    'PUT _index_template/yarder-logstash'
  ])
})

test('wrong usage says what would be right', async t => {
  const wrong: Array<[string[], RegExp]> = [
    [['--output', 'el'], /there is no output "el", did you mean|there is no output "el"/],
    [['--output', 'copy'], /the output copy is none that has something to prepare/],
    [['--retention', '5m'], /--retention must be a duration of a day or more/],
    [['--dry-run', '--print'], /one at a time/]
  ]
  for (const [args, message] of wrong) {
    const { status, err } = await setup(t, ES + FILE, ...args)
    assert.equal(status, 2, args.join(' '))
    assert.match(err, message)
  }
  assert.match((await setup(t, FILE)).err, /the configuration has no output that has something to prepare/)
})

test('an unreachable cluster is a failure of one output; the others are prepared', async t => {
  const fake = await startFakeElasticsearch()
  t.after(() => fake.stop())
  const { status, err, out } = await setup(
    t,
    `${ES}  fine: { type: elasticsearch, hosts: ["${fake.url}"] }\n`,
    '--dry-run'
  )
  assert.equal(status, 1)
  assert.match(err, /^yarder setup: es: .*ECONNREFUSED/)
  assert.equal(out, 'fine: index template yarder-logstash: missing, would be made\n')
})
