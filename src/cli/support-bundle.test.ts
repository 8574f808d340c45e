import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, closeSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { cli } from '../../test/lib/world.ts'
import { cleanLog, cleanMetrics, cleanStatus } from './bundle/clean.ts'
import { elsewhere } from './bundle/gather.ts'
import { tar } from './bundle/tar.ts'

test('tar itself takes the archive apart again, with times and modes', t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-tar-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const files = new Map([
    ['a/empty', ''],
    ['a/block', 'x'.repeat(512)],
    ['a/text', 'é\n'.repeat(1000)]
  ])
  writeFileSync(join(dir, 'x.tar'), tar(files, Date.parse('2026-11-22T10:00:00Z')))
  execFileSync('tar', ['-xf', 'x.tar'], { cwd: dir })
  for (const [name, text] of files) assert.equal(readFileSync(join(dir, name), 'utf8'), text)
  const { mode, mtimeMs } = statSync(join(dir, 'a/text'))
  assert.deepEqual([mode & 0o777, mtimeMs], [0o600, Date.parse('2026-11-22T10:00:00Z')])
  assert.throws(() => tar(new Map([['n'.repeat(101), '']]), 0), /too long/)
})

test('what a peer has quoted of a record goes out of log lines and the state; numbers made of logs are left out', () => {
  const line = `[output] Refused for good. output=es records=1 reason="failed to parse [x] of 'canary': \\"canary\\" (canary)" status=400`
  assert.doesNotMatch(cleanLog(line), /canary/)
  assert.match(cleanLog(line), /^\[output\] Refused for good\. output=es records=1 reason=/)
  assert.equal(cleanLog('[agent] Started. listen="127.0.0.1:9680"'), '[agent] Started. listen="127.0.0.1:9680"')
  assert.equal(
    cleanMetrics('# HELP logins_total x\nlogins_total{who="canary"} 1\nyarder_up 1\n# TYPE yarder_up gauge'),
    'yarder_up 1\n# TYPE yarder_up gauge'
  )
  assert.doesNotMatch(JSON.stringify(cleanStatus({ outputs: [{ lastError: "no 'canary'" }] })), /canary/)
})

test('the bundle and `yarder config` show the same configuration, without what is secret by where it stands', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-bundle-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'yarder.yaml')
  writeFileSync(
    file,
    `agent: { data_dir: '${dir}/data', region: eu }
inputs: { app: { type: file, paths: ['${dir}/x.log'], fields: { api_key: Canary01x } } }
outputs:
  es: { type: elasticsearch, hosts: ['http://u:Canary02x@h:9200', 'u:Canary03x@h2'], headers: { Authorization: Bearer Canary04x, x-api-key: Canary05x, Accept: text/plain } }
  in: { type: http, url: 'http://h/in?key=Canary06x' }
exporters: { statsd: { secret: Canary07x }, graphite: { secret: Canary08x } }
checks:
  web: { type: http, url: 'http://h/x?token=Canary09x', headers: { Cookie: Canary10x } }
  run:
    type: command
    command: [/bin/true, --password, Canary11x, --token=Canary12x, -pCanary13x, -u, 'joe:Canary14x', 'http://h/?a=Canary15x', -c, 'x --passwd Canary16x -v', -H, 'X-Auth: Canary17x', '--host=h']
    env: { PASS: Canary18x, LC_ALL: Canary19 }
    remedy: { command: [/bin/true, --api-key, Canary20x] }
notify:
  hook: { type: webhook, url: 'https://hooks/Canary21x', headers: { X-Token: Canary22x } }
  chat: { type: slack, url: 'https://hooks/Canary23x' }
  mail: { type: email, server: m, user: u, password: Canary24x, from: a@b.example, to: [c@d.example] }
  page: { type: exec, command: [/bin/page, --secret, Canary25x] }
`
  )
  const shown = await cli(['config', '-c', file])
  assert.equal(shown.status, 0, shown.stderr)
  assert.doesNotMatch(shown.stdout, /Canary/)
  for (const kept of [
    'Accept: text/plain',
    'http://u:***@h:9200',
    'http://h/in?***',
    'joe:***',
    '--host=h',
    'c@d.example'
  ])
    assert.ok(shown.stdout.includes(kept), `${kept} is shown: ${shown.stdout}`)
  assert.ok(shown.stdout.includes('PASS: ') && shown.stdout.includes('--token=***') && shown.stdout.includes('-p***'))
  assert.equal((await cli(['support-bundle', '-c', file, '-o', join(dir, 'b.tar')])).status, 0)
  execFileSync('tar', ['-xf', 'b.tar', '--strip-components=1'], { cwd: dir })
  const lines = readFileSync(join(dir, 'config.yaml'), 'utf8').replace(/^#.*\n/gm, '')
  assert.equal(lines, shown.stdout)
  assert.doesNotMatch(readFileSync(join(dir, 'b.tar'), 'latin1'), /Canary/)
})

test('without a configuration or an agent the bundle says what is missing; it is for its owner alone and replaces nothing', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-bundle-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const path = join(dir, 'b.tar')
  const argv = ['support-bundle', '-c', join(dir, 'none.yaml'), '--data-dir', dir, '-o', path]
  const { status, stdout } = await cli(argv)
  assert.deepEqual([status, stdout], [0, `${path}\n`])
  assert.equal(statSync(path).mode & 0o777, 0o600)
  execFileSync('tar', ['-xf', 'b.tar', '--strip-components=1'], { cwd: dir })
  assert.match(readFileSync(join(dir, 'config.yaml'), 'utf8'), /none\.yaml: there is no such file/)
  assert.match(readFileSync(join(dir, 'status.json'), 'utf8'), /not available: asking the agent: /)
  assert.match(readFileSync(join(dir, 'version.json'), 'utf8'), /"yarder": "\d/)
  const again = await cli(argv)
  assert.equal(again.status, 2)
  assert.match(again.stderr, /b\.tar is there already/)
})

test('where the journal has nothing, the bundle says where the log of the running agent goes', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-bundle-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const stderr = openSync(join(dir, 'err.log'), 'w')
  const agent = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', stderr] })
  closeSync(stderr)
  t.after(() => agent.kill())
  await once(agent, 'spawn')
  assert.match(
    elsewhere(`{\n  "pid": ${agent.pid},\n}`),
    new RegExp(`its standard error, of process ${agent.pid}: .*/${basename(dir)}/err\\.log$`)
  )
  assert.match(elsewhere('not available: '), /its standard error, wherever that was led by who started it$/)
})

test('two bundles within a second have two names', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-bundle-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const before = process.cwd()
  process.chdir(dir)
  t.after(() => process.chdir(before))
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-11-22T10:00:00Z') })
  const argv = ['support-bundle', '-c', join(dir, 'none.yaml'), '--data-dir', dir]
  for (const name of ['yarder-support-20261122T100000Z', 'yarder-support-20261122T100000Z-2']) {
    const { status, stdout } = await cli(argv)
    assert.equal(status, 0)
    assert.equal(basename(stdout.trim()), `${name}.tar`)
    assert.match(
      execFileSync('tar', ['-tf', `${name}.tar`], { cwd: dir, encoding: 'utf8' }),
      new RegExp(`^${name}/log\\.txt$`, 'm')
    )
  }
  assert.equal(readdirSync(dir).filter(name => name.endsWith('.tar')).length, 2)
})
