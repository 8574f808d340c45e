import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Command } from 'commander'
import { context } from '../../test/lib/step.ts'
import { cli, holdWorld } from '../../test/lib/world.ts'
import { check, registerCheck } from './check.ts'
import type { CheckOptions } from './check.ts'
import { buildProblems } from '../config/checked.ts'
import { defineCatalog } from '../config/catalog.ts'
import { loadText } from '../config/load.ts'
import { formatProblem } from '../config/problem.ts'
import { checkCommonFields, lintCheckCommon } from '../health/common.ts'
import { command } from '../health/check/command.ts'
import { disk } from '../health/check/disk.ts'
import { dns } from '../health/check/dns.ts'
import { fileCheck } from '../health/check/file.ts'
import { heartbeat } from '../health/check/heartbeat.ts'
import { http } from '../health/check/http.ts'
import { logCheck } from '../health/check/log.ts'
import { processCheck } from '../health/check/process.ts'
import { systemdUnit } from '../health/check/systemd-unit.ts'
import { tcp } from '../health/check/tcp.ts'
import { notifyCommonFields } from '../health/notify.ts'
import { webhook } from '../health/notify/webhook.ts'

const catalog = defineCatalog({
  sections: {},
  units: {
    checks: {
      doc: 'What is watched.',
      definitions: [command, disk, dns, fileCheck, heartbeat, http, logCheck, processCheck, systemdUnit, tcp],
      common: checkCommonFields,
      refersTo: { notify: 'notify' },
      lint: lintCheckCommon
    },
    notify: { doc: 'Who is told.', definitions: [webhook], common: notifyCommonFields }
  },
  steps: []
})

/** As the design's sample has it. */
const SAMPLE = `
checks:
  nginx_running: { type: systemd_unit, unit: nginx.service, every: 10s }
  homepage:
    type: http
    url: http://127.0.0.1/
    schedule: '*/15 * * * * *'            # cron with seconds, or every:
    expect_status: [2xx]
    failures_before_critical: 3
    success_before_passing: 2
    notify: [oncall]
  root_disk: { type: disk, path: /, warning: 85%, critical: 95% }
notify:
  oncall: { type: webhook, url: 'https://hooks.example.com/x' }
`

const load = (text: string) => loadText(text, catalog, {})

test('the checks of the sample configuration are valid as written', () => {
  const { checked, problems } = load(SAMPLE)
  assert.deepEqual(problems.map(formatProblem), [])
  assert.deepEqual(
    buildProblems(checked, (_section, name) => context({ name })),
    []
  )
  const homepage = checked.units.checks[1]!.common
  assert.deepEqual([homepage.timeout, homepage.notify], [10_000, ['oncall']])
})

test('what is wrong with a check is told with its place', () => {
  const { problems } = load(`checks:
  a:
    type: http
    url: http://127.0.0.1/
    schedule: '61 * * * * *'
  b: { type: command, command: 'ls | wc -l' }
  c: { type: disk, path: /, every: 10s, schedule: '* * * * *' }
  d: { type: disk, path: /, notify: nobody }
`)
  assert.deepEqual(
    problems.map(formatProblem).map(line => line.replace(/^[^:]*:/, '')),
    [
      '5:15 checks.a.schedule: must be a cron line such as "*/15 * * * * *": second cannot be "61", got "61 * * * * *"',
      '6:32 checks.b.command: must be a list, the program and each argument an item, got "ls | wc -l"; no shell reads it',
      '7:51 checks.c.schedule: goes without every; leave one out',
      '8:37 checks.d.notify: there is no "nobody" in notify'
    ]
  )
})

const CHECKS = `checks:
  fine: { type: command, command: [echo, all is well] }
  poor: { type: command, command: [sh, -c, 'echo "low | x=1"; exit 1'] }
  bad: { type: command, command: [sh, -c, 'exit 2'] }
  odd: { type: command, command: [/no/such/program] }
  slow: { type: command, command: [sleep, '30'], timeout: 100ms }
`

async function run(names: string[], options: CheckOptions = {}, terminal = false) {
  const { checked, problems } = load(CHECKS)
  assert.deepEqual(problems, [])
  const world = holdWorld({ terminal })
  const status = await check(world, checked.units.checks, names, name => context({ name }), options)
  return { status, out: world.stdout, err: world.stderr }
}

test('the exit status is that of the worst check, as Nagios has it', async () => {
  assert.equal((await run(['fine'])).status, 0)
  assert.equal((await run(['fine', 'poor'])).status, 1)
  assert.equal((await run(['fine', 'odd'])).status, 3)
  assert.equal((await run(['odd', 'poor'])).status, 1)
  assert.equal((await run([])).status, 2)
  const stranger = await run(['fin'])
  assert.deepEqual(stranger, {
    status: 3,
    out: '',
    err: 'yarder check: there is no check "fin"; did you mean "fine"?\n'
  })
})

test('a terminal gets a table, a pipe JSON lines, Nagios its one line', async () => {
  const table = await run([], {}, true)
  assert.deepEqual(
    table.out.split('\n').map(line => line.replace(/\d+\.\d{3} s/, 'TIME')),
    [
      'ok        fine    TIME  all is well',
      'warning   poor    TIME  low',
      'critical  bad     TIME  exit status 2',
      'unknown   odd     TIME  starting /no/such/program: spawn /no/such/program ENOENT',
      'critical  slow    TIME  timed out after 0.1 seconds',
      ''
    ]
  )
  const piped = await run(['poor'])
  const { seconds, ...rest } = JSON.parse(piped.out) as Record<string, unknown>
  assert.equal(typeof seconds, 'number')
  const poor = { check: 'poor', type: 'command', state: 'warning', reason: 'exit', message: 'low', values: { x: 1 } }
  assert.deepEqual(rest, poor)
  const nagios = async (...names: string[]): Promise<string> =>
    (await run(names, { nagios: true })).out.replace(/=\d+\.\d{6}s/g, '=Ns')
  assert.equal(await nagios('fine'), "OK - fine: all is well | 'fine'=Ns;;;0\n")
  assert.match(await nagios('poor'), /^WARNING - poor: low \| 'poor'=Ns;;;0 x=1\n$/)
  assert.equal(
    await nagios('fine', 'poor', 'bad'),
    "CRITICAL - poor: low; bad: exit status 2 | 'fine'=Ns;;;0 'poor'=Ns;;;0 'bad'=Ns;;;0\n"
  )
})

test('a wrong configuration, or none, is unknown: nobody knows how things stand', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'wrong.yaml'), 'agnet: {}\n')
  for (const [file, said] of [
    ['wrong.yaml', /agnet: unknown section/],
    ['none.yaml', /none\.yaml: there is no such file/]
  ] as const) {
    for (const nagios of [false, true]) {
      const world = holdWorld()
      let status = -1
      const program = new Command()
      registerCheck(program, world, code => (status = code))
      const argv = ['check', '-c', join(dir, file), ...(nagios ? ['--nagios'] : [])]
      await program.parseAsync(argv, { from: 'user' })
      assert.equal(status, 3)
      assert.match(world.stdout + world.stderr, nagios ? /^UNKNOWN - /m : said)
    }
  }
})

test('wrong usage is unknown as well, and Nagios gets its line', async () => {
  for (const [argv, text] of [
    [['check', '--critcal'], "check: unknown option '--critcal'"],
    [['check', '--tap', '--junit'], 'check: --junit and --tap go one at a time'],
    [['check', 'silence', 'web'], "check silence: required option '--for <duration>' not specified"]
  ] as const) {
    const { status, stdout, stderr } = await cli(argv)
    assert.deepEqual([status, stdout], [3, ''], argv.join(' '))
    assert.ok(stderr.startsWith(`yarder ${text}`), stderr)
  }
  const nagios = await cli(['check', '--nagios', '--no-such'])
  assert.deepEqual([nagios.status, nagios.stdout], [3, "UNKNOWN - unknown option '--no-such'\n"])
  assert.equal((await cli(['validate', '--no-such'])).status, 2)
})

test('what only a running agent can look at is skipped, unless it is named', async () => {
  const { checked } = load(`checks:
  fine: { type: command, command: [echo, all is well] }
  backup: { type: heartbeat, within: 25h }
  errors: { type: log, critical: 5 }
`)
  const look = async (names: string[], options: CheckOptions, terminal = false) => {
    const world = holdWorld({ terminal })
    const make = (name: string) => context({ name, once: true })
    return { status: await check(world, checked.units.checks, names, make, options), out: world.stdout }
  }
  const table = await look([], {}, true)
  assert.equal(table.status, 0)
  assert.match(table.out, /^skipped {3}backup .* only a running agent has beats; see yarder status$/m)
  assert.match((await look([], { nagios: true })).out, /^OK - fine: all is well \|/)
  assert.match((await look([], { junit: true })).out, /errors="0" skipped="2" [^]*<skipped message="only a running/)
  assert.match(
    (await look([], { tap: true })).out,
    /^ok 2 - backup \(heartbeat\) # SKIP only a running agent has beats/m
  )
  const named = await look(['backup'], { nagios: true })
  assert.equal(named.status, 3)
  assert.match(named.out, /^UNKNOWN - backup: only a running agent has beats/)
})

test('a build server gets JUnit or TAP, and the same exit status', async () => {
  const { out, status } = await run(['fine', 'bad'], { junit: true })
  assert.match(out, /<testsuite name="yarder check" tests="2" failures="1" errors="0"/)
  assert.equal(status, 2)
  assert.match(
    (await run(['fine', 'bad'], { tap: true })).out,
    /^TAP version 14\n1\.\.2\nok 1 - fine .*\nnot ok 2 - bad /
  )
})

test('for Nagios what a plugin printed keeps its units and thresholds', async () => {
  const said = "OK - calm | load1=1.88;50;100;0 'a b'=3ms;@1:2;~:9"
  const text = `checks: { load: { type: command, command: [echo, ${JSON.stringify(said)}] } }`
  const { checked, problems } = load(text)
  assert.deepEqual(problems, [])
  const world = holdWorld()
  assert.equal(await check(world, checked.units.checks, [], name => context({ name }), { nagios: true }), 0)
  const [, data] = world.stdout.split(' | ')
  assert.match(data!, /^'load'=[\d.]+s;;;0 load1=1\.88;50;100;0 'a b'=3ms;@1:2;~:9\n$/)
})
