import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { cli } from '../../test/lib/world.ts'

interface Document {
  readonly '@timestamp': string
  readonly message: string
  readonly response?: number
  readonly level?: string
  readonly tags?: string[]
  readonly log?: { readonly file?: { readonly path?: string } }
  readonly docker?: { readonly stream: string }
}

/** A root file system of these files. */
function root(t: TestContext, files: Record<string, string>): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-init-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(dir, dirname(path)), { recursive: true })
    writeFileSync(join(dir, path), text)
  }
  return dir
}

/** /proc/net/tcp with sockets that listen on these ports, and one that is connected to port 9200. */
const tcp = (...ports: number[]): string =>
  [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    ...ports.map(
      (port, i) =>
        `   ${i}: 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A 0:0 0:0 0 0 0 1`
    ),
    '   9: 0100007F:23F0 0100007F:A001 01 0:0 0:0 0 0 0 1',
    ''
  ].join('\n')
const running = (unit: string): string => `0::/system.slice/${unit}\n`

/** What `yarder init` writes for it, after `yarder validate` found it right, built and all. */
async function written(dir: string): Promise<{ text: string; told: string }> {
  const file = join(dir, 'yarder.yaml')
  const made = await cli(['init', '--root', dir, '-o', file])
  assert.equal(made.status, 0, made.stderr)
  const { status, stderr } = await cli(['validate', '-c', file])
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  return { text: readFileSync(file, 'utf8'), told: made.stderr }
}

const NGINX =
  '192.0.2.7 - - [22/Nov/2026:10:00:00 +0000] "GET /a?token=abc HTTP/1.1" 502 1234 "-" "curl/8"\n192.0.2.7 - - [22/Nov/2026:10:00:01 +0000] "GET /b HTTP/1.1" 200 10 "-" "curl/8"\n'
const AUTH = 'Nov 22 10:00:00 web sshd[77]: Failed password for root from 192.0.2.9 port 4242 ssh2\n'
const POSTGRES =
  '2026-11-22 10:00:00.123 UTC [812] app@shop ERROR:  relation "x" does not exist at character 15\n\tmore of it\n2026-11-22 10:00:01.123 UTC [812] LOG:  checkpoint starting\n'
const DOCKER = `${JSON.stringify({ log: '2026-11-22 10:00:00,123 ERROR it broke\n', stream: 'stderr', time: '2026-11-22T10:00:00.223456789Z' })}\n`

test('a web server beside Elasticsearch: its logs, numbers and checks, and an output that fits', async t => {
  const dir = root(t, {
    'var/log/nginx/access.log': NGINX,
    'var/log/nginx/error.log': '',
    'proc/41/cgroup': running('nginx.service'),
    'proc/42/cgroup': '0::/user.slice/user-0.slice/session-1.scope\n',
    'proc/net/tcp': tcp(80, 9200),
    'etc/elasticsearch/certs/http_ca.crt': ''
  })
  const { text, told } = await written(dir)
  assert.match(text, /nginx_access:\n {4}type: file\n {4}paths: \['\/var\/log\/nginx\/\*access\*\.log'\]/)
  assert.match(text, /^ {2}nginx: \{ type: systemd_unit, unit: nginx \}$/m)
  assert.match(text, /^ {2}nginx_port_80: /m)
  assert.doesNotMatch(text, /port_443|apache|postgresql|docker/)
  assert.match(text, /hosts: \['https:\/\/localhost:9200'\]\n {4}tls: \{ ca_file: /)
  assert.match(told, /written, for nginx; next: yarder validate -c /)
})

test('every program that is known, beside Logstash', async t => {
  const dir = root(t, {
    'var/log/nginx/access.log': NGINX,
    'var/log/apache2/access.log': NGINX,
    'var/log/apache2/other_vhosts_access.log': '',
    'var/log/httpd/error_log': '',
    'var/log/syslog': '',
    'var/log/auth.log': AUTH,
    'var/log/postgresql/postgresql-15-main.log': POSTGRES,
    'var/log/mysql/error.log': '',
    'var/log/redis/redis-server.log': '',
    'var/lib/docker/containers/ab/ab-json.log': DOCKER,
    'etc/systemd/system/multi-user.target.wants/docker.service': '',
    'etc/systemd/system/multi-user.target.wants/ssh.service': '',
    'proc/7/cgroup': running('postgresql@15-main.service').replace(
      'system.slice/',
      'system.slice/system-postgresql.slice/'
    ),
    'proc/net/tcp6': tcp(22, 5044, 5432)
  })
  const { text } = await written(dir)
  for (const name of [
    'nginx_access',
    'apache_access',
    'apache_error',
    'syslog',
    'auth',
    'postgresql',
    'mysql',
    'redis',
    'docker'
  ])
    assert.match(text, new RegExp(`^  ${name}:$`, 'm'))
  assert.match(text, /^ {2}logstash:\n {4}type: logstash$/m)
  assert.match(text, /^ {2}ssh_port_22: .*\n/m)
  assert.match(text, /^ {2}postgresql_port_5432: /m)

  // The same file, with the logs where they are here, makes records and numbers of them.
  const here = text
    .replaceAll("'/var/", `'${dir}/var/`)
    .replaceAll('type: file\n', 'type: file\n    start_at: beginning\n')
    .replace(
      /^outputs:[^]*/m,
      `outputs:\n  out: { type: file, path: '${dir}/out.ndjson' }\nagent: { data_dir: '${dir}/data' }\nadmin: { enabled: false }\n`
    )
  writeFileSync(join(dir, 'here.yaml'), here)
  const run = await cli(['run', '-c', join(dir, 'here.yaml'), '--once'])
  assert.equal(run.status, 0, run.stderr)
  const records = readFileSync(join(dir, 'out.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Document)
  const from = (part: string): Document[] => records.filter(r => String(r.log?.file?.path).includes(part))
  assert.deepEqual(
    from('nginx').map(r => r.response),
    [502, 200]
  )
  assert.ok(!JSON.stringify(from('nginx')).includes('token=abc'), 'secrets in queries are taken out')
  assert.equal(from('auth.log')[0]!['@timestamp'].slice(5), '11-22T10:00:00.000Z')
  assert.deepEqual(
    from('postgresql').map(r => r.level),
    ['ERROR', 'LOG']
  )
  assert.match(from('postgresql')[0]!.message, /more of it$/)
  const [docker] = from('docker')
  assert.equal(docker!.level, 'ERROR')
  assert.equal(docker!.docker?.stream, 'stderr')
  assert.equal(docker!.message, '2026-11-22 10:00:00,123 ERROR it broke')
  assert.equal(records.filter(r => r.tags !== undefined).length, 0, JSON.stringify(records))
})

test('a host without anything known gets its own checks, a file as output, and an example', async t => {
  const dir = root(t, { 'proc/net/tcp': 'nonsense' })
  const { text, told } = await written(dir)
  assert.match(text, /^# inputs:$/m)
  assert.match(text, /^ {2}records: \{ type: file, path: \/var\/lib\/yarder\/records\.ndjson \}$/m)
  assert.match(told, /no program that yarder knows was found/)
})

test('the journal is read where no syslog file has the same', async t => {
  const journal = { 'var/log/journal/0123/system.journal': '' }
  const alone = await written(root(t, journal))
  assert.match(alone.text, /^inputs:\n {2}#.*\n {2}journal: \{ type: journald \}$/m)
  const beside = await written(root(t, { ...journal, 'var/log/syslog': '' }))
  assert.doesNotMatch(beside.text, /journald/)
})

test('this host, as it is, gets a configuration that is right', async t => {
  const dir = root(t, {})
  const file = join(dir, 'y.yaml')
  assert.equal((await cli(['init', '-o', file])).status, 0)
  const { status, stderr } = await cli(['validate', '-c', file])
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
})

test('a file that is there is kept without --force, and what is written is for its owner and group alone', async t => {
  const dir = root(t, { 'y.yaml': 'mine\n' })
  const file = join(dir, 'y.yaml')
  const kept = await cli(['init', '--root', dir, '-o', file])
  assert.equal(kept.status, 2)
  assert.match(kept.stderr, /y\.yaml is there already; --force replaces it/)
  assert.equal(readFileSync(file, 'utf8'), 'mine\n')
  assert.equal((await cli(['init', '--root', dir, '-o', file, '--force'])).status, 0)
  assert.match(readFileSync(file, 'utf8'), /^# Written by/)
  assert.equal(statSync(file).mode & 0o777, 0o640)
  assert.equal((await cli(['init', '--root', dir, '-o', join(dir, 'no/such/y.yaml')])).status, 1)
})

test('without a file it prints the configuration, and nothing else on standard output', async t => {
  const dir = root(t, { 'var/log/nginx/access.log': '' })
  const { status, stdout } = await cli(['init', '--root', dir])
  assert.equal(status, 0)
  const file = join(dir, 'piped.yaml')
  writeFileSync(file, stdout)
  assert.equal((await cli(['validate', file])).status, 0)
})
