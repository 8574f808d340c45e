// What the agent says of each output whose destination is in trouble: state, host, the last error with its errno or
// status and what to do, how many records wait and for how long; in the status, on /health and in numbers.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { createServer as createTcp } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { createServer as createTls } from 'node:tls'
import { promisify } from 'node:util'
import { freePort, until } from '../lib/real/process.ts'
import { agentFolder, PROGRAM, startYarder } from '../lib/real/yarder.ts'
import { makeCa } from '../lib/test-ca.ts'

const execute = promisify(execFile)

interface Told {
  name: string
  status: string
  host: string
  last_error?: string
  unacknowledged: number
  oldest_age_seconds: number
}

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** An output of each type that goes to a port of 127.0.0.1, or to another host. */
const outputs = (to: string | number, tls?: object): Record<string, object> => {
  const address = typeof to === 'number' ? `127.0.0.1:${to}` : to
  const scheme = tls === undefined ? 'http' : 'https'
  const own = { timeout: '2s', ...(tls === undefined ? {} : { tls }) }
  return {
    elasticsearch: { type: 'elasticsearch', hosts: [`${scheme}://${address}`], ...own },
    http: { type: 'http', url: `${scheme}://${address}/in`, ...own },
    logstash: { type: 'logstash', hosts: [address], ...own },
    syslog: { type: 'syslog', hosts: [address], ...own, confirm: '100ms' }
  }
}

test('each output says what is the matter with its destination, and what to do about it', async t => {
  const ca = makeCa(t)
  const own = ca.issue('127.0.0.1')
  const keys = { key: readFileSync(own.keyFile), cert: readFileSync(own.certFile) }
  const strict = { ...keys, ca: readFileSync(ca.caFile), requestCert: true, rejectUnauthorized: true }
  const plain = createHttp((request, response) => {
    request.resume()
    response.writeHead(401).end('nobody told me')
  })
  const closed = await freePort()
  const secured = await listen(t, createTls(keys))
  const choosy = await listen(t, createTls(strict))
  const unwilling = await listen(t, plain)
  const silent = await listen(t, createTcp())
  const trust = { ca_file: ca.caFile }
  const bytes = (port: number): RegExp => new RegExp(`127\\.0\\.0\\.1:${port}`)

  const troubles: Array<[name: string, given: Record<string, object>, told: RegExp[]]> = [
    ['refusing', outputs(closed), [/ECONNREFUSED/, bytes(closed)]],
    ['nameless', outputs('no-such-host.invalid:9200'), [/(ENOTFOUND|EAI_AGAIN) no-such-host\.invalid.*; /]],
    ['untrusted', outputs(secured, {}), [/UNABLE_TO_VERIFY_LEAF_SIGNATURE.*tls\.ca_file/, bytes(secured)]],
    ['misnamed', outputs(`localhost:${secured}`, trust), [/ERR_TLS_CERT_ALTNAME_INVALID.*tls\.server_name/]],
    ['choosy', outputs(choosy, trust), [/^certificate refused: .*tls\.cert_file and tls\.key_file/, bytes(choosy)]],
    ['plain', outputs(unwilling, {}), [/wrong version number.*; the server speaks no TLS there/, bytes(unwilling)]],
    ['silent', outputs(silent), [/ms/, bytes(silent)]]
  ]
  const refusing = outputs(unwilling)
  const asked: typeof troubles = [
    [
      'asking',
      { elasticsearch: refusing['elasticsearch']!, http: refusing['http']! },
      [/^unauthorised: .*answered 401: nobody told me; check user and password/, bytes(unwilling)]
    ],
    [
      'other',
      { logstash: refusing['logstash']! },
      [/no Lumberjack answer but "HTTP.*; is it a beats input/, bytes(unwilling)]
    ]
  ]
  const all = [...troubles, ...asked].flatMap(([name, given, told]) =>
    Object.entries(given).map(([type, output]) => ({ name: `${name}_${type}`, output, told }))
  )
  const folder = agentFolder(t)
  writeFileSync(join(folder, 'a.log'), 'one\ntwo\nthree\n')
  const config = {
    agent: { data_dir: 'state' },
    admin: { listen: '127.0.0.1:0' },
    inputs: { a: { type: 'file', paths: ['a.log'], start_at: 'beginning', poll: '50ms' } },
    outputs: Object.fromEntries(all.map(({ name, output }) => [name, output]))
  }
  const yarder = await startYarder(t, { folder, config: JSON.stringify(config) })
  const health = async (): Promise<Map<string, Told>> => {
    const answer = (await fetch(`${yarder.url}/health`).then(a => a.json())) as { outputs: Told[] }
    return new Map(answer.outputs.map(o => [o.name, o]))
  }
  // On a slow machine a time-out may come in between; what was told once was told.
  let seen = await health()
  let open = all
  await until('each trouble to be told', async () => {
    seen = await health()
    open = open.filter(({ name, told }) => !told.every(words => words.test(seen.get(name)?.last_error ?? '')))
    return open.length === 0
  }).catch(() =>
    assert.deepEqual(
      open.map(({ name }) => seen.get(name)),
      []
    )
  )
  for (const { name } of all) {
    const { status, unacknowledged, oldest_age_seconds: age, host } = seen.get(name)!
    assert.deepEqual([status, unacknowledged, age > 0, /:\d+/.test(host)], ['yellow', 3, true, true], name)
  }

  // Yellow is no success to it.
  const { stdout } = await execute(PROGRAM, ['status', '-c', join(folder, 'yarder.yaml')]).catch(
    (error: unknown) => error as { stdout: string }
  )
  const status = JSON.parse(stdout) as { outputs: Array<{ name: string; lastError: string }> }
  const { lastError } = status.outputs.find(o => o.name === 'refusing_logstash')!
  assert.match(lastError, /^connecting to 127\.0\.0\.1:\d+: connect ECONNREFUSED/)
  const of = 'output="refusing_logstash"'
  assert.equal(await yarder.metric(`yarder_output_unacknowledged{${of}}`), 3)
  assert.ok((await yarder.metric(`yarder_output_oldest_age_seconds{${of}}`)) > 0)
  assert.ok((await yarder.metric(`yarder_output_failures_total{${of},reason="ECONNREFUSED"}`)) > 0)
  await until('the host to be down', async () => (await yarder.metric(`yarder_output_host_up{${of}`)) === 0)
})

test('an input whose only file is missing makes the agent yellow, not red: the status, /health and a number say so', async t => {
  const folder = agentFolder(t)
  const path = join(folder, 'none.log')
  const config = {
    agent: { data_dir: 'state' },
    admin: { listen: '127.0.0.1:0' },
    inputs: { a: { type: 'file', paths: [path], poll: '50ms' } },
    outputs: { out: { type: 'file', path: join(folder, 'out.ndjson') } }
  }
  const yarder = await startYarder(t, { folder, config: JSON.stringify(config) })
  const health = async () => {
    const answer = await fetch(`${yarder.url}/health`)
    const { status, message, inputs } = (await answer.json()) as Record<'status' | 'message', string> & {
      inputs: object[]
    }
    return { code: answer.status, status, message, inputs }
  }
  const message = `1 path cannot be read: ${path} does not exist`
  assert.deepEqual(await health(), {
    code: 200,
    status: 'yellow',
    message: `a: ${message}`,
    inputs: [{ name: 'a', status: 'degraded', message }]
  })
  assert.equal(await yarder.metric('yarder_input_unreadable_paths{input="a"}'), 1)
  writeFileSync(path, '')
  await until('the agent to be green', async () => (await health()).status === 'green')
})
