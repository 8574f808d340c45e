// Secrets of the configuration leave by no way but the one that they are for, and what logs say is in no support bundle.
import assert from 'node:assert/strict'
import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { masking } from '../src/config/masking.ts'
import { createLog } from '../src/service/log.ts'
import { mixed, startFakeElasticsearch } from './lib/fake-elasticsearch.ts'
import { until } from './lib/real/process.ts'
import { startYarder } from './lib/real/yarder.ts'
import { cli } from './lib/world.ts'

const SECRET = 'C4nary-0f3ab9c2d1'
/** In clear in the configuration, secret by where they stand: an argument, a variable, a header and a query. */
const [ARGUMENT, VARIABLE, HEADER, QUERY] = ['C4nary-arg-81c2', 'C4nary-env-5a17', 'C4nary-hdr-77b0', 'C4nary-qry-e913']
const CONTENT = 'what-a-log-says-77d1'
const FORMS = [SECRET, Buffer.from(`u:${SECRET}`).toString('base64'), encodeURIComponent(`u:${SECRET}`)]
const PLAIN = [ARGUMENT, VARIABLE, HEADER, QUERY]

/** A peer of the worst kind: it refuses, and tells everybody what it was sent. */
async function echo(t: TestContext): Promise<{ url: string; asked: () => number }> {
  let asked = 0
  const server = createServer((request, response) => {
    asked++
    response.writeHead(401, { 'x-echo': JSON.stringify(request.headers), location: request.url ?? '' })
    response.end(
      `{"error":{"reason":"refused ${request.url} ${JSON.stringify(request.headers).replaceAll('"', "'")}"}}`
    )
  })
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked }
}

test('a secret is in no log line, page, state file, record, answer of the command line or bundle, even when a peer echoes it', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-secrets-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const peer = await echo(t)
  const elastic = await startFakeElasticsearch({ authorization: `Basic ${FORMS[1]!}` })
  t.after(() => elastic.stop())
  elastic.otherwise(
    mixed((_, position) =>
      position % 2 === 0
        ? {
            status: 400,
            type: 'mapper_parsing_exception',
            reason: `failed to parse [x]: Preview of field's value: '${CONTENT}'`
          }
        : undefined
    )
  )
  const secret = join(folder, 'secret')
  writeFileSync(secret, `${SECRET}\n`)
  chmodSync(secret, 0o600)
  const it = `\${file:${secret}}`
  writeFileSync(
    join(folder, 'app.log'),
    Array.from({ length: 20 }, (_, i) => `{"n":${i},"who":"${CONTENT}","level":"error"}\n`).join('')
  )
  const config = `
agent: { data_dir: '${folder}/data', log_level: debug }
admin: { listen: '127.0.0.1:0' }
inputs: { app: { type: file, paths: ['${folder}/app.log'], start_at: beginning, pipeline: [json] } }
metrics: { said_total: { type: counter, help: Who said it., labels: { who: who } } }
outputs:
  good: { type: elasticsearch, hosts: ['${elastic.url}'], username: u, password: '${it}' }
  key: { type: elasticsearch, hosts: ['${peer.url}'], api_key: '${it}' }
  basic: { type: elasticsearch, hosts: ['${peer.url}'], username: u, password: '${it}' }
  in_url: { type: elasticsearch, hosts: ['${peer.url.replace('//', `//u:${it}@`)}'] }
  header: { type: elasticsearch, hosts: ['${peer.url}'], headers: { X-Auth: '${it}', Authorization: 'Bearer ${SECRET}' } }
  http: { type: http, url: '${peer.url}/?key=${it}', token: '${it}' }
  out: { type: file, path: '${folder}/out.ndjson' }
checks:
  web: { type: http, url: '${peer.url}/?key=${it}', bearer_token: '${it}', every: 1s, notify: [hook, chat], failures_before_critical: 1 }
  run:
    type: command
    command: [/bin/sh, -c, 'echo said $2 $PASS; exit 2', sh, --password, ${ARGUMENT}]
    env: { PASS: ${VARIABLE} }
    every: 1s
    notify: [page]
    failures_before_critical: 1
  plain: { type: http, url: '${peer.url}/?token=${QUERY}', headers: { x-api-key: ${HEADER} }, every: 1s }
  login: { type: http, url: '${peer.url}', username: u, password: '${it}', every: 1s }
notify:
  hook: { type: webhook, url: '${peer.url}/${it}' }
  chat: { type: slack, url: '${peer.url}/${it}' }
  page: { type: exec, command: [/bin/sh, -c, 'echo "$YARDER_JSON" >> ${folder}/data/page.json'] }
`
  const agent = await startYarder(t, { folder, config })
  await until('the records that are taken', () => elastic.count() > 0 || undefined)
  await until('everybody to have been asked', () => peer.asked() > 12 || undefined)

  const file = join(folder, 'yarder.yaml')
  const at = ['--data-dir', join(folder, 'data')]
  const seen = new Map<string, string>()
  const page = async (path: string): Promise<string> => await (await fetch(agent.url + path)).text()
  for (const path of ['/metrics', '/health']) seen.set(path, await page(path))
  for (const argv of [
    ['status', '--json', ...at],
    ['config', '-c', file],
    ['positions', 'ls', ...at],
    ['dlq', 'ls', ...at],
    ['check', '-c', file, '--json'],
    ['validate', '-c', file],
    ['doctor', '-c', file, '--json', ...(process.getuid?.() === 0 ? ['--user', 'root'] : [])]
  ]) {
    const { stdout, stderr } = await cli(argv)
    seen.set(argv.slice(0, 2).join(' '), stdout + stderr)
  }
  const bundle = join(folder, 'bundle.tar')
  const made = await cli(['support-bundle', '-c', file, '-o', bundle])
  assert.equal(made.status, 0, made.stderr)
  await agent.end()
  seen.set('its log', agent.log())
  for (const name of ['out.ndjson', 'bundle.tar', ...globSync('data/**', { cwd: folder })]) {
    const path = join(folder, name)
    if (statSync(path).isFile()) seen.set(name, readFileSync(path, 'latin1'))
  }
  seen.set('what was stored', JSON.stringify(elastic.docs))

  for (const [where, text] of seen)
    for (const form of [...FORMS, ...PLAIN]) {
      const place = text.indexOf(form)
      assert.equal(place, -1, `${where}: …${text.slice(Math.max(0, place - 200), place + 100)}…`)
    }
  // What was looked for in vain would have been found: the content of the log is where it belongs, and not in the bundle.
  assert.ok(seen.get('/metrics')!.includes(CONTENT) && seen.get('out.ndjson')!.includes(CONTENT))
  assert.ok(
    [...seen].some(([name, text]) => name.startsWith('data/') && text.includes(CONTENT)),
    'dead letters are there'
  )
  const tar = seen.get('bundle.tar')!
  const place = tar.indexOf(CONTENT)
  assert.equal(place, -1, `…${tar.slice(Math.max(0, place - 300), place + 100)}…`)
  assert.match(seen.get('data/page.json') ?? '', /said \*\*\*/)
  assert.match(tar, /yarder_/)
  assert.match(tar, /"state": "(?:red|yellow)"/)
})

test('a secret with quotes and backslashes is found in a line of the log, in a text as in a list', () => {
  const secret = String.raw`o"0\f3 ab`
  const lines: string[] = []
  const writer = { write: (text: string) => void lines.push(text), flush: () => Promise.resolve() }
  for (const format of ['text', 'json'] as const) {
    const log = createLog({ format, level: 'info', environment: '', writer, journal: false, terminal: false })
    log.configure({ level: undefined, environment: '', format, mask: masking(new Set([secret])) })
    log.root.info({ text: `a ${secret} b`, list: ['a b', secret] }, 'Said.')
  }
  assert.equal(lines.join('').match(/\*\*\*/g)?.length, 4, lines.join(''))
  assert.doesNotMatch(lines.join(''), /0\\+f3/)
})
