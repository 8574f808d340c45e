import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync } from 'node:fs'
import { request as overHttp } from 'node:http'
import { request as overTls } from 'node:https'
import type { RequestOptions } from 'node:https'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { makeCa } from '../../../test/lib/test-ca.ts'
import type { TestCa } from '../../../test/lib/test-ca.ts'
import { readFields } from '../../core/field.ts'
import { silentLog } from '../../core/log.ts'
import { createStore } from '../../metrics/store.ts'
import { startAdmin } from '../admin.ts'
import { adminFields, lintAdmin } from '../sections.ts'

/** Of the password `secret`. */
const HASH = '$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a'

function faults(options: Record<string, unknown>): string[] {
  const found: string[] = []
  const read = readFields(adminFields, options, (option, message) => void found.push(`${option}: ${message}`))
  if (read !== undefined) for (const [option, message] of lintAdmin(read)) found.push(`${option}: ${message}`)
  return found
}

interface Answer {
  readonly status: number
  readonly body: string
  readonly challenge: string | undefined
}

/** Starts the listener; `get` asks it with these options and answers, or rejects as the connection does. */
async function serve(
  t: TestContext,
  options: Record<string, unknown>
): Promise<(over?: RequestOptions & { auth?: string }) => Promise<Answer>> {
  assert.deepEqual(faults(options), [])
  const values = readFields(adminFields, { listen: '127.0.0.1:0', ...options }, assert.fail)!
  const status = (): never => assert.fail('nobody asks for it')
  const source = { store: createStore(), status, configDir: () => '/nonexistent', log: () => silentLog }
  const listener = await startAdmin(source, values)
  t.after(() => listener.close())
  const [host, port] = listener.address.split(':') as [string, string]
  return over =>
    new Promise((resolve, reject) => {
      const send = values.tls_server_config === undefined ? overHttp : overTls
      const asked = send({ host, port: Number(port), path: '/metrics', agent: false, ...over }, response => {
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => (body += text))
        response.on('end', () =>
          resolve({ status: response.statusCode!, body, challenge: response.headers['www-authenticate'] })
        )
      })
      asked.on('error', reject).end()
    })
}

test('only a name with its password is let in, on every path', async t => {
  const get = await serve(t, { basic_auth_users: { prometheus: HASH, other: HASH } })
  assert.match((await get({ auth: 'prometheus:secret' })).body, /process_cpu_seconds_total/)
  for (const path of ['/metrics', '/health', '/health/live', '/'])
    for (const auth of [undefined, 'prometheus:wrong', 'nobody:secret', 'prometheus:', ':secret', 'prometheus']) {
      const { status, body, challenge } = await get({ path, ...(auth === undefined ? {} : { auth }) })
      assert.deepEqual([status, body], [401, 'needs a name and its password\n'], `${path} ${auth}`)
      assert.match(challenge!, /^Basic realm=/)
    }
  for (const authorization of ['Basic', 'Basic !!', `Bearer ${HASH}`, `basic ${btoa('prometheus:secret')}x y`])
    assert.equal((await get({ headers: { authorization } })).status, 401)
  assert.equal((await get({ headers: { authorization: `basic ${btoa('other:secret')}` } })).status, 200)
})

test('a flood of wrong passwords is turned away, and who was let in before still is', async t => {
  const line = execFileSync('htpasswd', ['-nbBC', '11', 'prometheus', 'secret'], { encoding: 'utf8' })
  const get = await serve(t, { basic_auth_users: { prometheus: line.trim().replace('prometheus:', '') } })
  assert.equal((await get({ auth: 'prometheus:secret' })).status, 200)
  const flood = Array.from({ length: 100 }, (_, i) => get({ auth: `prometheus:${i}` }))
  assert.equal((await get({ auth: 'prometheus:secret' })).status, 200)
  const statuses = (await Promise.all(flood)).map(({ status }) => status)
  assert.ok(statuses.includes(401) && statuses.includes(503), statuses.join())
  assert.ok(statuses.every(status => status === 401 || status === 503))
})

const serverOf = (ca: TestCa): { cert_file: string; key_file: string } => {
  const { certFile, keyFile } = ca.issue('127.0.0.1', 'server')
  return { cert_file: certFile, key_file: keyFile }
}

test('TLS is spoken with the files of the config, and no plain HTTP', async t => {
  const ca = makeCa(t)
  const get = await serve(t, { tls_server_config: { ...serverOf(ca), min_version: 'TLS13' } })
  const trusted = { ca: readFileSync(ca.caFile) }
  assert.equal((await get(trusted)).status, 200)
  await assert.rejects(get(), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
  await assert.rejects(get({ ...trusted, maxVersion: 'TLSv1.2' }), /version/)
})

test('each client_auth_type lets in whom Prometheus would', async t => {
  const ca = makeCa(t)
  const server = serverOf(ca)
  const strange = makeCa(t).issue('stranger')
  const own = ca.issue('prometheus')
  const pair = ({ certFile, keyFile }: typeof own): object => ({
    cert: readFileSync(certFile),
    key: readFileSync(keyFile)
  })
  const clients = { none: {}, strange: pair(strange), own: pair(own) }
  const welcome: Record<string, string[]> = {
    NoClientCert: ['none', 'strange', 'own'],
    RequestClientCert: ['none', 'strange', 'own'],
    RequireAnyClientCert: ['strange', 'own'],
    VerifyClientCertIfGiven: ['none', 'own'],
    RequireAndVerifyClientCert: ['own']
  }
  for (const [type, names] of Object.entries(welcome)) {
    const verifies = type.includes('Verify') ? { client_ca_file: ca.caFile } : {}
    const get = await serve(t, { tls_server_config: { ...server, ...verifies, client_auth_type: type } })
    for (const [name, client] of Object.entries(clients)) {
      const asked = get({ ca: readFileSync(ca.caFile), ...client }).then(
        ({ status }) => status === 200,
        () => false
      )
      assert.equal(await asked, names.includes(name), `${type}: ${name}`)
    }
  }
})

test('a renewed certificate is shown without a restart, and a broken one is not', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const ca = makeCa(t)
  const server = serverOf(ca)
  const other = makeCa(t)
  const get = await serve(t, { tls_server_config: server })
  const by = (one: TestCa): Promise<boolean> =>
    get({ ca: readFileSync(one.caFile) }).then(
      () => true,
      () => false
    )
  assert.deepEqual([await by(ca), await by(other)], [true, false])
  const renewed = other.issue('127.0.0.1', 'renewed')
  copyFileSync(renewed.certFile, server.cert_file)
  t.mock.timers.tick(10_000)
  assert.deepEqual([await by(ca), await by(other)], [true, false], 'the key is still that of the former')
  copyFileSync(renewed.keyFile, server.key_file)
  t.mock.timers.tick(10_000)
  assert.deepEqual([await by(ca), await by(other)], [false, true])
})

test('what cannot be is refused with the option, and no hash is shown', async t => {
  assert.deepEqual(faults({ basic_auth_users: { joe: 'open sesame' } }), [
    'basic_auth_users.joe: must be a bcrypt hash of cost 4 to 14, as `htpasswd -nBC 10 NAME` prints it, got ***'
  ])
  const files = { cert_file: 'a', key_file: 'b' }
  assert.deepEqual(faults({ tls_server_config: { ...files, client_auth_type: 'RequireAndVerifyClientCert' } }), [
    'tls_server_config.client_ca_file: is required with client_auth_type RequireAndVerifyClientCert'
  ])
  assert.deepEqual(faults({ tls_server_config: { ...files, client_ca_file: 'c' } }), [
    'tls_server_config.client_ca_file: has no effect with client_auth_type NoClientCert; RequireAndVerifyClientCert uses it'
  ])
  const gone = join(makeCa(t).folder, 'gone.pem')
  await assert.rejects(
    serve(t, { tls_server_config: { cert_file: gone, key_file: gone } }),
    /reading the TLS files .*gone\.pem/
  )
})
