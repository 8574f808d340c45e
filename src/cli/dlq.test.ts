import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { cli } from '../../test/lib/world.ts'
import { lock } from '../core/lock.ts'
import { parseTime } from './dlq.ts'

const REASON = 'document_parsing_exception: failed to parse field [size] of type [long] in document'

function letter(n: number, more: object = {}): string {
  return `${JSON.stringify({
    at: `2026-11-22T12:00:0${n}.000Z`,
    output: 'elastic',
    reason: REASON,
    status: 400,
    target: 'app',
    id: `f-${n}`,
    input: 'app',
    path: `/var/log/app${n}.log`,
    offset: n,
    time: '2026-11-22T12:00:00.000Z',
    ...more,
    document: { n, message: `line \u001b[31m${n}` }
  })}\n`
}

/** A data directory with letters 0 to 3 of `elastic` and one of `other`. */
function folder(t: TestContext): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  mkdirSync(join(dataDir, 'dead-letters'))
  const path = join(dataDir, 'dead-letters', 'elastic.ndjson')
  writeFileSync(`${path}.1`, letter(0) + letter(1))
  writeFileSync(path, letter(2, { reason: 'Limit of total fields [1000] has been exceeded' }) + letter(3))
  writeFileSync(join(dataDir, 'dead-letters', 'other.ndjson'), letter(9, { output: 'other' }))
  return dataDir
}

const idsIn = (text: string): string[] => [...text.matchAll(/"id":"([^"]+)"/g)].map(m => m[1]!)

test('ls prints a JSON line for each letter, with the field and the raw line', async t => {
  const { status, stdout } = await cli(['dlq', 'ls', '--data-dir', folder(t)])
  assert.equal(status, 0)
  assert.deepEqual(idsIn(stdout), ['f-0', 'f-1', 'f-2', 'f-3', 'f-9'])
  assert.deepEqual(JSON.parse(stdout.split('\n')[1]!), {
    at: '2026-11-22T12:00:01.000Z',
    output: 'elastic',
    target: 'app',
    id: 'f-1',
    status: 400,
    reason: REASON,
    field: 'size',
    input: 'app',
    path: '/var/log/app1.log',
    offset: 1,
    time: '2026-11-22T12:00:00.000Z',
    raw: 'line \u001b[31m1',
    document: { n: 1, message: 'line \u001b[31m1' }
  })
})

test('on a terminal ls is a table and show a page, and no letter steers the terminal', async t => {
  const dataDir = folder(t)
  const table = await cli(['dlq', 'ls', '--data-dir', dataDir], { terminal: true })
  const [head, first] = table.stdout.split('\n')
  assert.match(head!, /^REFUSED +OUTPUT +STATUS +ID +TARGET +FIELD +REASON$/)
  assert.match(first!, /^2026-11-22T12:00:00Z +elastic +400 +f-0 +app +size +document_parsing/)
  assert.match(table.stderr, /^5 dead letters, 1\.\d KiB; after a fix: yarder dlq replay\n$/)
  const page = await cli(['dlq', 'show', 'f-1', '--data-dir', dataDir], { terminal: true })
  assert.match(page.stdout, /^field +size$/m)
  assert.match(page.stdout, /^from +\/var\/log\/app1\.log at byte 1 \(input app\)$/m)
  assert.ok(!page.stdout.includes('\u001b'))
})

test('letters are selected by id, output, file, input, reason, time and number', async t => {
  const dataDir = folder(t)
  const ls = async (...args: string[]): Promise<string[]> =>
    idsIn((await cli(['dlq', 'ls', ...args, '--data-dir', dataDir])).stdout)
  assert.deepEqual(await ls('f-3', 'f-0'), ['f-0', 'f-3'])
  assert.deepEqual(await ls('--output', 'other'), ['f-9'])
  assert.deepEqual(await ls('--file', '/var/log/app1.log'), ['f-1'])
  assert.deepEqual(await ls('--file', '/var/*/app?.log'), [])
  assert.deepEqual(await ls('--input', 'nginx'), [])
  assert.deepEqual(await ls('--reason', 'total fields'), ['f-2'])
  assert.deepEqual(await ls('--since', '2026-11-22T12:00:01Z', '--until', '2026-11-22T12:00:03Z'), ['f-1', 'f-2'])
  assert.deepEqual(await ls('--limit', '2'), ['f-0', 'f-1'])
})

test('drop removes what is selected and says how many, but nothing when nothing was named', async t => {
  const dataDir = folder(t)
  const nothing = await cli(['dlq', 'drop', '--data-dir', dataDir])
  assert.deepEqual([nothing.status, nothing.stdout], [2, ''])
  const some = await cli(['dlq', 'drop', 'f-1', 'f-2', '--output', 'elastic', '--data-dir', dataDir], {
    terminal: true
  })
  assert.deepEqual([some.status, some.stdout], [0, 'elastic: 2 dead letters dropped\n'])
  assert.deepEqual(idsIn((await cli(['dlq', 'ls', '--data-dir', dataDir])).stdout), ['f-0', 'f-3', 'f-9'])
  const unknown = await cli(['dlq', 'drop', 'f-7', '--data-dir', dataDir])
  assert.deepEqual([unknown.status, unknown.stderr], [1, 'yarder dlq drop: no dead letter fits\n'])
  const all = await cli(['dlq', 'drop', '--all', '--data-dir', dataDir])
  assert.equal(all.status, 0)
  assert.deepEqual(readdirSync(join(dataDir, 'dead-letters')), [])
})

test('a damaged line is told by ls and put aside by drop', async t => {
  const dataDir = folder(t)
  const path = join(dataDir, 'dead-letters', 'other.ndjson')
  appendFileSync(path, 'no letter at all\n')
  const listed = await cli(['dlq', 'ls', '--output', 'other', '--data-dir', dataDir])
  assert.deepEqual(idsIn(listed.stdout), ['f-9'])
  assert.match(listed.stderr, /other has 1 damaged lines; replay and drop put them aside/)
  const dropped = await cli(['dlq', 'drop', '--output', 'other', '--data-dir', dataDir])
  assert.equal(dropped.status, 0)
  assert.match(dropped.stderr, /1 damaged lines were put into .*other\.unreadable/)
  assert.equal(existsSync(path), false)
})

test('wrong usage says what would be right', async t => {
  const dataDir = folder(t)
  for (const [args, message] of [
    [
      ['ls', '--since', 'yesterday'],
      '--since must be a time such as 2h, 2026-11-22 or 2026-11-22T10:00Z, got "yesterday"'
    ],
    [['ls', '--limit', '0'], '--limit must be a whole number from 1 on, got "0"'],
    [['ls', '--output', 'elastik'], 'the output "elastik" has no dead letters; did you mean "elastic"?'],
    [['drop', '--all', '--since', '1h'], '--all goes with nothing else']
  ] as const) {
    const { status, stderr } = await cli(['dlq', ...args, '--data-dir', dataDir])
    assert.equal(status, 2)
    assert.ok(stderr.includes(message), stderr)
  }
  assert.equal((await cli(['dlq'])).status, 2)
  assert.equal((await cli(['dlq', 'resend'])).status, 2)
})

test('without an agent a replay says what to do, and nothing is changed while another process has the directory', async t => {
  const dataDir = folder(t)
  const replay = await cli(['dlq', 'replay', '--data-dir', dataDir])
  assert.equal(replay.status, 1)
  assert.match(replay.stderr, /no agent runs with .*; start it, or give its configuration with -c/)
  const config = join(dataDir, 'yarder.yaml')
  writeFileSync(config, `agent: {data_dir: ${dataDir}}\noutputs: {elastic: {type: file, path: out.ndjson}}\n`)
  const strange = await cli(['dlq', 'replay', '--output', 'other', '-c', config])
  assert.equal(strange.status, 2)
  assert.match(strange.stderr, /there is no output "other" in the configuration to replay to; known are elastic/)
  const held = lock(dataDir)
  const locked = await cli(['dlq', 'replay', '--output', 'elastic', '-c', config])
  held.release()
  assert.deepEqual([locked.status, /holds it/.test(locked.stderr)], [1, true])
  const whole = await cli(['dlq', 'replay', '-c', config], { terminal: true })
  assert.match(whole.stderr, /other: not an output of the configuration; its letters are left alone/)
  assert.deepEqual([whole.status, whole.stdout], [0, 'elastic: 4 of 4 dead letters delivered\n'])
})

test('a data directory without letters is no error', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  writeFileSync(join(dataDir, 'state.db'), '')
  const { status, stdout, stderr } = await cli(['dlq', 'ls', '--data-dir', dataDir])
  assert.deepEqual([status, stdout], [0, ''])
  assert.match(stderr, /there are no dead letters in /)
})

test('a folder that is not there, or in which no agent has run, is wrong usage and not good news', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const right = 'name the data_dir of the agent with --data-dir, or its configuration with -c'
  const none = join(dir, 'none')
  for (const act of ['ls', 'show', 'replay'])
    assert.deepEqual(await cli(['dlq', act, '--data-dir', none]), {
      status: 2,
      stdout: '',
      stderr: `yarder dlq ${act}: there is no ${none}; ${right}\n`
    })
  // The same when nobody names it.
  assert.equal((await cli(['dlq', 'ls'], { env: { STATE_DIRECTORY: none } })).status, 2)
  assert.deepEqual(await cli(['dlq', 'ls', '--data-dir', dir]), {
    status: 2,
    stdout: '',
    stderr: `yarder dlq ls: no agent has run with ${dir}; ${right}\n`
  })
})

test('times are ago, a day, or a moment; without a zone the local one counts', () => {
  const now = Date.parse('2026-11-22T12:00:00Z')
  assert.equal(parseTime('--since', '2h', now), now - 7_200_000)
  assert.equal(parseTime('--since', '2026-11-22T10:00Z', now), Date.parse('2026-11-22T10:00:00Z'))
  assert.equal(parseTime('--since', '2026-11-22 10:00:00+02:00', now), Date.parse('2026-11-22T08:00:00Z'))
  assert.equal(parseTime('--since', '2026-11-22', now), new Date(2026, 10, 22).getTime())
  for (const wrong of ['', '7', '2026-13-01', 'noon'])
    assert.throws(() => parseTime('--since', wrong, now), { code: 'USAGE' })
})
