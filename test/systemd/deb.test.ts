// The .deb on a booted Debian: installed, run, reloaded, hung, killed, upgraded and removed by the tools of an administrator.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../lib/real/process.ts'
import { builtPackage } from './built.ts'
import { bootMachine, noMachine } from './machine.ts'
import type { Machine } from './machine.ts'

const reason = await noMachine()
const options = reason === undefined ? { timeout: 600_000 } : { skip: reason }

const CONFIG = `
inputs:
  nginx:
    type: file
    paths: [/var/log/nginx/access.log]
    start_at: beginning
    pipeline: [{ grok: { match: '%{COMBINEDAPACHELOG}' } }]
metrics:
  nginx_requests_total: { type: counter, help: Requests., input: nginx, labels: { status: response } }
outputs:
  out: { type: file, path: /var/lib/yarder/out.ndjson }
`
/** Another input, whose lines can be counted. */
const APP = `
inputs:
  app: { type: file, paths: [/var/log/app.log], start_at: beginning, outputs: [app] }
outputs:
  app: { type: file, path: /var/lib/yarder/app.ndjson }
`
const ROOT_ONLY = `
inputs:
  root_only:
    type: file
    paths: [/var/log/root-only.log]
    start_at: beginning
    outputs: [root]
    fields: { team: '\${credential:team}' }
outputs:
  root: { type: file, path: /var/lib/yarder/root.ndjson }
`
const HEAP = `
inputs:
  heap: { type: file, paths: [/var/log/heap.log], start_at: beginning, outputs: [heap], pipeline: [json] }
outputs:
  heap: { type: file, path: /var/lib/yarder/heap.ndjson }
`
const UNIT = 'yarder.service'

test('the .deb from installation to purge', options, async t => {
  const m = await bootMachine(t, { [await builtPackage('deb')]: '/pkg/yarder.deb' })
  const install = (...more: string[]): Promise<string> => m.run('dpkg', ...more, '-i', '/pkg/yarder.deb')
  const show = async (property: string): Promise<string> =>
    (await m.run('systemctl', 'show', '-P', property, UNIT)).trim()
  const metrics = (): Promise<string> => m.run('curl', '-sS', '-f', 'http://127.0.0.1:9680/metrics')

  await t.test('installed without a network it runs at once, as its own user, and is enabled', async () => {
    await install()
    assert.equal(await show('ActiveState'), 'active')
    assert.equal((await m.run('systemctl', 'is-enabled', UNIT)).trim(), 'enabled')
    assert.equal((await m.run('ps', '-o', 'user=', '-p', await show('MainPID'))).trim(), 'yarder')
    assert.match(await m.run('systemctl', 'status', UNIT), /Status: "Ready; no input is configured"/)
    assert.match(await metrics(), /^yarder_build_info\{.*\} 1$/m)
    assert.equal((await m.run('dpkg', '--verify', 'yarder')).trim(), '')
    assert.match(
      await m.run('ls', '-ld', '/etc/yarder', '/etc/yarder/yarder.yaml', '/var/lib/yarder'),
      /^drwxr-x--- \d+ root +yarder .*\n-rw-r----- \d+ root +yarder .*\ndrwx------ \d+ yarder yarder /
    )
  })

  await t.test('the unit verifies without a word, and its exposure is at most 1.5', async () => {
    const verified = await m.does('systemd-analyze', 'verify', '--man=no', '/usr/lib/systemd/system/yarder.service')
    assert.deepEqual(verified, { status: 0, out: '', err: '' })
    await m.run('systemd-analyze', 'security', '--threshold=15', '--no-pager', UNIT)
  })

  await t.test('status and curl tell whether it runs: stopped, started, stopped, enabled', async () => {
    await m.run('systemctl', 'stop', UNIT)
    assert.match((await m.does('systemctl', 'status', UNIT)).out, /Active: inactive \(dead\)/)
    await assert.rejects(metrics(), /Failed to connect|refused/)
    // The line of the unit, as it is, in a terminal.
    const line = (await m.run('sed', '-n', 's/^ExecStart=//p', '/usr/lib/systemd/system/yarder.service')).trim()
    const asService = ['setpriv', '--reuid', 'yarder', '--regid', 'yarder', '--init-groups']
    const terminal = await m.does('timeout', '-s', 'INT', '2', ...asService, 'sh', '-c', `exec ${line}`)
    assert.match(terminal.err, /Started\. listen=127\.0\.0\.1:9680 data_dir=\/var\/lib\/yarder/)
    await m.run('systemctl', 'start', UNIT)
    assert.match(await m.run('systemctl', 'status', UNIT), /Active: active \(running\)/)
    await metrics()
    assert.match(await m.run('journalctl', '-u', UNIT, '--since', '-1h'), /yarder\.service: Deactivated successfully\./)
    assert.equal(
      (await m.run('ls', '/etc/systemd/system/multi-user.target.wants/yarder.service')).trim(),
      '/etc/systemd/system/multi-user.target.wants/yarder.service'
    )
  })

  await t.test('an access log of nginx that only adm may read becomes numbers', async () => {
    await m.write('/etc/yarder/conf.d/nginx.yaml', CONFIG)
    await m.run('systemctl', 'reload', UNIT)
    for (let i = 0; i < 5; i++)
      await m.run('curl', '-sS', '-o', '/dev/null', `http://127.0.0.1/${i === 0 ? '' : 'missing'}`)
    assert.match(await m.run('stat', '-c', '%U:%G %a', '/var/log/nginx/access.log'), /:adm 640/)
    await m.until(/^nginx_requests_total\{status="404"\} 4$/m, 'curl', '-sS', 'http://127.0.0.1:9680/metrics')
  })

  await t.test('systemctl status says in words how it is', async () => {
    await m.until(/Status: "Ready; \d+ lines\/s; 1 file, all acknowledged"/, 'systemctl', 'status', UNIT)
    const status = JSON.parse(await m.run('yarder', 'status', '--json')) as { state: string }
    assert.equal(status.state, 'green')
  })

  await t.test('the journal has its lines with the right priority', async () => {
    const journal = (...args: string[]): Promise<string> => m.run('journalctl', '-q', '-o', 'cat', '-u', UNIT, ...args)
    assert.match(
      await journal('--since', '-15min', '--grep', 'Started\\.'),
      /\[agent\] Started\. listen=127\.0\.0\.1:9680/
    )
    assert.doesNotMatch(await journal('-p', 'warning', '--grep', 'Started\\.').catch(() => ''), /Started/)
  })

  await t.test('a reload of a bad configuration fails with the reason, and nothing has changed', async () => {
    const pid = await show('MainPID')
    await m.write('/etc/yarder/conf.d/bad.yaml', 'inputs:\n  other: { type: flie, paths: [/tmp/x] }\n')
    const reload = await m.does('systemctl', 'reload', UNIT)
    assert.notEqual(reload.status, 0)
    const why = /bad\.yaml:2:18 inputs\.other\.type: unknown type .*did you mean .*file/
    assert.match(await m.run('journalctl', '-q', '-p', 'err', '-o', 'cat', '-u', UNIT), why)
    assert.match((await m.does('systemctl', 'status', UNIT)).out, /Status: ".*the last reload was refused: .*bad\.yaml/)
    assert.equal(await show('MainPID'), pid)
    assert.match(await metrics(), /^yarder_config_last_reload_successful 0$/m)
    assert.match(await metrics(), /^nginx_requests_total\{status="404"\} 4$/m)
  })

  await t.test('a start with a bad configuration is told once and not tried again', async () => {
    const restarts = await show('NRestarts')
    const since = (await m.run('date', '+%F %T.%6N')).trim()
    assert.notEqual((await m.does('systemctl', 'restart', UNIT)).status, 0)
    // With another try to come it would be `activating`.
    assert.equal(await show('ActiveState'), 'failed')
    assert.deepEqual([await show('NRestarts'), await show('ExecMainStatus')], [restarts, '2'])
    const told = await m.run('journalctl', '-q', '-p', 'err', '-o', 'cat', '-u', UNIT, '--since', since)
    const where = /\/etc\/yarder\/conf\.d\/bad\.yaml:2:18 inputs\.other\.type: unknown type "flie"/
    assert.match(told, where)
    assert.match((await m.does('systemctl', 'status', UNIT)).out, where)
    await m.run('rm', '/etc/yarder/conf.d/bad.yaml')
    await m.run('systemctl', 'start', UNIT)
  })

  await t.test('killed and hung it comes back, and no line is lost or doubled', async () => {
    const lines = async (): Promise<number> =>
      Number((await m.run('wc', '-l', '/var/lib/yarder/out.ndjson')).split(' ')[0])
    const request = (): Promise<string> => m.run('curl', '-sS', '-o', '/dev/null', 'http://127.0.0.1/')
    const before = await lines()
    await m.run('systemctl', 'kill', '-s', 'KILL', UNIT)
    await request()
    await until('the line of a killed agent', async () => (await lines()) === before + 1)
    await m.run('mkdir', '-p', '/run/systemd/system/yarder.service.d')
    await m.write('/run/systemd/system/yarder.service.d/quick.conf', '[Service]\nWatchdogSec=3\n')
    await m.run('systemctl', 'daemon-reload')
    await m.run('systemctl', 'restart', UNIT)
    const pid = await show('MainPID')
    const fed = new Set<string>()
    await until('the watchdog to be fed three times', async () => {
      fed.add(await show('WatchdogTimestampMonotonic'))
      return fed.size > 3
    })
    assert.equal(await show('MainPID'), pid)
    await m.run('kill', '-STOP', pid)
    await request()
    await until('the line of a hung agent', async () => (await lines()) === before + 2, 60_000)
    assert.notEqual(await show('MainPID'), pid)
    assert.match(await m.run('journalctl', '-q', '-o', 'cat', '-u', UNIT), /Watchdog timeout/)
    await m.run('rm', '-r', '/run/systemd/system/yarder.service.d')
    await m.run('systemctl', 'daemon-reload')
  })

  await t.test(
    'restarts and an upgrade while a log is written: each line arrives once, and no line is lost by a kill',
    async () => {
      await m.write('/etc/yarder/conf.d/app.yaml', APP)
      await m.run('systemctl', 'reload', UNIT)
      const writer = `i=0; while [ ! -e /run/enough ]; do i=$((i+1)); echo "line $i" >> /var/log/app.log
        [ $((i%20)) = 0 ] && sleep 0.02; done; echo $i > /run/written`
      await m.run('systemd-run', '--unit=writer', '--collect', 'sh', '-c', writer)
      await m.run('sed', '-i', 's/PROD/STAGING/', '/etc/yarder/yarder.yaml')
      const pid = await show('MainPID')
      await install('--force-confold')
      assert.notEqual(await show('MainPID'), pid)
      assert.match(await m.run('cat', '/etc/yarder/yarder.yaml'), /STAGING/)
      for (let i = 0; i < 3; i++) await m.run('systemctl', 'restart', UNIT)
      const quiet = await arrived(m)
      assert.equal(quiet.length, new Set(quiet).size, 'nothing twice by an upgrade and three restarts')
      await m.run('systemctl', 'kill', '-s', 'KILL', UNIT)
      const killedAt = (await arrived(m)).at(-1)!
      await until('lines after the kill', async () => (await arrived(m)).at(-1)! > killedAt, 60_000)
      await m.write('/run/enough', '')
      const last = Number(await m.until(/\d/, 'cat', '/run/written'))
      await until('the last line', async () => (await arrived(m)).at(-1) === last, 60_000)
      const all = new Set(await arrived(m))
      assert.deepEqual([all.size, Math.max(...all)], [last, last])
    }
  )

  await t.test("at the limit of V8's heap it ends and starts again, and what it was reading is not lost", async () => {
    await m.write('/etc/yarder/conf.d/heap.yaml', HEAP)
    const lines = Array.from({ length: 60_000 }, (_, i) => `{"n":${i + 1},"a":[[1,2,[3]],{"b":"${'x'.repeat(40)}"}]}\n`)
    await m.write('/var/log/heap.log', lines.join(''))
    await m.run('mkdir', '-p', '/run/systemd/system/yarder.service.d')
    const dropIn = '/run/systemd/system/yarder.service.d/heap.conf'
    await m.write(dropIn, '[Service]\nEnvironment=YARDER_MAX_HEAP_MB=11\n')
    await m.run('systemctl', 'daemon-reload')
    const since = (await m.run('date', '+%F %T.%6N')).trim()
    // It may not even come up with so little.
    await m.does('systemctl', 'restart', UNIT)
    const journal = ['journalctl', '-q', '-o', 'cat', '-u', UNIT, '--since', since]
    await m.until(/heap limit|heap out of memory/, ...journal)
    await m.until(/Scheduled restart job/, ...journal)
    await m.run('rm', '-r', '/run/systemd/system/yarder.service.d')
    await m.run('systemctl', 'daemon-reload')
    await m.run('systemctl', 'reset-failed', UNIT)
    await m.run('systemctl', 'restart', UNIT)
    await until('all lines', async () => {
      const { out } = await m.does('cat', '/var/lib/yarder/heap.ndjson')
      return new Set([...out.matchAll(/"n":(\d+)/g)].map(found => found[1])).size === 60_000
    })
  })

  await t.test('a service that an administrator disabled stays so in an upgrade', async () => {
    await m.run('systemctl', 'disable', '--now', UNIT)
    await install('--force-confold')
    assert.equal((await m.does('systemctl', 'is-enabled', UNIT)).out.trim(), 'disabled')
    assert.notEqual((await m.does('systemctl', 'is-active', UNIT)).status, 0)
    await m.run('systemctl', 'enable', '--now', UNIT)
  })

  await t.test('a credential of systemd is a secret; a drop-in of ours lets it read what only root may', async () => {
    await m.write('/root/secret', 's3cret')
    await m.write('/var/log/root-only.log', 'hello\n')
    await m.run('chmod', '600', '/var/log/root-only.log')
    await m.write('/etc/yarder/conf.d/root.yaml', ROOT_ONLY)
    await m.run('mkdir', '-p', '/etc/systemd/system/yarder.service.d')
    await m.write('/etc/systemd/system/yarder.service.d/secret.conf', '[Service]\nLoadCredential=team:/root/secret\n')
    await m.run('systemctl', 'daemon-reload')
    await m.run('systemctl', 'restart', UNIT)
    await m.until(/Status: ".*1 path cannot be read: \/var\/log\/root-only\.log/, 'systemctl', 'status', UNIT)
    await m.run('ln', '-s', '/usr/share/yarder/drop-ins/read-all-files.conf', '/etc/systemd/system/yarder.service.d/')
    await m.run('systemctl', 'daemon-reload')
    await m.run('systemctl', 'restart', UNIT)
    await m.until(/"message":"hello"/, 'cat', '/var/lib/yarder/root.ndjson')
    assert.match(await m.run('cat', '/var/lib/yarder/root.ndjson'), /"team":"s3cret"/)
    for (const argv of [
      ['journalctl', '-q', '-u', UNIT],
      ['systemctl', 'status', UNIT],
      ['yarder', 'status', '--json']
    ])
      assert.doesNotMatch((await m.does(...argv)).out, /s3cret/)
  })

  await t.test('removal keeps configuration and positions, purge leaves nothing', async () => {
    await m.run('dpkg', '-r', 'yarder')
    await m.run('ls', '/etc/yarder/conf.d/nginx.yaml', '/var/lib/yarder/state.db')
    assert.equal((await m.does('systemctl', 'is-active', UNIT)).status !== 0, true)
    await m.run('dpkg', '-P', 'yarder')
    assert.equal(await leftOvers(m), '')
  })
})

/** Numbers of the lines that have arrived, in their order. */
const arrived = async (m: Machine): Promise<number[]> =>
  [...(await m.run('cat', '/var/lib/yarder/app.ndjson')).matchAll(/"message":"line (\d+)"/g)].map(found =>
    Number(found[1])
  )

/** Files of yarder on the machine, but for the journal and what dpkg and apt note. */
const leftOvers = (m: Machine): Promise<string> =>
  m.run('find', '/etc', '/usr', '/var', '/run', '-xdev', '-name', '*yarder*', '-not', '-path', '/var/log/journal/*')
