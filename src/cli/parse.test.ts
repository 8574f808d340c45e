import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdtempSync,
  openSync,
  closeSync,
  ftruncateSync,
  rmSync,
  writeFileSync,
  writeSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { cli, holdWorld } from '../../test/lib/world.ts'
import { runCli } from './cli.ts'

const ACCESS = `127.0.0.1 - swills [08/Nov/2019:20:43:30 -0800] "GET /assets/234 HTTP/1.0" 200 2326
342.3.2.33 - - [08/Nov/2019:14:43:30 -0800] "GET /index.html HTTP/1.0" 200 14
10.0.0.9 - - [08/Nov/2019:14:43:31 -0800] "POST /form HTTP/1.0" 302 -
127.0.0.1 - rj [13/Nov/2019:14:34:30 -0000] "GET /x HTTP/1.0" 503 7
garbage
`
const APACHE = ['--grok', '%{COMMONAPACHELOG}']

type Fields = Record<string, unknown>
const records = (ndjson: string): Fields[] =>
  ndjson
    .split('\n')
    .filter(l => l !== '')
    .map(l => JSON.parse(l) as Fields)

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return dir
}

function access(t: TestContext): string {
  const path = join(folder(t), 'access.log')
  writeFileSync(path, ACCESS)
  return path
}

test('the clients of all GET requests of one day are found without naming the format', async t => {
  const argv = ['parse', '--where', 'verb=GET', '--date', '2019-11-08', '--print', 'clientip', access(t)]
  assert.deepEqual(await cli(argv), { status: 0, stdout: '127.0.0.1\n342.3.2.33\n', stderr: '' })
})

test('a field that no record has is told, not only printed as nothing', async t => {
  const path = access(t)
  assert.deepEqual(await cli(['parse', '--print', 'clientpi', path]), {
    status: 0,
    stdout: '',
    stderr: 'yarder parse: no record has the field "clientpi"\n'
  })
  assert.equal((await cli(['parse', '--print', 'verb,clientpi', '--count', path])).stderr.split('\n').length, 2)
  // Nothing is said about records that there are none of.
  assert.deepEqual(await cli(['parse', '--where', 'verb=PUT', '--print', 'x', path]), {
    status: 1,
    stdout: '',
    stderr: ''
  })
})

test('every line becomes one record with its own time and place', async t => {
  const path = access(t)
  const { status, stdout } = await cli(['parse', ...APACHE, path])
  assert.equal(status, 0)
  const all = records(stdout)
  assert.equal(all.length, 5)
  assert.equal(all[0]!['@timestamp'], '2019-11-09T04:43:30.000Z')
  assert.equal(all[1]!['request'], '/index.html')
  assert.deepEqual(all[1]!['log'], { file: { path }, offset: ACCESS.indexOf('342.') })
  assert.deepEqual(all[4]!['tags'], ['_grokparsefailure'])
  assert.ok(!('host' in all[0]!), 'which host this is says nothing about the file')
})

test('conditions must all hold, and nothing that meets them is exit 1', async t => {
  const path = access(t)
  const some = await cli([
    'parse',
    ...APACHE,
    '--where',
    'verb=GET',
    '--where',
    'response>=500',
    '--print',
    'auth',
    path
  ])
  assert.deepEqual(some, { status: 0, stdout: 'rj\n', stderr: '' })
  const networks = await cli(['parse', '--where', 'clientip=10.0.0.0/8', '--print', 'verb', path])
  assert.equal(networks.stdout, 'POST\n')
  for (const argv of [
    ['--where', 'verb=PUT'],
    ['--first', 'verb=PUT'],
    ['--date', '2001-01-01']
  ]) {
    assert.deepEqual(await cli(['parse', ...argv, path]), { status: 1, stdout: '', stderr: '' })
  }
})

test('the first match ends the reading long before the end of the file', async t => {
  const path = join(folder(t), 'big.log')
  // A hole of a gigabyte behind the lines: reading it all would take far longer than a test may.
  const fd = openSync(path, 'w')
  writeSync(fd, ACCESS)
  ftruncateSync(fd, 2 ** 30)
  closeSync(fd)
  const { status, stdout } = await cli(['parse', '--first', 'request=/assets/234', path, join(path, 'not-opened')])
  assert.equal(status, 0)
  assert.deepEqual(
    records(stdout).map(r => r['auth']),
    ['swills']
  )
})

test('records are counted, and how many have each value', async t => {
  const path = access(t)
  assert.equal((await cli(['parse', '--count', path, path])).stdout, '10\n')
  const { stdout } = await cli(['parse', ...APACHE, '--count', '--print', 'clientip,verb', path])
  assert.equal(stdout, '2\t127.0.0.1\tGET\n1\t10.0.0.9\tPOST\n1\t342.3.2.33\tGET\n')
  const people = await cli(['parse', ...APACHE, '--count', '--print', 'verb', path], { terminal: true })
  assert.equal(people.stdout, '      3  GET\n      1  POST\n')
  assert.deepEqual(await cli(['parse', '--count', '--where', 'verb=PUT', path]), {
    status: 1,
    stdout: '0\n',
    stderr: ''
  })
})

test('people get a readable line, in colour only where it is welcome', async t => {
  const path = access(t)
  const { stdout } = await cli(['parse', ...APACHE, '--first', 'verb=POST', path], { terminal: true })
  assert.match(stdout, /^2019-11-08T22:43:31\.000Z .*POST .* clientip=10\.0\.0\.9 .*\n$/)
  assert.ok(!stdout.includes('\u001b'))
  const coloured = await cli(['parse', ...APACHE, '--first', 'verb=POST', path], { terminal: true, colour: true })
  assert.ok(coloured.stdout.includes('\u001b['))
})

test('what a line holds can not steer a terminal or break a printed line', async t => {
  const path = join(folder(t), 'a.log')
  writeFileSync(path, '{"a":"one\\ntwo\\u001b[31m","b":"x\\ty"}\n')
  assert.equal((await cli(['parse', '--json', '--print', 'a,b,c', path])).stdout, 'one\\ntwo\\x1b[31m\tx\\ty\t-\n')
  assert.ok(!(await cli(['parse', '--json', path], { terminal: true })).stdout.includes('\u001b'))
})

test('JSON lines and their times are understood', async t => {
  const path = join(folder(t), 'a.log')
  writeFileSync(path, '{"time":"2019-11-08T14:43:30-08:00","level":"warn"}\n{"time":0.25}\n')
  const [first, second] = records((await cli(['parse', '--json', path])).stdout)
  assert.equal(first!['@timestamp'], '2019-11-08T22:43:30.000Z')
  assert.equal(second!['tags'], undefined, 'a duration is no time')
})

test('a packed file is unpacked, and what can not be read is told while the rest is read', async t => {
  const dir = folder(t)
  const packed = join(dir, 'access.log.1.gz')
  writeFileSync(packed, Buffer.concat([gzipSync(ACCESS), gzipSync(ACCESS)]))
  assert.equal((await cli(['parse', '--count', packed])).stdout, '10\n')
  const broken = join(dir, 'broken.gz')
  writeFileSync(broken, gzipSync(ACCESS.repeat(100)).subarray(0, 60))
  const { status, stdout, stderr } = await cli(['parse', '--count', join(dir, 'gone'), dir, broken, packed])
  assert.equal(status, 1)
  assert.match(stdout, /^\d+\n$/)
  assert.ok(Number(stdout) >= 10)
  const lines = stderr.trimEnd().split('\n')
  assert.equal(lines[0], `yarder parse: ${join(dir, 'gone')}: ENOENT: no such file or directory`)
  assert.equal(lines[1], `yarder parse: ${dir}: EISDIR: illegal operation on a directory`)
  assert.match(lines[2]!, /broken\.gz: unexpected end of file/)
})

test('a pipeline of the configuration, or of an input in it, makes the records that would be shipped', async t => {
  const path = access(t)
  const config = join(folder(t), 'yarder.yaml')
  writeFileSync(
    config,
    `agent: { environment: TEST }
inputs:
  web: { type: stdin, pipeline: [{ grok: { match: '%{COMMONAPACHELOG}' } }, { drop: { when: { verb: POST } } }] }
  plain: { type: stdin }
pipelines:
  clients: [{ grok: { match: '%{IPORHOST:clientip}' } }]
`
  )
  const [first] = records((await cli(['parse', '-c', config, '--pipeline', 'clients', path])).stdout)
  assert.equal(first!['app_environment'], 'TEST')
  assert.equal(first!['clientip'], '127.0.0.1')
  assert.equal((await cli(['parse', '-c', config, '--pipeline', 'web', '--count', path])).stdout, '4\n')
  const unknown = await cli(['parse', '-c', config, '--pipeline', 'client', path])
  assert.equal(unknown.status, 2)
  assert.match(unknown.stderr, /there is no pipeline "client" in .*; did you mean "clients"\?/)
  assert.match(
    (await cli(['parse', '-c', config, '--pipeline', 'plain', path])).stderr,
    /the input "plain" has no pipeline/
  )
  writeFileSync(config, 'pipelines: { a: [{ grok: { match: "(" } }] }')
  const wrong = await cli(['parse', '-c', config, '--pipeline', 'a', path])
  assert.equal(wrong.status, 2)
  assert.match(wrong.stderr, /yarder\.yaml:1:\d+ pipelines\.a\[0\]\.grok\.match.* is not closed/)
})

test('names follow the schema, and further patterns are read', async t => {
  const path = access(t)
  const [first] = records((await cli(['parse', '--schema', 'ecs', ...APACHE, path])).stdout)
  assert.equal((first!['source'] as Fields)['address'], '127.0.0.1')
  const patterns = join(folder(t), 'patterns')
  writeFileSync(patterns, 'CLIENT %{IPORHOST:who}\n')
  const { stdout } = await cli(['parse', '--grok', '^%{CLIENT}', '--patterns-dir', patterns, '--print', 'who', path])
  assert.match(stdout, /^127\.0\.0\.1\n/)
})

test('wrong usage is told before anything is read', async () => {
  for (const [argv, expected] of [
    [['--grok', '%{IPP:x}'], 'yarder parse: pattern "IPP" is not defined; did you mean "IP"?'],
    [['--grok', '%{IP:x} ${y'], undefined],
    [['--where', 'verb'], /^yarder parse: the condition "verb" must be/],
    [['--date', 'yesterday'], 'yarder parse: the date must be written YYYY-MM-DD, got "yesterday"'],
    [
      ['--timezone', 'Mars/Base'],
      'yarder parse: --timezone must be an IANA zone such as Europe/Berlin, got "Mars/Base"'
    ],
    [['--print', 'a..b'], 'yarder parse: "a..b" is no name of a field'],
    [['-c', 'x.yaml'], 'yarder parse: -c goes with --pipeline NAME: which of its pipelines?'],
    [['--patterns-dir', 'x'], 'yarder parse: --patterns-dir goes with --grok'],
    [['--follow', '-'], 'yarder parse: --follow can not read standard input beside files']
  ] as const) {
    const { status, stdout, stderr } = await cli(['parse', ...argv, '/nonexistent'])
    if (expected === undefined) {
      assert.match(stderr, /^yarder parse: \/nonexistent: ENOENT/, 'a "${" in a pattern is no variable')
      continue
    }
    assert.equal(status, 2, argv.join(' '))
    assert.equal(stdout, '')
    if (typeof expected === 'string') assert.equal(stderr, `${expected}\n`)
    else assert.match(stderr, expected)
  }
})

test('a condition that does not come to an end on a line is told, and the rest is read', async t => {
  const path = join(folder(t), 'a.log')
  writeFileSync(path, `${'a'.repeat(40)}!\nshort\n`)
  const { stderr } = await cli(['parse', '--where', 'message~^(a+)+$', '--where', 'message~short', '--count', path])
  assert.match(stderr, /did not finish on a line in time/)
})

test('with --follow what is appended is printed until it is interrupted', { timeout: 30_000 }, async t => {
  const path = access(t)
  const waiting: { text: string; resolve: () => void }[] = []
  const world = holdWorld({
    onOut: () => {
      for (const w of waiting) if (world.stdout.includes(w.text)) w.resolve()
    }
  })
  const printed = (text: string): Promise<void> =>
    new Promise(resolve => {
      waiting.push({ text, resolve })
      if (world.stdout.includes(text)) resolve()
    })
  const ended = runCli(['parse', '--follow', ...APACHE, '--print', 'request', path], world)
  await printed('/x\n')
  appendFileSync(path, '10.0.0.9 - - [08/Nov/2019:14:43:31 -0800] "GET /later HTTP/1.0" 200 1\n')
  await printed('/later\n')
  assert.ok(world.send('SIGINT'))
  assert.equal(await ended, 0)
  assert.equal(world.stdout, '/assets/234\n/index.html\n/form\n/x\n/later\n')
  assert.ok(!world.send('SIGINT'), 'nobody listens any more')
})
