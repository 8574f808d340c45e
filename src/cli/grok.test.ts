import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { cli } from '../../test/lib/world.ts'

const PATTERN = '%{IP:client} %{WORD:verb} %{NUMBER:ms:float}'

test('a line that matches gives its captures and exit 0', async () => {
  assert.deepEqual(await cli(['grok', PATTERN, '55.3.244.1 GET 0.043']), {
    status: 0,
    stdout: '{"client":"55.3.244.1","verb":"GET","ms":0.043}\n',
    stderr: ''
  })
  const { stdout } = await cli(['grok', '%{IP:client}', '55.3.244.1'], { terminal: true })
  assert.equal(stdout, '{\n  "client": "55.3.244.1"\n}\n')
})

test('a line that does not match shows where it stops, with a caret, and exit 1', async () => {
  const { status, stdout, stderr } = await cli(['grok', PATTERN, '55.3.244.1 GET /x\t0.043'])
  assert.equal(status, 1)
  assert.equal(stdout, '')
  assert.equal(
    stderr,
    `no match
  matches so far: %{IP:client} %{WORD:verb}
  stops at:       %{NUMBER:ms:float}

  55.3.244.1 GET /x\\t0.043
                 ^
  captured so far: {"client":"55.3.244.1","verb":"GET"}
`
  )
})

test('a blank that is missing is shown in quotes, and no match at all says so', async () => {
  assert.match((await cli(['grok', PATTERN, '55.3.244.1'])).stderr, /^ {2}stops at: {7}" "$/m)
  assert.match((await cli(['grok', PATTERN, 'garbage'])).stderr, /no part of the pattern matches/)
})

test('a wrong pattern is told with its place and exit 2', async () => {
  assert.deepEqual(await cli(['grok', 'x %{IPP:client}', 'line']), {
    status: 2,
    stdout: '',
    stderr: 'yarder grok: pattern "IPP" is not defined; did you mean "IP"?\n  x %{IPP:client}\n    ^\n'
  })
  const { status, stderr } = await cli(['grok', 'x (', 'line'])
  assert.equal(status, 2)
  assert.match(stderr, /\n {2}x \(\n {4}\^\n$/)
})

test('a pattern alone is checked', async () => {
  const { status, stdout } = await cli(['grok', PATTERN])
  assert.equal(status, 0)
  assert.deepEqual(JSON.parse(stdout), { fields: ['client', 'verb', 'ms'], engine: 'javascript', reason: '' })
  const shown = await cli(['grok', PATTERN], { terminal: true })
  assert.equal(shown.stdout, 'valid; captures client, verb, ms; matched by javascript\n')
})

test('each line of a file is matched, misses are explained and counted', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const path = join(dir, 'a.log')
  writeFileSync(path, '1.2.3.4 GET 1\nnothing\n1.2.3.5 PUT 2\n')
  const { status, stdout, stderr } = await cli(['grok', PATTERN, '--file', path])
  assert.equal(status, 1)
  assert.deepEqual(
    stdout
      .trimEnd()
      .split('\n')
      .map(l => (JSON.parse(l) as { client: string }).client),
    ['1.2.3.4', '1.2.3.5']
  )
  assert.ok(stderr.startsWith(`${path}:2: no match\n`), stderr)
  assert.match(stderr, /^2 of 3 lines match$/m)
  writeFileSync(path, '1.2.3.4 GET 1\n')
  assert.equal((await cli(['grok', PATTERN, '--file', path])).status, 0)
  const gone = await cli(['grok', PATTERN, '--file', join(dir, 'gone')])
  assert.equal(gone.status, 1)
  assert.match(gone.stderr, /gone: ENOENT/)
})

test('patterns are listed, shown and read from files', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'mine'), 'ORDER [A-Z]{2}\\d+\n')
  assert.match((await cli(['grok', '--list', 'apache'])).stdout, /^COMBINEDAPACHELOG\nCOMMONAPACHELOG\n/)
  assert.ok((await cli(['grok', '--list'])).stdout.split('\n').length > 200)
  assert.deepEqual(await cli(['grok', '--list', 'nothing']), {
    status: 1,
    stdout: '',
    stderr: 'yarder grok: no pattern has "nothing" in its name\n'
  })
  assert.equal((await cli(['grok', '--show', 'ORDER', '--patterns-dir', dir])).stdout, '[A-Z]{2}\\d+\n')
  assert.equal((await cli(['grok', '%{ORDER:o}', 'AB12', '--patterns-dir', dir])).stdout, '{"o":"AB12"}\n')
  const unknown = await cli(['grok', '--show', 'IPORHOS'])
  assert.deepEqual([unknown.status, unknown.stdout], [2, ''])
  assert.match(unknown.stderr, /did you mean "IPORHOST"\?/)
  const gone = await cli(['grok', '--list', '--patterns-dir', join(dir, 'gone')])
  assert.equal(gone.status, 2)
  assert.match(gone.stderr, /^yarder grok: --patterns-dir cannot be read: ENOENT/)
})

test('the set of patterns follows the schema', async () => {
  const line = '1.2.3.4 - - [08/Nov/2019:14:43:30 -0800] "GET / HTTP/1.0" 200 14'
  const { stdout } = await cli(['grok', '%{COMMONAPACHELOG}', line, '--schema', 'ecs'])
  assert.equal((JSON.parse(stdout) as { source: { address: string } }).source.address, '1.2.3.4')
})

test('nothing to do, or two things, is wrong usage', async () => {
  for (const argv of [[], ['%{IP}', '--list'], ['--list', '--show', 'IP'], ['%{IP}', 'line', '--file', 'x']]) {
    const { status, stderr } = await cli(['grok', ...argv])
    assert.equal(status, 2, argv.join(' '))
    assert.match(stderr, /^yarder grok: /)
  }
})
