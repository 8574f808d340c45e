// The http output through Debian's nginx: TLS, basic authentication, its limit of bodies, and a server behind it that comes and goes.
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import * as web from '../lib/fake-http.ts'
import { debianPackage } from '../lib/real/debian.ts'
import { freePort, start, until } from '../lib/real/process.ts'
import { agentFolder, startYarder } from '../lib/real/yarder.ts'
import { makeCa } from '../lib/test-ca.ts'

const skip = (await debianPackage(['nginx'])) ?? false

interface Proxy {
  readonly url: string
  readonly caFile: string
  /** Whom it lets in from now on; takes effect with the next request. */
  letIn(user: string, password: string): void
}

/** nginx with TLS in front of `upstream`, bodies up to 20 KB. */
async function proxy(t: TestContext, folder: string, upstream: string): Promise<Proxy> {
  const ca = makeCa(t)
  const own = ca.issue('127.0.0.1', 'nginx')
  const port = await freePort()
  const users = join(folder, 'users')
  const letIn = (user: string, password: string): void => writeFileSync(users, `${user}:{PLAIN}${password}\n`)
  letIn('agent', 'geheim')
  mkdirSync(join(folder, 'temp'))
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(n => `${n}_temp_path ${folder}/temp/${n};`)
  const config = join(folder, 'nginx.conf')
  writeFileSync(
    config,
    `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 64; }
http {
  ${temps.join('\n  ')}
  access_log off;
  client_max_body_size 20k;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${own.certFile};
    ssl_certificate_key ${own.keyFile};
    auth_basic logs;
    auth_basic_user_file ${users};
    location /in { proxy_pass ${upstream}; }
  }
}
`
  )
  const nginx = await start(['/usr/sbin/nginx', '-p', folder, '-c', config, '-e', join(folder, 'nginx-error.log')], {
    logFile: join(folder, 'nginx.log')
  })
  t.after(() => nginx.stop())
  await until('nginx to listen', async () => {
    nginx.check()
    const socket = connect(port, '127.0.0.1')
    const { promise, resolve } = Promise.withResolvers<boolean>()
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    return promise.finally(() => socket.destroy())
  })
  return { url: `https://127.0.0.1:${port}/in`, caFile: ca.caFile, letIn }
}

test(
  'through nginx with TLS, a password and a limit every line arrives; what is wrong is told and mends',
  { skip },
  async t => {
    const folder = agentFolder(t)
    const server = await web.startFakeHttp()
    t.after(() => server.down())
    const p = await proxy(t, folder, server.url)
    p.letIn('somebody', 'else')
    const log = join(folder, 'app.log')
    const lines = Array.from(
      { length: 3000 },
      (_, n) => `line ${n} ${n === 1234 ? 'y'.repeat(30_000) : 'x'.repeat(80)}`
    )
    writeFileSync(log, `${lines.slice(0, 2000).join('\n')}\n`)
    const agent = {
      folder,
      config: `agent: { data_dir: ${folder}/data }
admin: { listen: '127.0.0.1:0' }
inputs:
  app: { type: file, paths: ['${log}'], start_at: beginning }
outputs:
  web:
    type: http
    url: '${p.url}'
    format: ndjson
    username: agent
    password: geheim
    tls: { ca_file: '${p.caFile}' }
    backoff: { init: 50ms, max: 200ms }
    batch: { timeout: 50ms }
`
    }
    const yarder = await startYarder(t, agent)
    await yarder.said(/unauthorised: POST https:\/\/127\.0\.0\.1:\d+\/in answered 401: 401 Authorization Required/)
    assert.equal(server.taken.length, 0)

    p.letIn('agent', 'geheim')
    await until('all that fits', () => server.taken.length >= 1999)
    await until('the dead letter', async () => (await yarder.metric('yarder_output_rejected')) >= 1)
    await server.down()
    appendFileSync(log, `${lines.slice(2000).join('\n')}\n`)
    await yarder.said(/unavailable: POST .* answered 502/)
    await server.up()
    await until('the rest', () => server.taken.length >= 2999)
    const ending = await yarder.end()
    assert.equal(ending.code, 0)
    assert.deepEqual(server.taken.map(r => String(r['message'])).sort(), lines.filter((_, n) => n !== 1234).sort())
    assert.doesNotMatch(yarder.log(), /geheim/)
    assert.ok(server.requests.every(x => x.wireBytes <= 20 * 1024))
  }
)
