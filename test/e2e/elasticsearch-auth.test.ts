// Authentication and TLS as clusters have them: a real node behind Debian's nginx, which knows passwords, keys and certificates.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { debianPackage } from '../lib/real/debian.ts'
import { elasticsearchMissing, startElasticsearch } from '../lib/real/elasticsearch.ts'
import { freePort, run, start, until } from '../lib/real/process.ts'
import { PROGRAM, startYarder } from '../lib/real/yarder.ts'
import { makeCa } from '../lib/test-ca.ts'
import type { TestCa } from '../lib/test-ca.ts'

const KEY = 'VuaCfGcBCdbkQm-e5aOx:ui2lp2axTNmsyakw9tvNnw'
const LINES = 40

/** What stands in front: how it asks who is there, and the options of an output that may and of some that may not come in. */
interface Way {
  readonly title: string
  readonly server: (ca: TestCa) => string
  readonly good: (ca: TestCa) => string
  readonly bad: readonly (readonly [options: (ca: TestCa) => string, said: RegExp])[]
}

const trusting = (ca: TestCa): string => `tls: { ca_file: ${ca.caFile} }`
const withCertificate = (ca: TestCa, by: TestCa): string => {
  const { certFile, keyFile } = by.issue('agent.example', 'agent')
  return `tls: { ca_file: ${ca.caFile}, cert_file: ${certFile}, key_file: ${keyFile} }`
}

const ways: readonly Way[] = [
  {
    title: 'a user and a password',
    server: ca => {
      const users = join(ca.folder, 'users')
      writeFileSync(
        users,
        `yarder:${execFileSync('openssl', ['passwd', '-apr1', 'a: "secret"'], { encoding: 'utf8' })}`
      )
      return `auth_basic cluster; auth_basic_user_file ${users};`
    },
    good: ca => `${trusting(ca)}, username: yarder, password: 'a: "secret"'`,
    bad: [
      [ca => `${trusting(ca)}, username: yarder, password: wrong`, /unauthorised.*answered 401/],
      [trusting, /unauthorised.*answered 401/],
      [() => `username: yarder, password: 'a: "secret"'`, /self.signed|unable to (get|verify)/]
    ]
  },
  {
    title: 'an API key',
    server: () =>
      `if ($http_authorization != "ApiKey ${Buffer.from(KEY).toString('base64')}") { return 401 '{"error":"unknown key","status":401}'; }`,
    good: ca => `${trusting(ca)}, api_key: '${KEY}'`,
    bad: [[ca => `${trusting(ca)}, api_key: 'VuaCfGcBCdbkQm-e5aOx:other'`, /unauthorised.*answered 401.*unknown key/]]
  },
  {
    title: 'a certificate of the agent',
    server: ca => `ssl_client_certificate ${ca.caFile}; ssl_verify_client on;`,
    good: ca => withCertificate(ca, ca),
    bad: [[trusting, /answered 400.*No required SSL certificate/]]
  }
]

const skip = (await debianPackage(['nginx'])) ?? (await elasticsearchMissing('elasticsearch-8.19')) ?? false

async function inFront(t: TestContext, node: string, ca: TestCa, server: string): Promise<string> {
  const prefix = mkdtempSync(join(tmpdir(), 'yarder-nginx-'))
  const port = await freePort()
  mkdirSync(join(prefix, 'html'))
  const { certFile, keyFile } = ca.issue('127.0.0.1', 'front')
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(n => `${n}_temp_path ${join(prefix, n)};`)
  writeFileSync(
    join(prefix, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off; worker_processes 1; pid ${join(prefix, 'pid')};
events { worker_connections 256; }
http {
  ${folders.join('\n  ')}
  access_log off;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${certFile}; ssl_certificate_key ${keyFile};
    client_max_body_size 0;
    ${server}
    location / { proxy_pass ${node}; }
  }
}
`
  )
  const argv = [
    '/usr/sbin/nginx',
    '-p',
    prefix,
    '-c',
    join(prefix, 'nginx.conf'),
    '-e',
    join(prefix, 'error.log')
  ] as const
  const nginx = await start([...argv], { logFile: join(prefix, 'output.log') })
  t.after(async () => {
    await nginx.stop()
    rmSync(prefix, { recursive: true, force: true })
  })
  const url = `https://127.0.0.1:${port}`
  await until('nginx to listen', async () => {
    nginx.check()
    return fetch(url).then(
      () => true,
      error => /certificate|self.signed|verify/i.test(String((error as Error).cause))
    )
  })
  return url
}

async function countOf(url: string): Promise<number> {
  await fetch(`${url}/plain/_refresh`, { method: 'POST' })
  return ((await fetch(`${url}/plain/_count`).then(a => a.json())) as { count?: number }).count ?? 0
}

for (const way of ways) {
  test(
    `a cluster that asks for ${way.title} lets in who has it; others lose nothing and say why`,
    { skip },
    async t => {
      const node = await startElasticsearch({ flavour: 'elasticsearch-8.19' })
      t.after(() => node.stop())
      const ca = makeCa(t)
      const url = await inFront(t, node.url, ca, way.server(ca))
      const folder = mkdtempSync(join(tmpdir(), 'yarder-'))
      t.after(() => rmSync(folder, { recursive: true, force: true }))
      const configOf = (options: string): string => `
agent: { data_dir: state, shutdown_timeout: 500ms }
admin: { enabled: false }
inputs:
  app: { type: file, paths: [app.log], start_at: beginning, poll: 20ms }
outputs:
  es: { type: elasticsearch, hosts: ['${url}'], index: plain, batch: { timeout: 10ms }, backoff: { init: 50ms, max: 200ms }, ${options} }
`
      appendFileSync(join(folder, 'app.log'), Array.from({ length: LINES }, (_, n) => `line ${n}\n`).join(''))
      for (const [options, said] of way.bad) {
        const refused = await startYarder(t, { folder, config: configOf(options(ca)) })
        await refused.said(said)
        assert.equal((await refused.end()).signal, null)
      }
      assert.equal(await countOf(node.url), 0)
      const config = configOf(way.good(ca))
      writeFileSync(join(folder, 'yarder.yaml'), config)
      assert.match(
        await run([PROGRAM, 'setup', '-c', join(folder, 'yarder.yaml')]),
        /index template yarder-plain: made/
      )
      const yarder = await startYarder(t, { folder, config })
      await until('every line', async () => (await countOf(node.url)) === LINES, 30_000)
      assert.equal((await yarder.end()).code, 0)
      assert.doesNotMatch(yarder.log(), /secret|ui2lp2axTNmsyakw9tvNnw/)
    }
  )
}
