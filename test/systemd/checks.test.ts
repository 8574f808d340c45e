// Health checks of the installed service on a booted Debian: units by their states, the book's case of a service that
// stops, what a remedy and a unit that tells people need, and what the sandbox of the service hides.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../lib/real/process.ts'
import { builtPackage } from './built.ts'
import { bootMachine, noMachine } from './machine.ts'
import type { Machine } from './machine.ts'

const reason = await noMachine()
const options = reason === undefined ? { timeout: 600_000 } : { skip: reason }

const often = 'every: 1s, failures_before_critical: 1, flap_changes: 0'
const CONFIG = `
outputs: { out: { type: file, path: /var/lib/yarder/out.ndjson } }
notify:
  told: { type: exec, command: [/bin/sh, -c, 'echo "$YARDER_CHECK $YARDER_STATE" >> /var/lib/yarder/told'] }
  alert: { type: unit, unit: alert@.service }
checks:
  web:
    type: systemd_unit
    unit: nginx
    enabled: true
    every: 1s
    failures_before_critical: 2
    notify: [told, alert]
    show_log: { unit: nginx.service, lines: 20 }
    remedy: { restart: nginx.service, times: 4 }
  gone: { type: systemd_unit, unit: no-such, ${often} }
  failed: { type: systemd_unit, unit: failed, ${often} }
  slow: { type: systemd_unit, unit: slow, max_activating: 2s, ${often} }
  waits: { type: systemd_unit, unit: waits, ${often} }
  loops: { type: systemd_unit, unit: loops, max_restarts: 2, ${often} }
  timer_well: { type: systemd_unit, unit: well.timer, max_age: 1h, ${often} }
  timer_failed: { type: systemd_unit, unit: bad.timer, ${often} }
  timer_overdue: { type: systemd_unit, unit: late.timer, max_age: 1h, ${often} }
  process: { type: process, process: nginx, ${often} }
  port: { type: port, port: 80, address: 127.0.0.1, ${often} }
  mount: { type: mount, path: /srv/data, fstype: tmpfs, options: [rw], ${often} }
  disk: { type: disk, path: /srv/data, ${often} }
  tmp: { type: file, path: /tmp/marker, ${often} }
  no_lock: { type: file, path: /tmp/lock, exists: false, ${often} }
  beat: { type: heartbeat, within: 1h, file: /tmp/marker, ${often} }
  owner: { type: file, path: /srv/site, user: www-data, ${often} }
  root_only: { type: file, path: /root/secret, ${often} }
`
const oneshot = (program: string): string => `[Service]\nType=oneshot\nExecStart=${program}\n`
const timer = (unit: string, when: string): string => `[Timer]\nUnit=${unit}\n${when}\n`
const UNITS: Record<string, string> = {
  'alert@.service': oneshot(`/bin/sh -c 'echo %i >> /run/alerts'`),
  'failed.service': oneshot('/bin/false'),
  'slow.service': oneshot('/bin/sleep infinity'),
  'waits.service': '[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=1h\n',
  'loops.service':
    '[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 1\nRestart=always\nRestartSec=100ms\n',
  'well.service': oneshot('/bin/true'),
  'well.timer': timer('well.service', 'OnActiveSec=0\nAccuracySec=1ms'),
  'bad.timer': timer('failed.service', 'OnActiveSec=1h'),
  'late.timer': timer('well.service', 'OnCalendar=yearly')
}

interface Check {
  readonly status: string
  readonly reason: string
  readonly message: string
}

async function checksOf(m: Machine): Promise<Map<string, Check>> {
  const { checks } = JSON.parse(await m.run('curl', '-sS', 'http://127.0.0.1:9680/health/')) as {
    checks: (Check & { name: string })[]
  }
  return new Map(checks.map(check => [check.name, check]))
}

/** Waits until each of these checks has its answer, `state: message`. */
async function expectChecks(m: Machine, expected: Record<string, RegExp>): Promise<void> {
  let wrong: string[] = []
  await until('the checks', async () => {
    const checks = await checksOf(m)
    const said = (name: string): string => `${checks.get(name)?.status}: ${checks.get(name)?.message}`
    wrong = Object.entries(expected).flatMap(([name, what]) =>
      what.test(said(name)) ? [] : [`${name} is ${said(name)}`]
    )
    return wrong.length === 0
  }).catch((error: unknown) => assert.fail(`${String(error)}\n${wrong.join('\n')}`))
}

test('checks of the installed service', options, async t => {
  const m = await bootMachine(t, { [await builtPackage('deb')]: '/pkg/yarder.deb' })
  const sh = (script: string): Promise<string> => m.run('sh', '-c', script)
  const said = (): Promise<string> => m.run('journalctl', '-q', '-o', 'cat', '-u', 'yarder')
  for (const [name, text] of Object.entries(UNITS)) await m.write(`/etc/systemd/system/${name}`, text)
  await sh(`systemctl daemon-reload
    mkdir -p /srv/data && mount -t tmpfs -o size=1m,nosuid data /srv/data
    touch /tmp/marker /root/secret && mkdir /srv/site && chown www-data /srv/site
    systemctl start --no-block failed slow waits loops well.timer bad.timer late.timer`)
  await m.run('dpkg', '-i', '/pkg/yarder.deb')
  await m.write('/etc/yarder/conf.d/checks.yaml', CONFIG)
  await m.run('systemctl', 'reload', 'yarder')

  await t.test('each state of a unit has its own answer', () =>
    expectChecks(m, {
      web: /^ok: nginx\.service is active \(running\)/,
      gone: /^critical: there is no unit no-such\.service$/,
      failed: /^critical: failed\.service is failed \(failed, exit-code\)$/,
      slow: /^critical: slow\.service is activating \(start\) for \d+ s already$/,
      waits: /^critical: waits\.service is activating \(auto-restart, exit-code\)$/,
      loops: /^critical: loops\.service (was restarted [3-9] times within 15 min|is activating \(auto-restart\))/,
      timer_well: /^ok: well\.timer is active/,
      timer_failed: /^critical: failed\.service, which it starts, has failed \(exit-code\)$/,
      timer_overdue: /^critical: late\.timer has never run, expected within 60 min$/
    })
  )

  await t.test('a unit that is restarted again and again is critical while it is up', () =>
    expectChecks(m, { loops: /^critical: loops\.service was restarted \d+ times within 15 min/ })
  )

  await t.test('the sandbox hides nothing without saying so', async () => {
    await expectChecks(m, {
      process: /^ok: \d+ process(es)? called nginx$/,
      port: /^ok: tcp port 80 of 127\.0\.0\.1 is listened on at 0\.0\.0\.0/,
      mount: /^ok: data \(tmpfs\) is mounted at \/srv\/data$/,
      disk: /^ok: /,
      tmp: /^unknown: the service does not see the host's \/tmp\/marker .*see-host\.conf lets it$/,
      no_lock: /^unknown: the service does not see the host's \/tmp\/lock/,
      beat: /^unknown: the service does not see the host's \/tmp\/marker/,
      owner: /^unknown: \/srv\/site: the service does not see owners .*see-host\.conf lets it$/,
      root_only: /^unknown: .*EACCES.*\/root\/secret.*read-all-files\.conf lets the service look$/
    })
    await m.run('mount', '-o', 'remount,ro', '/srv/data')
    await expectChecks(m, { mount: /^critical: \/srv\/data is mounted without rw$/, disk: /^critical: .*read-only/ })
  })

  await t.test("what opens the sandbox is in the package's drop-ins", async () => {
    await sh(`mkdir -p /etc/systemd/system/yarder.service.d
      ln -s /usr/share/yarder/drop-ins/*.conf /etc/systemd/system/yarder.service.d/
      printf '[Service]\\nProtectProc=invisible\\n' > /etc/systemd/system/yarder.service.d/hidden.conf
      systemctl daemon-reload
      systemctl restart yarder`)
    await expectChecks(m, {
      tmp: /^ok: /,
      no_lock: /^ok: /,
      beat: /^ok: /,
      owner: /^ok: /,
      root_only: /^ok: /,
      process: /^unknown: 0 processes called nginx, but the processes of others are hidden/
    })
  })

  await t.test('without leave a remedy and a unit are refused, and it is said what would give it', async () => {
    await m.run('systemctl', 'stop', 'nginx')
    const hint = String.raw`a rule of polkit as /usr/share/yarder/drop-ins/units\.rules lets the service`
    await until('both refusals', async () => {
      const text = await said()
      return [
        `A remedy has failed\\..*${hint}`,
        `A notification could not be sent\\..*alert@web\\.service.*${hint}`
      ].every(what => new RegExp(what).test(text))
    })
    await expectChecks(m, { web: /^critical: nginx\.service is inactive \(dead\)$/ })
  })

  await t.test("the book's case: a service that stops is told, restarted and told to be back", async () => {
    await m.run('cp', '/usr/share/yarder/drop-ins/units.rules', '/etc/polkit-1/rules.d/50-yarder.rules')
    await expectChecks(m, { web: /^ok: nginx\.service is active/ })
    // Once more from the beginning, now that it has leave.
    await m.run('systemctl', 'stop', 'nginx')
    await m.until(/^(web critical\nweb ok\n){2}$/, 'cat', '/var/lib/yarder/told')
    assert.equal((await m.run('systemctl', 'is-active', 'nginx')).trim(), 'active')
    assert.match(await m.until(/web/, 'cat', '/run/alerts'), /^web\n$/)
    assert.match(await said(), /A remedy was done\. check=web/)
    assert.match(
      await m.run('curl', '-sS', 'http://127.0.0.1:9680/metrics'),
      /^yarder_check_remedies_total\{check="web",outcome="done"\} 2$/m
    )
  })

  await t.test('leave for some units is none for others', async () => {
    const as = (...argv: string[]) => m.does('setpriv', '--reuid=yarder', '--regid=yarder', '--clear-groups', ...argv)
    for (const [verb, unit] of [
      ['restart', 'cron.service'],
      ['stop', 'nginx.service'],
      ['start', 'slow.service']
    ] as const) {
      const { status, err } = await as('systemctl', verb, '--no-ask-password', unit)
      assert.notEqual(status, 0, unit)
      assert.match(err, /authentication required|Access denied/i)
    }
  })

  await t.test('the record of the failure holds what the journal says of the unit', async () => {
    const records = (await m.run('cat', '/var/lib/yarder/out.ndjson'))
      .split('\n')
      .filter(line => line.includes('"web is critical'))
      .map(line => JSON.parse(line) as { check: { log: string; reason: string } })
    assert.equal(records.length, 2)
    for (const { check } of records) {
      assert.equal(check.reason, 'inactive')
      assert.match(check.log, /Stopped nginx\.service|Stopped .*nginx/)
    }
  })
})
