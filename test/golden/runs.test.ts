// Each folder of runs/ is a configuration, what is read under it, and what must come out: `yarder.yaml`, `input.*` →
// `expected.ndjson`, byte for byte. The real program runs it, with --once. UPDATE_GOLDEN=1 writes what came out; the
// diff is then for a person to read.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { text } from 'node:stream/consumers'
import { isDeepStrictEqual } from 'node:util'
import { identityFields } from '../../src/agent/identity.ts'
import { version } from '../../src/cli/command.ts'

const root = join(import.meta.dirname, '../..')
const runs = join(import.meta.dirname, 'runs')
const cases = readdirSync(runs, { withFileTypes: true }).filter(d => d.isDirectory())

const host = identityFields({
  environment: '',
  region: undefined,
  fields: {},
  tags: [],
  schema: 'logstash',
  version: '',
  agentId: ''
})['host'] as Record<string, unknown>

/** Without the values that this host does not have. */
const known = JSON.parse(JSON.stringify(host)) as Record<string, unknown>

interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a copy of the case, since a run keeps its positions beside its configuration. */
async function run(t: TestContext, name: string): Promise<Outcome> {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  cpSync(join(runs, name), dir, { recursive: true })
  mkdirSync(join(dir, 'conf.d'), { recursive: true })
  writeFileSync(join(dir, 'conf.d/00-test.yaml'), 'admin: { enabled: false }\n')
  const input = readdirSync(dir).find(file => file.startsWith('input.'))
  assert.ok(input !== undefined, 'there is something to read')
  const stdin = openSync(join(dir, input), 'r')
  const child = spawn(join(root, 'bin/yarder'), ['run', '--once', '-c', join(dir, 'yarder.yaml')], {
    stdio: [stdin, 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      STATE_DIRECTORY: join(dir, 'state'),
      TZ: 'UTC',
      NODE_OPTIONS: `--import=${join(runs, 'still-clock.ts')}`
    }
  })
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')])
  closeSync(stdin)
  return { status: child.exitCode, stdout: normalise(stdout, dir), stderr }
}

/**
 * What differs from host to host and from run to run, and nothing else: the folder of the run; the values that this host
 * has in `host`, as one word when all of them are there (not every host has every one), else each by its name; the
 * agent's version and ids.
 */
function normalise(output: string, dir: string): string {
  const shown = (json: string): string => {
    const value = JSON.parse(json) as Record<string, unknown>
    const more = Object.entries(value).filter(([key]) => !Object.hasOwn(host, key))
    if (isDeepStrictEqual(Object.fromEntries(Object.entries(value).slice(0, -more.length || undefined)), known))
      return JSON.stringify(Object.fromEntries([['<host>', true], ...more]))
    return JSON.stringify(value, (key, v: unknown) => (key !== '' && v === host[key] ? `<${key}>` : v))
  }
  return output
    .replaceAll(`${dir}/`, '<dir>/')
    .replaceAll(`"host":${JSON.stringify(host)}`, '"host":"<host>"')
    .replaceAll(/"host":(\{(?:[^{}]|\{[^{}]*\})*\})/g, (_, json: string) => `"host":${shown(json)}`)
    .replaceAll(
      /("agent":\{"type":"yarder","name":)"[^"]*","version":"([^"]*)","id":"[-0-9a-f]{36}","ephemeral_id":"[0-9a-f]{16}"/g,
      (_, start: string, told: string) => {
        assert.equal(told, version())
        return `${start}"<name>","version":"<version>","id":"<id>","ephemeral_id":"<id>"`
      }
    )
}

assert.ok(cases.length > 0, 'no case was found')

for (const { name } of cases) {
  test(`${name} comes out as expected.ndjson has it`, async t => {
    const { status, stdout, stderr } = await run(t, name)
    assert.equal(status, 0, stderr)
    assert.doesNotMatch(stderr, /\[(?:WARN|ERROR)/)
    const expected = join(runs, name, 'expected.ndjson')
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(expected, stdout)
    assert.equal(stdout, readFileSync(expected, 'utf8'))
  })
}

// What a rewritten golden file must not lose.

const expected = (name: string): Record<string, unknown>[] =>
  readFileSync(join(runs, name, 'expected.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)

test("the book's nginx line has the fields that the book prints, and the shape of its document", () => {
  const {
    '@timestamp': time,
    '@version': v,
    app_environment,
    ecs,
    host,
    input,
    log,
    message,
    ...parsed
  } = expected('book-combined')[0]!
  assert.deepEqual(parsed, {
    clientip: '192.168.111.1',
    ident: '-',
    auth: '-',
    timestamp: '03/Aug/2019:07:28:41 +0000',
    verb: 'GET',
    request: '/',
    httpversion: '1.1',
    response: '200',
    bytes: '3700',
    referrer: '"-"',
    agent: '"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:68.0) Gecko/20100101 Firefox/68.0"'
  })
  assert.deepEqual([v, input, app_environment, host], ['1', { type: 'log' }, 'DEVEL', '<host>'])
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.deepEqual(Object.keys(ecs as object), ['version'])
  assert.deepEqual(log, { file: { path: '<dir>/input.log' }, offset: 0 })
  assert.match(String(message), /^192\.168\.111\.1 /)
})

test('every line that the book prints is recognised and ships', () => {
  const records = expected('book-log')
  assert.equal(records.length, 44)
  for (const record of records) {
    assert.equal(typeof record['format'], 'string', JSON.stringify(record))
    assert.doesNotMatch(JSON.stringify(record['tags'] ?? []), /failure/)
  }
})

test('no digit of the passcode is left in any field', () => {
  const [line] = expected('redact')
  assert.equal(line!['message'], 'The passcode you entered was #####')
  assert.doesNotMatch(readFileSync(join(runs, 'redact/expected.ndjson'), 'utf8'), /09876/)
  assert.match(readFileSync(join(runs, 'redact/input.log'), 'utf8'), /09876/)
})
