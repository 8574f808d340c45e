// Drives the agent in this process, with real files, a real listener and the fake Elasticsearch.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startFakeElasticsearch } from '../../test/lib/fake-elasticsearch.ts'
import { loadText } from '../config/load.ts'
import { systemClock } from '../core/clock.ts'
import { createLog } from '../service/log.ts'
import { Agent } from './agent.ts'
import { catalog } from './components.ts'
import type { CheckedConfig } from './components.ts'
import { crossProblems } from './cross-checks.ts'

const PATIENCE = { timeout: 15_000, interval: 10 }
const ADMIN = 'admin: { listen: 127.0.0.1:0 }\n'
const app = (name: string, more = ''): string =>
  `  ${name}: { type: file, paths: [${name}.log], start_at: beginning, poll: 20ms${more} }\n`

interface Driven {
  readonly agent: Agent
  readonly dir: string
  /** All it has logged. */
  readonly log: string
  /** Takes a configuration over; the reason when it refused. */
  reload(yaml: string): Promise<string | undefined>
  append(file: string, text: string): void
  /** Lines of a file that an output wrote. */
  messages(file: string): string[]
  metric(line: string): Promise<string | undefined>
}

function checked(yaml: string, dir: string): CheckedConfig {
  const outcome = loadText(`agent: { data_dir: ${join(dir, 'state')}, shutdown_timeout: 3s }\n${yaml}`, catalog, {})
  assert.deepEqual(outcome.problems, [])
  return outcome.checked
}

/** An agent that is not started yet, in a folder with these files. */
function made(
  t: TestContext,
  yaml: string,
  files: Record<string, string>
): { agent: Agent; dir: string; log(): string } {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  let log = ''
  const writer = { write: (text: string) => void (log += text), flush: () => Promise.resolve() }
  const logs = createLog({
    format: 'text',
    level: 'info',
    environment: 'TEST',
    writer,
    journal: false,
    terminal: true
  })
  const agent = new Agent({
    checked: checked(yaml, dir),
    configDir: dir,
    env: {},
    logs,
    clock: systemClock,
    version: '0',
    once: false
  })
  t.after(async () => {
    await agent.stop()
    rmSync(dir, { recursive: true, force: true })
  })
  return { agent, dir, log: () => log }
}

async function drive(t: TestContext, yaml: string, files: Record<string, string> = {}): Promise<Driven> {
  const { agent, dir, log } = made(t, yaml, files)
  await agent.start()
  return {
    agent,
    dir,
    get log() {
      return log()
    },
    reload: next => agent.reload(() => Promise.resolve(checked(next, dir))),
    append: (file, text) => appendFileSync(join(dir, file), text),
    messages(file) {
      const path = join(dir, file)
      if (!existsSync(path)) return []
      const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
      return lines.map(line => (JSON.parse(line) as { message: string }).message)
    },
    async metric(line) {
      const page = await (await fetch(`http://${agent.address}/metrics`)).text()
      return page
        .split('\n')
        .find(l => l.startsWith(`${line} `))
        ?.split(' ')[1]
    }
  }
}

/** Whether a promise is settled once all that could settle it at once had its turn. */
async function isOver(work: Promise<unknown>): Promise<boolean> {
  let over = false
  void work.then(() => (over = true))
  await new Promise(resolve => setImmediate(resolve))
  return over
}

const OUT = 'outputs:\n  out: { type: file, path: out.ndjson }\n'

test('an agent that is stopped while it starts is never ready', async t => {
  const { agent } = made(t, `${ADMIN}${OUT}`, {})
  const started = agent.start()
  const stopped = agent.stop()
  await started
  assert.equal(agent.status().ready, false)
  assert.equal(await stopped, true)
  assert.equal(agent.status().ready, false)
})

test('metrics of an input that goes on over a reload go on too', async t => {
  const metrics = 'metrics:\n  lines_total: { type: counter, help: Lines., input: a }\n'
  const config = `${ADMIN}${OUT}${metrics}inputs:\n${app('a')}`
  const it = await drive(t, config, { 'a.log': 'one\ntwo\n' })
  await t.waitFor(async () => assert.equal(await it.metric('lines_total'), '2'), PATIENCE)
  assert.equal(await it.reload(`${config}${app('b')}`), undefined)
  it.append('a.log', 'three\n')
  await t.waitFor(async () => assert.equal(await it.metric('lines_total'), '3'), PATIENCE)
})

test('metrics that a reload changes are counted by all inputs, and the others keep their values', async t => {
  const lines = 'metrics:\n  lines_total: { type: counter, help: Lines. }\n'
  const it = await drive(t, `${ADMIN}${OUT}inputs:\n${app('a')}${lines}`, { 'a.log': 'one\ntwo\n' })
  await t.waitFor(async () => assert.equal(await it.metric('lines_total'), '2'), PATIENCE)
  await it.reload(`${ADMIN}${OUT}inputs:\n${app('a')}${lines}  more_total: { type: counter, help: Lines too. }\n`)
  it.append('a.log', 'three\n')
  await t.waitFor(async () => assert.equal(await it.metric('more_total'), '1'), PATIENCE)
  assert.equal(await it.metric('lines_total'), '3')
  assert.deepEqual(it.messages('out.ndjson'), ['one', 'two', 'three'])
})

test('a reload that changes or takes away every input is no end of the work', async t => {
  const it = await drive(t, `${ADMIN}${OUT}inputs:\n${app('a')}`, { 'a.log': 'one\n' })
  await t.waitFor(() => assert.deepEqual(it.messages('out.ndjson'), ['one']), PATIENCE)
  await it.reload(`${ADMIN}${OUT}inputs:\n${app('a', ', tags: [x]')}`)
  assert.equal(await isOver(it.agent.finished), false)
  it.append('a.log', 'two\n')
  await t.waitFor(() => assert.deepEqual(it.messages('out.ndjson'), ['one', 'two']), PATIENCE)
  await it.reload(`${ADMIN}${OUT}`)
  assert.equal(await isOver(it.agent.finished), false)
  await it.reload(`${ADMIN}${OUT}inputs:\n${app('a')}`)
  it.append('a.log', 'three\n')
  await t.waitFor(() => assert.deepEqual(it.messages('out.ndjson'), ['one', 'two', 'three']), PATIENCE)
})

test('an agent without inputs runs on: it has checks to do', async t => {
  const it = await drive(t, `${ADMIN}checks:\n  root: { type: disk, path: /, every: 1h }\n`)
  assert.equal(await isOver(it.agent.finished), false)
})

test('output, pipeline and path may change under way: each line arrives once', async t => {
  const it = await drive(t, `${ADMIN}${OUT}inputs:\n${app('a')}`, { 'a.log': 'one\n' })
  const variants = [
    `${OUT}inputs:\n${app('a', ', pipeline: [{ set: { x: 1 } }]')}`,
    `outputs:\n  out: { type: file, path: second.ndjson }\ninputs:\n${app('a')}`,
    `${OUT}inputs:\n${app('a')}`
  ]
  const all = (): string[] => [...it.messages('out.ndjson'), ...it.messages('second.ndjson')]
  const sent = ['one']
  for (let round = 0; round < 6; round++) {
    it.append('a.log', `${round}\n`)
    sent.push(String(round))
    assert.equal(await it.reload(`${ADMIN}${variants[round % variants.length]}`), undefined)
  }
  await t.waitFor(() => assert.ok(all().length >= sent.length), PATIENCE)
  assert.deepEqual(all().sort(), sent.sort())
})

test('an output that an input names twice gets its records once', async t => {
  const it = await drive(t, `${ADMIN}${OUT}inputs:\n${app('a', ', outputs: [out, out]')}`, { 'a.log': 'one\n' })
  it.append('a.log', 'two\n')
  await t.waitFor(() => assert.ok(it.messages('out.ndjson').includes('two')), PATIENCE)
  await it.agent.stop()
  assert.deepEqual(it.messages('out.ndjson'), ['one', 'two'])
})

test('a configuration that cannot be built leaves the listener where it was', async t => {
  const it = await drive(t, `${ADMIN}${OUT}inputs:\n${app('a')}`)
  const before = it.agent.address!
  const wrong = `${OUT}inputs:\n${app('a', ", pipeline: [{ grok: { match: '%{NOWHERE:x}' } }]")}`
  assert.match((await it.reload(`admin: { listen: '127.0.0.2:0' }\n${wrong}`))!, /NOWHERE/)
  assert.equal(it.agent.address, before)
  assert.equal((await fetch(`http://${before}/health/ready`)).status, 200)
})

test('an address that cannot be had on the same port leaves the old one served', async t => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  const it = await drive(t, `admin: { listen: '127.0.0.1:${port}' }\n${OUT}inputs:\n${app('a')}`)
  const reason = await it.reload(`admin: { listen: '192.0.2.1:${port}' }\n${OUT}inputs:\n${app('a')}`)
  assert.match(reason!, /EADDRNOTAVAIL/)
  assert.equal((await fetch(`http://127.0.0.1:${port}/health/ready`)).status, 200)
})

test('a stop does not wait for a reload that waits for an output that is down', async t => {
  const fake = await startFakeElasticsearch()
  await fake.down()
  const es = `outputs:\n  es: { type: elasticsearch, hosts: ['${fake.url}'] }\n`
  const slow = (yaml: string): string => `${ADMIN}${es}inputs:\n${yaml}`
  const it = await drive(t, slow(app('a')), { 'a.log': 'one\n' })
  await t.waitFor(() => assert.equal(it.agent.status().outputs[0]!.unacknowledged, 1), PATIENCE)
  const reloading = it.reload(slow(app('a', ', tags: [x]')))
  // Until it has come to its wait.
  for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve))
  const started = performance.now()
  assert.equal(await it.agent.stop(), false)
  assert.ok(performance.now() - started < 5500, `took ${performance.now() - started} ms of shutdown_timeout 3 s`)
  await reloading
})

test('an agent that is reloaded again and again keeps no more gauges, listeners or timers than before', async t => {
  const of = (round: number): string => `${ADMIN}${OUT}inputs:\n${app('a', `, tags: [t${round % 2}]`)}`
  const it = await drive(t, of(0), { 'a.log': 'one\n' })
  const resources = (): number => process.getActiveResourcesInfo().filter(r => r !== 'Immediate').length
  const series = (): Promise<number> =>
    t.waitFor(async () => {
      const text = await (await fetch(`http://${it.agent.address}/metrics`)).text()
      assert.match(text, /^yarder_input_file_size_bytes\{/m, 'the new one has looked')
      return text.split('\n').length
    }, PATIENCE)
  await t.waitFor(() => assert.deepEqual(it.messages('out.ndjson'), ['one']), PATIENCE)
  await it.reload(of(1))
  const [held, shown] = [resources(), await series()]
  for (let round = 2; round < 22; round++) assert.equal(await it.reload(of(round)), undefined)
  await t.waitFor(() => assert.ok(resources() <= held + 3, `${resources()} of ${held}`), PATIENCE)
  assert.ok((await series()) <= shown + 2)
  assert.deepEqual(it.messages('out.ndjson'), ['one'])
})

test('an input that a reload takes away takes its series along; one that changed keeps its counters', async t => {
  const config = (inputs: string): string => `${ADMIN}${OUT}inputs:\n${inputs}`
  const it = await drive(t, config(app('a') + app('b')), { 'a.log': 'one\n', 'b.log': 'two\n' })
  const series = async (input: string): Promise<string[]> =>
    (await (await fetch(`http://${it.agent.address}/metrics`)).text())
      .split('\n')
      .filter(line => line.includes(`input="${input}"`))
  await t.waitFor(() => assert.deepEqual(it.messages('out.ndjson').sort(), ['one', 'two']), PATIENCE)
  const acked = `yarder_input_ledger_bytes{input="a",path="${join(it.dir, 'a.log')}",part="acked"} 4`
  await t.waitFor(async () => assert.ok((await series('a')).includes(acked)), PATIENCE)
  assert.ok((await series('b')).length > 5)
  await it.reload(config(app('a', ', tags: [x]')))
  assert.deepEqual(await series('b'), [])
  await t.waitFor(async () => assert.ok((await series('a')).includes(acked)), PATIENCE)
  assert.ok((await series('a')).includes('yarder_input_lines_total{input="a"} 1'))
})

test('agent.timezone is checked where it stands', () => {
  const { problems } = loadText('agent: { timezone: Europe/Nowhere }\n', catalog, {})
  assert.deepEqual(
    problems.map(p => [p.path, p.message]),
    [['agent.timezone', 'must be an IANA zone such as "Europe/Berlin", got "Europe/Nowhere"']]
  )
  assert.deepEqual(loadText('agent: { timezone: America/New_York }\n', catalog, {}).problems, [])
})

test('an input that changes while an output is down takes its new configuration on, and nothing is sent twice', async t => {
  const fake = await startFakeElasticsearch()
  t.after(() => fake.stop())
  await fake.down()
  const es = `outputs:\n  es: { type: elasticsearch, hosts: ['${fake.url}'], backoff: { init: 20ms, max: 50ms } }\n`
  const input = (more: string): string => `${ADMIN}${es}inputs:\n${app('a', more)}`
  const it = await drive(t, input(''), { 'a.log': 'one\ntwo\n' })
  await t.waitFor(() => assert.equal(it.agent.status().outputs[0]!.unacknowledged, 2), PATIENCE)
  assert.equal(await it.reload(input(', tags: [new]')), undefined)
  it.append('a.log', 'three\n')
  assert.equal(await it.reload(input(', tags: [newer]')), undefined)
  await t.waitFor(() => assert.equal(it.agent.status().outputs[0]!.unacknowledged, 3), PATIENCE)
  await fake.up()
  await t.waitFor(() => assert.equal(fake.docs.length, 3), PATIENCE)
  const sent = fake.requests.flatMap(r => r.body.match(/"message":"\w+"/g) ?? [])
  assert.deepEqual(sent.sort(), ['"message":"one"', '"message":"three"', '"message":"two"'])
  assert.deepEqual(
    fake.docs.map(d => (d.source as { tags?: string[] }).tags),
    [['newer'], ['newer'], ['newer']]
  )
})

test('a reload while one of two outputs is down does not stop the other', async t => {
  const fake = await startFakeElasticsearch()
  t.after(() => fake.stop())
  await fake.down()
  const es = `  es: { type: elasticsearch, hosts: ['${fake.url}'], backoff: { init: 20ms, max: 50ms } }\n`
  const outputs = `outputs:\n${es}  out: { type: file, path: out.ndjson }\n`
  const config = (more: string): string => `${ADMIN}${outputs}inputs:\n${app('a', more)}`
  const it = await drive(t, config(''), { 'a.log': 'one\n' })
  await t.waitFor(() => assert.equal(it.agent.status().outputs[0]!.unacknowledged, 1), PATIENCE)
  await t.waitFor(() => assert.deepEqual(it.messages('out.ndjson'), ['one']), PATIENCE)
  assert.equal(await it.reload(config(', tags: [new]')), undefined)
  it.append('a.log', 'two\n')
  await t.waitFor(() => assert.deepEqual(it.messages('out.ndjson'), ['one', 'two']), PATIENCE)
  await fake.up()
  await t.waitFor(() => assert.equal(fake.docs.length, 2), PATIENCE)
  const messages = fake.docs.map(d => String(d.source['message']))
  assert.deepEqual(
    messages.toSorted((a, b) => (a < b ? -1 : 1)),
    ['one', 'two']
  )
  await it.agent.stop()
  assert.deepEqual(it.messages('out.ndjson'), ['one', 'two'], 'and nothing twice')
})

test('an agent with nothing to send yet is well, whatever its output', async t => {
  const it = await drive(t, `${ADMIN}outputs:\n  out: { type: file, path: out.ndjson }\n`)
  const { state, message, outputs } = it.agent.status()
  assert.deepEqual([outputs[0]!.state, state, message], ['yellow', 'green', 'Ready, nothing sent yet'])
})

test('an input without outputs is counted and ships nothing, and goes on where it was once it gets one', async t => {
  const metrics = 'metrics: { lines_total: { type: counter, help: Lines. } }\n'
  const alone = `${ADMIN}inputs:\n${app('a', ', outputs: []')}${metrics}`
  const run = await drive(t, alone, { 'a.log': 'one\ntwo\n' })
  await t.waitFor(async () => assert.equal(await run.metric('lines_total'), '2'), PATIENCE)
  assert.deepEqual(run.agent.status().outputs, [])
  const sent = `${ADMIN}inputs:\n${app('a')}outputs: { out: { type: file, path: out.log } }\n${metrics}`
  assert.equal(await run.reload(sent), undefined)
  run.append('a.log', 'three\n')
  await t.waitFor(() => assert.deepEqual(run.messages('out.log'), ['three']), PATIENCE)
  await t.waitFor(async () => assert.equal(await run.metric('lines_total'), '3'), PATIENCE)
})

test('an input without outputs that nobody looks at is refused at its place', () => {
  const problems = (more: string): string[] => {
    const yaml = `inputs:\n${app('a', ', outputs: []')}${app('b', ', outputs: []')}${more}`
    const { problems, checked } = loadText(yaml, catalog, {})
    assert.deepEqual(problems, [])
    return crossProblems(checked, '/nowhere').map(({ path }) => path)
  }
  assert.deepEqual(problems(''), ['inputs.a.outputs', 'inputs.b.outputs'])
  assert.deepEqual(problems('metrics: { n_total: { type: counter, help: N., input: a } }'), ['inputs.b.outputs'])
  assert.deepEqual(problems('checks: { quiet: { type: log, input: b, over: 10m, critical: "1:" } }'), [
    'inputs.a.outputs'
  ])
})
