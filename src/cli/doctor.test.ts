import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeCa } from '../../test/lib/test-ca.ts'
import { cli } from '../../test/lib/world.ts'
import type { Finding } from '../agent/doctor.ts'
import { lock } from '../core/lock.ts'

interface Report {
  readonly state: string
  readonly problems: number
  readonly findings: readonly Finding[]
}

const CANARY = 'canary-3f1c9a'
const root = process.getuid?.() === 0

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-doctor-'))
  t.after(() => {
    execFileSync('chmod', ['-R', 'u+rwx', dir])
    rmSync(dir, { recursive: true, force: true })
  })
  chmodSync(dir, 0o755)
  return dir
}

async function listen(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  t.after(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** Who looks: this user, whoever runs the tests. */
const user = root ? ['--user', 'root'] : []

async function doctor(dir: string, config: string): Promise<Report & { status: number; stdout: string }> {
  const file = join(dir, 'yarder.yaml')
  writeFileSync(file, config)
  const { status, stdout, stderr } = await cli(['doctor', '-c', file, '--json', ...user])
  assert.equal(stderr, '')
  assert.ok(!stdout.includes(CANARY), 'no secret')
  return { ...(JSON.parse(stdout) as Report), status, stdout }
}

const of = (report: Report, area: string): string[] =>
  report.findings
    .filter(f => f.area === area)
    .map(f => `${f.state}: ${f.message}${f.mend === undefined ? '' : ` $ ${f.mend}`}`)

test('a host on which all is well gets no problem and exit 0', async t => {
  const dir = folder(t)
  writeFileSync(join(dir, 'a.log'), 'one\n')
  const report = await doctor(
    dir,
    `agent: {data_dir: data}\nadmin: {listen: '127.0.0.1:0'}\ninputs: {a: {type: file, paths: [a.log]}}\noutputs: {f: {type: file, path: out.ndjson}}\n`
  )
  assert.equal(report.problems, 0, report.stdout)
  assert.equal(report.status, 0)
  assert.match(of(report, 'files')[0]!, /^ok: a: 1 file can be read by /)
  assert.match(of(report, 'outputs')[0]!, /^ok: f: .*out\.ndjson can be written$/)
  assert.match(of(report, 'lock')[0]!, /^ok: no agent uses /)
  assert.match(
    of(report, 'journal')[0]!,
    /^ok: (?:no input needs the journal of the system, |\S+ can read the journal)/
  )
  assert.deepEqual(
    new Set(report.findings.map(f => f.area)).difference(new Set(['service'])),
    new Set(['config', 'files', 'journal', 'outputs', 'disk', 'lock', 'listener', 'limits', 'clock', 'kernel'])
  )
})

test('a wrong configuration is a problem with its place, and nothing else is looked at', async t => {
  const report = await doctor(folder(t), 'inputs: {a: {type: flie}}\n')
  assert.equal(report.status, 1)
  const told = /^problem: .*yarder\.yaml:1:\d+ inputs\.a\.type: .* \$ yarder validate -c /
  assert.ok(
    of(report, 'config').some(text => told.test(text)),
    report.stdout
  )
})

test('an address that cannot be one is told once', async t => {
  const report = await doctor(folder(t), `outputs: {es: {type: elasticsearch, hosts: ['10.0.0.300:9200']}}\n`)
  assert.deepEqual(of(report, 'config').length, 1, report.stdout)
  assert.match(of(report, 'config')[0]!, /outputs\.es\.hosts\[0\]: "10\.0\.0\.300:9200" is no http or https address/)
})

test('each way in which an output can refuse is told apart', async t => {
  const dir = folder(t)
  const ca = makeCa(t)
  const { certFile, keyFile } = ca.issue('localhost')
  const http = async (answer: RequestListener): Promise<number> => listen(t, createServer(answer))
  const closed = createTcpServer()
  const refused = await listen(t, closed)
  await new Promise(resolve => closed.close(resolve))
  const locked = await http((_, response) => response.writeHead(401).end('{"error":"no"}'))
  const other = await http((_, response) => response.end('<html>Welcome to nginx!</html>'))
  const tls = await listen(t, createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }))
  const good = await http((request, response) =>
    request.url === '/'
      ? response.end('{"version":{"number":"8.19.3"}}')
      : response.end(
          JSON.stringify({ username: 'shipper', index: { 'logstash-*': { create_doc: false, auto_configure: true } } })
        )
  )
  const beats = await listen(
    t,
    createTcpServer(socket => void socket.resume().on('error', () => {}))
  )
  const shut = await listen(
    t,
    createTcpServer(socket => void socket.end().on('error', () => {}))
  )
  const es = (port: number, scheme = 'http'): string =>
    `{type: elasticsearch, hosts: ['${scheme}://localhost:${port}'], username: u, password: ${CANARY}}`
  const report = await doctor(
    dir,
    `agent: {data_dir: data}
admin: {listen: '127.0.0.1:${other}'}
outputs:
  refused: ${es(refused)}
  locked: ${es(locked)}
  other: ${es(other)}
  tls: ${es(tls, 'https')}
  rights: ${es(good)}
  beats: {type: logstash, hosts: ['127.0.0.1:${beats}']}
  shut: {type: logstash, hosts: ['127.0.0.1:${shut}']}
  web: {type: logstash, hosts: ['127.0.0.1:${other}']}
  plain: {type: logstash, hosts: ['127.0.0.1:${tls}']}
  hook: {type: http, url: 'http://127.0.0.1:${other}/'}
  spelt: {type: elasticsearch, hosts: ['http://localhost:${tls}']}
  gone: {type: logstash, hosts: ['127.0.0.1:${refused}']}
  name: {type: logstash, hosts: ['no-such-host.invalid:5044']}
`
  )
  const outputs = of(report, 'outputs')
  const says = (name: string): string => outputs.filter(text => text.includes(`: ${name}: `)).join('\n')
  assert.match(says('refused'), /^problem: .*ECONNREFUSED.* \$ ss -ltn 'sport = :\d+'$/)
  assert.match(says('locked'), /^problem: .*401.* \$ curl -sS -i -m 10 -u u http:\/\/localhost:\d+\/$/)
  assert.match(says('other'), /^problem: .*does not look like Elasticsearch/)
  assert.match(says('tls'), /^problem: .*certificate.* \$ timeout 10 openssl s_client -connect localhost:\d+ /)
  assert.match(
    says('rights'),
    /^ok: .* answers: Elasticsearch 8\.19\.3\nproblem: .*shipper may not create_doc on logstash-\* \$ curl -X PUT .* -u elastic http:\/\/localhost:\d+\/_security\/role\/yarder -d /
  )
  assert.match(says('beats'), /^ok: .* connects, and does not object to the first words; that it takes records shows /)
  assert.match(says('shut'), /^problem: .* it closes at the first words; is it a Beats input\?.*add tls \$ .*openssl/)
  assert.match(says('web'), /^problem: .* answers in HTTP and is no Beats input/)
  assert.match(says('plain'), /^problem: .*(?:answers in TLS; add tls|If it speaks TLS, add tls) \$ .*openssl s_client/)
  assert.match(says('hook'), /^ok: .* connects; that it takes records shows with the first one$/)
  assert.match(says('spelt'), /^problem: .*write https:\/\/ \$ curl /)
  assert.match(says('gone'), /^problem: .*ECONNREFUSED/)
  assert.match(says('name'), /^problem: .* \$ getent hosts no-such-host\.invalid$/)
  assert.match(of(report, 'listener')[0]!, /^problem: another program listens on 127\.0\.0\.1:\d+; .* \$ ss -ltnp /)
})

test('an agent that holds the data directory is named by its process', async t => {
  const dir = folder(t)
  const held = lock(join(dir, 'data'))
  t.after(() => held.release())
  // SQLite's locks are the process's own, so that another one has to look.
  writeFileSync(join(dir, 'yarder.yaml'), 'agent: {data_dir: data}\nadmin: {enabled: false}\n')
  const { stdout } = child(['doctor', '-c', join(dir, 'yarder.yaml'), '--json', ...user])
  const report = JSON.parse(stdout) as Report
  assert.match(of(report, 'lock')[0]!, new RegExp(`^ok: an agent uses .*/data: process ${process.pid}$`))
})

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const child = (argv: readonly string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [main, ...argv], { encoding: 'utf8', timeout: 60_000 })

test(
  'as the user of the service every refusal is told with its element and the command that mends it',
  { skip: root ? false : 'only root can look as another user' },
  t => {
    const dir = folder(t)
    const logs = join(dir, 'logs')
    for (const [name, mode] of [
      ['logs', 0o755],
      ['logs/shut', 0o700],
      ['logs/listed', 0o711]
    ] as const) {
      mkdirSync(join(dir, name))
      chmodSync(join(dir, name), mode)
    }
    for (const name of ['open.log', 'closed.log', 'shut/a.log', 'listed/b.log']) writeFileSync(join(logs, name), 'x\n')
    chmodSync(join(logs, 'closed.log'), 0o600)
    symlinkSync(join(logs, 'shut/a.log'), join(logs, 'link.log'))
    const config = join(dir, 'yarder.yaml')
    writeFileSync(
      config,
      `agent: {data_dir: '${dir}/data'}
admin: {enabled: false}
inputs:
  open: {type: file, paths: ['${logs}/open.log']}
  closed: {type: file, paths: ['${logs}/closed.log']}
  link: {type: file, paths: ['${logs}/link.log']}
  listed: {type: file, paths: ['${logs}/listed/*.log']}
  none: {type: file, paths: ['${logs}/none-*.log']}
`
    )
    chmodSync(config, 0o600)
    const { status, stdout, stderr } = child(['doctor', '-c', config, '--json', '--user', 'nobody'])
    assert.equal(status, 1, stderr)
    const report = JSON.parse(stdout) as Report
    const files = of(report, 'files')
    const says = (name: string): string => files.filter(text => text.includes(`: ${name}: `)).join('\n')
    assert.equal(says('open'), 'ok: open: 1 file can be read by nobody')
    assert.match(
      says('closed'),
      /closed\.log \(-rw-------, owner 0:0\) gives no read permission .* \$ setfacl -m u:nobody:r .*closed\.log && setfacl -d /
    )
    assert.match(
      says('link'),
      /logs\/shut \(drwx------, owner 0:0\) gives no search permission .* \$ setfacl -m u:nobody:x .*logs\/shut$/
    )
    assert.match(says('listed'), /problem: .*listed.* \$ setfacl -m u:nobody:rx .*listed$/)
    assert.match(says('none'), /^warning: none: no file matches /)
    assert.ok(
      of(report, 'disk').some(text => /^problem: nobody may not write in .* \$ install -d -m 700 -o nobody /.test(text))
    )
  }
)
