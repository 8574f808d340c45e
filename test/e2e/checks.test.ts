// Health checks of real services: Debian's nginx stopped, started and on another port, and Debian's Nagios plugins.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { debianPackage } from '../lib/real/debian.ts'
import { startNginx } from '../lib/real/nginx.ts'
import { until } from '../lib/real/process.ts'
import { PROGRAM, startYarder } from '../lib/real/yarder.ts'

interface Checked {
  readonly status: number
  readonly stdout: string
}

/** `yarder check` as a user or a build server runs it. */
function yarderCheck(t: TestContext, config: string, ...argv: string[]): Promise<Checked> {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'yarder.yaml')
  writeFileSync(file, config)
  return new Promise(resolve => {
    execFile(PROGRAM, ['check', '-c', file, ...argv], (error, stdout) => {
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout })
    })
  })
}

/** Names of the checks that are not ok, out of TAP. */
const failing = ({ stdout }: Checked): string[] =>
  [...stdout.matchAll(/^not ok \d+ - (\S+) /gm)].map(match => match[1]!).sort()

const noNginx = (await debianPackage(['nginx'])) ?? false

test("the book's case study: nginx validated, then made to fail by another port", { skip: noNginx }, async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const nginx = await startNginx({ accessLog: join(dir, 'access.log') })
  t.after(() => nginx.stop())
  const { port, url } = nginx
  const config = `checks:
  installed: { type: package, package: nginx }
  runs: { type: process, process: nginx, min: 2 }
  listens: { type: port, port: ${port} }
  listens_here: { type: port, port: ${port}, address: 127.0.0.1 }
  not_open_to_all: { type: port, port: ${port}, address: 0.0.0.0, listening: false }
  connects: { type: tcp, address: '127.0.0.1:${port}' }
  answers:
    type: http
    url: ${url}/
    expect_headers: { server: ^nginx }
    body_matches: ^ok
    critical: 5s
  missing: { type: http, url: ${url}/missing/x, expect_status: 404 }
`
  const well = await yarderCheck(t, config, '--tap')
  assert.deepEqual([well.status, failing(well)], [0, []], well.stdout)

  await nginx.stop()
  const stopped = await yarderCheck(t, config, '--tap')
  assert.equal(stopped.status, 2)
  // Another nginx of the host may well go on running.
  const fallen = failing(stopped).filter(name => name !== 'runs')
  assert.deepEqual(fallen, ['answers', 'connects', 'listens', 'listens_here', 'missing'])

  const elsewhere = await startNginx({ accessLog: join(dir, 'access.log') })
  t.after(() => elsewhere.stop())
  assert.notEqual(elsewhere.port, port)
  const moved = await yarderCheck(t, config, '--tap')
  assert.deepEqual(failing(moved), ['answers', 'connects', 'listens', 'listens_here', 'missing'])
  assert.match(moved.stdout, new RegExp(`not ok \\d+ - listens \\(port\\) nothing listens on tcp port ${port}\\n`))

  const here = await yarderCheck(t, config.replaceAll(String(port), String(elsewhere.port)), '--nagios')
  assert.deepEqual([here.status, here.stdout.split(' | ')[0]], [0, 'OK - 8 checks are ok'])
})

const noPlugins = (await debianPackage(['monitoring-plugins-basic'])) ?? false

test("Debian's Nagios plugins are run as they are, and their numbers are kept", { skip: noPlugins }, async t => {
  const plugin = (name: string, ...argv: string[]): string =>
    `{ type: command, command: ${JSON.stringify([`/usr/lib/nagios/plugins/${name}`, ...argv])} }`
  const { status, stdout } = await yarderCheck(
    t,
    `checks:
  disk: ${plugin('check_disk', '-w', '0%', '-c', '0%', '-p', '/')}
  load: ${plugin('check_load', '-w', '999,999,999', '-c', '999,999,999')}
  closed: ${plugin('check_tcp', '-H', '127.0.0.1', '-p', '1')}
  warned: ${plugin('check_dummy', '1', 'so so')}
  wrong: ${plugin('check_load', '--no-such-option')}
`
  )
  assert.equal(status, 2)
  const results = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { check: string; state: string; message: string; values?: Record<string, number> })
  assert.deepEqual(
    results.map(r => `${r.check} ${r.state}`),
    ['disk ok', 'load ok', 'closed critical', 'warned warning', 'wrong unknown']
  )
  assert.match(results[0]!.message, /^DISK OK/)
  assert.ok(results[0]!.values!['/']! > 1_000_000, 'the used space is told in bytes')
  assert.deepEqual(Object.keys(results[1]!.values!), ['load1', 'load5', 'load15'])
  assert.equal(results[3]!.message, 'WARNING: so so')
})

test('a silence, a heartbeat, the history of a check and what people were not told yet outlive an agent that is killed', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const often = 'every: 100ms, failures_before_critical: 1'
  const config = `agent: { data_dir: ${folder}/data }
admin: { listen: '127.0.0.1:0' }
checks:
  web: { type: tcp, address: '127.0.0.1:1', notify: oncall, ${often} }
  backup: { type: heartbeat, within: 1h, ${often} }
notify:
  oncall: { type: exec, cwd: ${folder}, command: [/bin/sh, -c, 'test -e up || exit 75; echo $YARDER_STATE >> told'] }
`
  const command = (...argv: string[]): Promise<Checked> =>
    new Promise(resolve => {
      execFile(PROGRAM, ['check', ...argv, '--data-dir', `${folder}/data`], (error, stdout) =>
        resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout })
      )
    })
  const state = async (url: string, name: string): Promise<string | undefined> => {
    const health = (await (await fetch(`${url}/health`)).json()) as { checks: { name: string; status: string }[] }
    return health.checks.find(c => c.name === name)?.status
  }
  const first = await startYarder(t, { folder, config })
  await until('the failure', async () => (await state(first.url, 'web')) === 'critical')
  assert.equal((await fetch(`${first.url}/health`)).status, 503)
  assert.equal((await command('silence', 'web', '--for', '2h', '--comment', 'new disk')).status, 0)
  assert.equal((await command('beat', 'backup')).status, 0)
  assert.equal((await fetch(`${first.url}/health`)).status, 200)
  await first.said('A notification is tried again.')
  await first.end('SIGKILL')
  writeFileSync(join(folder, 'up'), '')

  const second = await startYarder(t, { folder, config })
  await until('the heartbeat', async () => (await state(second.url, 'backup')) === 'ok')
  assert.equal(await state(second.url, 'web'), 'maintenance')
  const told = (): string => (existsSync(join(folder, 'told')) ? readFileSync(join(folder, 'told'), 'utf8') : '')
  await until('what was not told', () => told() !== '')
  assert.equal(await second.metric('yarder_check_state{check="web"}'), 4)
  const past = JSON.parse((await command('history', 'web', '--json')).stdout) as { changes: { state: string }[] }
  assert.equal(past.changes.at(-1)!.state, 'maintenance')
  assert.match((await command('unsilence', 'web')).stdout, /silenced no longer/)
  await until('the failure again', async () => (await state(second.url, 'web')) === 'critical')
  await second.end()
  assert.equal(told(), 'critical\n')
})
