import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { makeCa } from '../../test/lib/test-ca.ts'
import { cli } from '../../test/lib/world.ts'

function folder(t: TestContext, files: Record<string, string>): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
  return dir
}

const GOOD = `
agent: { environment: TEST }
inputs:
  one: { type: stdin, pipeline: times }
  two: { type: stdin, pipeline: [{ date: { formats: ISO8601 } }] }
pipelines:
  times:
    - date: { formats: [ISO8601] }
outputs: { screen: { type: stdout } }
`

test('a right configuration is one line and exit 0', async t => {
  const path = join(folder(t, { 'yarder.yaml': GOOD }), 'yarder.yaml')
  assert.deepEqual(await cli(['validate', '-c', path]), {
    status: 0,
    stdout: `${path}: valid; 2 inputs, 1 output, 1 pipeline\n`,
    stderr: ''
  })
  assert.equal((await cli(['validate'], { env: { YARDER_CONFIG: path } })).status, 0)
})

test('what can hardly be meant is a warning, and the exit status is 0', async t => {
  const text = `inputs:
  one: { type: file, paths: [logs, 'logs/*.log', '~/app.log', gone], pipeline: used }
pipelines:
  used: [json]
  idle: [json]
`
  const dir = folder(t, { 'yarder.yaml': text, 'logs/a.log': '' })
  const path = join(dir, 'yarder.yaml')
  assert.deepEqual(await cli(['validate', '-c', path]), {
    status: 0,
    stdout: `${path}: valid; 1 input, 2 pipelines\n`,
    stderr: `\
warning: ${path}:2:30 inputs.one.paths[0]: is a folder; to follow the files in it write logs/*.log
warning: ${path}:2:50 inputs.one.paths[2]: "~" stands for no home folder here; write the whole path
warning: ${path}:5:3 pipelines.idle: is used by no input; its "pipeline" names it
warning: ${path}: has no output: records would be printed on standard output
`
  })
})

test('where every input ships nothing, an output is not missed', async t => {
  const text = `inputs: { one: { type: file, paths: ['/nowhere/*.log'], outputs: [] } }
metrics: { n_total: { type: counter, help: Lines. } }
`
  const path = join(folder(t, { 'yarder.yaml': text }), 'yarder.yaml')
  const stdout = `${path}: valid; 1 input, 1 metric\n`
  assert.deepEqual(await cli(['validate', path]), { status: 0, stdout, stderr: '' })
})

test('drop-ins are counted, and an empty configuration is valid', async t => {
  const path = join(folder(t, { 'yarder.yaml': '', 'conf.d/a.yaml': 'inputs: { x: { type: stdin } }' }), 'yarder.yaml')
  assert.equal((await cli(['validate', '-c', path])).stdout, `${path}: valid; 1 input; 1 drop-in read\n`)
  const empty = join(folder(t, { 'yarder.yaml': '' }), 'yarder.yaml')
  assert.deepEqual(await cli(['validate', '-c', empty]), {
    status: 0,
    stdout: `${empty}: valid; nothing in it\n`,
    stderr: `warning: ${empty}: has no input, no check and no host_metrics: the agent would have nothing to do\n`
  })
})

test('every problem is told with its place, what only building finds too, and exit is 2', async t => {
  const text = `inputs:
  one: { type: stdni }
pipelines:
  times:
    - date: { formats: [ISO8601], timezone: Europe/Berlin, formatz: x }
    - dat: {}
agent: { timezone: Mars/Base }
`
  const path = join(folder(t, { 'yarder.yaml': text }), 'yarder.yaml')
  const { status, stdout, stderr } = await cli(['validate', '-c', path])
  assert.equal(status, 2)
  assert.equal(stdout, '')
  const lines = stderr.trimEnd().split('\n')
  for (const line of lines) assert.ok(line.startsWith(`${path}:`), line)
  assert.match(lines[0]!, /:2:16 inputs\.one\.type: unknown type "stdni"; did you mean "stdin"\?$/)
  assert.match(stderr, /:5:\d+ pipelines\.times\[0\]\.date\.formatz: unknown option; did you mean "formats"\?$/m)
  assert.match(stderr, /:6:\d+ pipelines\.times\[1\]: unknown step "dat"; did you mean "date"\?$/m)
})

test('what only building finds wrong is told with its place', async t => {
  const text = 'metrics:\n  lines: { type: counter, help: Lines. }\n'
  const path = join(folder(t, { 'yarder.yaml': text }), 'yarder.yaml')
  const { status, stderr } = await cli(['validate', '-c', path])
  assert.equal(status, 2)
  assert.match(stderr, /yarder\.yaml:2:\d+ metrics\.lines: must end in _total/)
})

test('warnings are told and do no harm', async t => {
  const path = join(folder(t, { 'yarder.yaml': 'agent: { tags: [yes] }\n' }), 'yarder.yaml')
  const { status, stderr } = await cli(['validate', '-c', path])
  assert.equal(status, 0)
  assert.match(stderr, /^warning: .*yarder\.yaml:1:\d+ agent\.tags\[0\]: yes is a text here/)
})

test('a file that is not there is told with the reason', async () => {
  const { status, stderr } = await cli(['validate', '-c', '/nonexistent/y.yaml'])
  assert.equal(status, 2)
  assert.match(stderr, /^\/nonexistent\/y\.yaml: there is no such file/)
})

test('config prints what is in effect, defaults included, without secrets', async t => {
  const dir = folder(t, { 'yarder.yaml': `${GOOD}admin: { listen: '127.0.0.1:\${PORT}' }\n`, 'conf.d/b.yaml': '' })
  const path = join(dir, 'yarder.yaml')
  const { status, stdout } = await cli(['config', '-c', path], { env: { PORT: '9999' } })
  assert.equal(status, 0)
  assert.match(stdout, /^agent:\n {2}environment: TEST$/m)
  assert.match(stdout, /listen: 127\.0\.0\.1:9999/)
  assert.match(stdout, /shutdown_timeout: 10s/)
  const again = join(folder(t, { 'yarder.yaml': stdout }), 'yarder.yaml')
  assert.equal((await cli(['config', '-c', again])).stdout, stdout, 'what is shown can be read again')
})

test('config path says where it looked and which files are read', async t => {
  const dir = folder(t, { 'yarder.yaml': '', 'conf.d/b.yaml': '', 'conf.d/a.yaml': '', 'conf.d/not-this.txt': '' })
  const path = join(dir, 'yarder.yaml')
  assert.deepEqual(await cli(['config', 'path', '-c', path]), {
    status: 0,
    stdout: `${path}\n${dir}/conf.d/a.yaml\n${dir}/conf.d/b.yaml\n`,
    stderr: `-c: ${path}: taken\n`
  })
  const fromEnv = await cli(['config', 'path'], { env: { YARDER_CONFIG: path } })
  assert.equal(fromEnv.stderr, `$YARDER_CONFIG: ${path}: taken\n`)
  const { stderr } = await cli(['config', 'path'])
  assert.match(stderr, /^\$YARDER_CONFIG: not set\ndefault: \/etc\/yarder\/yarder\.yaml: (absent|taken)\n$/)
})

test('config of a wrong configuration tells the problems and exits 2', async t => {
  const path = join(folder(t, { 'yarder.yaml': 'Outputs: {}' }), 'yarder.yaml')
  const { status, stdout, stderr } = await cli(['config', '-c', path])
  assert.equal(status, 2)
  assert.equal(stdout, '')
  assert.match(stderr, /did you mean "outputs"\?/)
})

test('an output into a file that an input reads is told; validate and run both refuse it', async t => {
  const text =
    "inputs: { app: { type: file, paths: ['log/*'] } }\noutputs:\n  copy: { type: file, path: log/out.ndjson }\n"
  const path = join(folder(t, { 'yarder.yaml': text }), 'yarder.yaml')
  for (const command of ['validate', 'run']) {
    const { status, stdout, stderr } = await cli([command, '-c', path])
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, /yarder\.yaml:3:\d+ outputs\.copy\.path: the input "app" reads .*\/log\/out\.ndjson and/)
  }
})

test('a pattern that is not known is told beside every other fault, and nothing that follows from one', async t => {
  const text = `inputs:
  web: { type: file, paths: [/var/log/web.log], pipelin: web }
pipelines:
  web:
    - grok: { match: '%{COMBINEDAPACHLOG}' }
    - jsn
outputs:
  es: { hosts: ['http://es1:9200', 'es2::9200'], max_indices: 5 }
checks:
  traffic: { type: log, input: web, critical: '1:' }
`
  const path = join(folder(t, { 'yarder.yaml': text }), 'yarder.yaml')
  const { status, stdout, stderr } = await cli(['validate', path])
  assert.deepEqual([status, stdout], [2, ''])
  assert.deepEqual(stderr.replaceAll(`${path}:`, '').trimEnd().split('\n'), [
    '2:49 inputs.web.pipelin: unknown option; did you mean "pipeline"?',
    '5:22 pipelines.web[0].grok.match: pattern "COMBINEDAPACHLOG" is not defined; did you mean "COMBINEDAPACHELOG"?',
    '6:7 pipelines.web[1]: unknown step "jsn"; did you mean "json"?',
    '8:3 outputs.es.type: is required; did you mean "elasticsearch"?',
    '8:36 outputs.es.hosts[1]: "es2::9200" is no http or https address'
  ])
})

test('a program that is not there, or can not be run, is a warning', async t => {
  const text = `inputs: { x: { type: stdin } }
outputs: { screen: { type: stdout } }
notify:
  pager: { type: exec, command: [/nonexistent/page, --now] }
  shell: { type: exec, command: [sh, -c, 'exit 0'] }
checks:
  plugin: { type: command, command: [no-such-plugin], every: 1m, notify: [pager] }
  plain: { type: command, command: [./plain.txt], cwd: ., every: 1m }
  folder: { type: command, command: [/], every: 1m }
  unknown: { type: command, command: [./from/wherever], every: 1m }
  good: { type: command, command: [./good.sh], cwd: ., every: 1m, remedy: { command: [/nonexistent/mend] } }
  own: { type: command, command: [sh], env: { PATH: /nonexistent }, every: 1m }
`
  const dir = folder(t, { 'yarder.yaml': text, 'plain.txt': '', 'good.sh': '#!/bin/sh\n' })
  chmodSync(join(dir, 'good.sh'), 0o755)
  chmodSync(join(dir, 'plain.txt'), 0o644)
  const { status, stderr } = await cli(['validate', join(dir, 'yarder.yaml')])
  assert.equal(status, 0)
  const told = stderr.replaceAll(`${dir}/`, '').trimEnd().split('\n')
  assert.deepEqual(
    told.map(line => line.replace(/^warning: yarder.yaml:\d+:\d+ /, '')),
    [
      'notify.pager.command[0]: there is no program /nonexistent/page',
      'checks.plugin.command[0]: there is no program "no-such-plugin" in $PATH',
      'checks.plain.command[0]: plain.txt is not executable',
      'checks.folder.command[0]: is a folder, not a program',
      'checks.good.remedy.command[0]: there is no program /nonexistent/mend',
      'checks.own.command[0]: there is no program "sh" in /nonexistent'
    ]
  )
  assert.match(told[0] ?? '', /yarder\.yaml:4:34 /)
})

test('a key of another certificate is a warning, for the listener and for every unit', async t => {
  const ca = makeCa(t)
  const one = ca.issue('localhost', 'one')
  const two = ca.issue('localhost', 'two')
  const pair = (cert: string, key: string): string => `{ cert_file: '${cert}', key_file: '${key}' }`
  const text = `admin: { tls_server_config: ${pair(one.certFile, two.keyFile)} }
inputs: { x: { type: stdin } }
outputs:
  good: { type: logstash, hosts: [localhost], tls: ${pair(one.certFile, one.keyFile)} }
  other: { type: logstash, hosts: [localhost], tls: ${pair(two.certFile, one.keyFile)} }
  swapped: { type: logstash, hosts: [localhost], tls: ${pair(two.keyFile, two.certFile)} }
  nokey: { type: logstash, hosts: [localhost], tls: ${pair(two.certFile, ca.caFile)} }
  gone: { type: logstash, hosts: [localhost], tls: ${pair(two.certFile, '/nonexistent/key.pem')} }
`
  const path = join(folder(t, { 'yarder.yaml': text }), 'yarder.yaml')
  const { status, stderr } = await cli(['validate', path])
  assert.equal(status, 0)
  const told = stderr.replaceAll(`${ca.folder}/`, '').trimEnd().split('\n')
  assert.deepEqual(
    told.map(line => line.replace(/^warning: .*yarder.yaml:\d+:\d+ /, '')),
    [
      'admin.tls_server_config.key_file: is not the key of one.pem',
      'outputs.other.tls.key_file: is not the key of two.pem',
      'outputs.swapped.tls.cert_file: two.key holds no certificate in PEM',
      'outputs.nokey.tls.key_file: ca.pem holds no key in PEM without a passphrase',
      'outputs.gone.tls.key_file: there is no file /nonexistent/key.pem'
    ]
  )
})
