// Mails taken by a real server, Debian's python3-aiosmtpd, with and without TLS and a login.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { notification } from '../../../test/lib/check.ts'
import { debianPackage } from '../../../test/lib/real/debian.ts'
import { context } from '../../../test/lib/step.ts'
import { makeCa } from '../../../test/lib/test-ca.ts'
import type { Notify } from '../../core/component.ts'
import { describe, YarderError } from '../../core/errors.ts'
import { readFields } from '../../core/field.ts'
import { email } from './email.ts'

const skip = (await debianPackage(['python3-aiosmtpd'])) ?? false
const never = new AbortController().signal
const login = { user: 'yarder', password: 's3cret' }

interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly encrypted: boolean
  readonly authenticated: boolean
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

const read = (given: Record<string, unknown>) =>
  readFields(email.fields, { from: 'Yarder <yarder@example.com>', to: 'ops@example.com', ...given }, (path, message) =>
    assert.fail(`${path} ${message}`)
  )!

const build = (given: Record<string, unknown>): Notify => email.build(read(given), context())

const faults = (given: Record<string, unknown>): string[] =>
  [...email.lint!(read(given))].map(([option, message]) => `${option}: ${message}`)

/** A server, and what it has taken. */
async function mailServer(t: TestContext, mode: 'plain' | 'starttls' | 'tls') {
  const ca = makeCa(t)
  const { certFile, keyFile } = ca.issue('127.0.0.1')
  const script = fileURLToPath(new URL('../../../test/lib/real/smtpd.py', import.meta.url))
  const files = mode === 'plain' ? [] : [certFile, keyFile]
  const child = spawn('/usr/bin/python3', ['-W', 'ignore', script, mode, ...files], {
    stdio: ['ignore', 'pipe', 'ignore']
  })
  t.after(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const server = `127.0.0.1:${(await lines.next()).value as string}`
  return {
    server,
    ca_file: ca.caFile,
    next: async (): Promise<Mail> => JSON.parse((await lines.next()).value as string) as Mail
  }
}

/** What it says when it is not taken. */
async function failure(sent: Promise<void>): Promise<YarderError> {
  const error: unknown = await sent.then(
    () => assert.fail('it was taken'),
    (e: unknown) => e
  )
  assert.ok(error instanceof YarderError, String(error))
  return error
}

test('a change is a mail that people can read, by STARTTLS and with a login', { skip }, async t => {
  const { server, ca_file, next } = await mailServer(t, 'starttls')
  const send = build({ server, ...login, to: ['ops@example.com', 'Boss <boss@example.com>'], tls: { ca_file } })
  const text = 'HTTP 500\r\nBcc: x@example.com'
  await send(notification({ message: text, owner: 'team-ä' }), never)
  const mail = await next()
  assert.deepEqual(
    [mail.from, mail.to, mail.encrypted, mail.authenticated],
    ['yarder@example.com', ['ops@example.com', 'boss@example.com'], true, true]
  )
  const { headers } = mail
  assert.equal(headers['subject'], `CRITICAL homepage on ${hostname()}: HTTP 500 Bcc: x@example.com`)
  assert.deepEqual([headers['bcc'], headers['auto-submitted']], [undefined, 'auto-generated'])
  assert.equal(headers['x-yarder-state'], 'critical')
  for (const row of [
    'Check:   homepage (http)',
    'State:   critical since 2026-11-22T12:00:00.000Z',
    'Before:  ok since 2026-11-22T11:00:00.000Z',
    'Reason:  status',
    `Host:    ${hostname()}`,
    'Owner:   team-ä'
  ])
    assert.ok(mail.text.includes(row), `${row} in ${mail.text}`)

  await send(notification({ message: text, owner: 'team-ä' }), never)
  await send(notification({ state: 'ok', previous: 'critical' }), never)
  const [again, well] = [await next(), await next()]
  assert.equal(again.headers['message-id'], headers['message-id'], 'the same mail again is known as the same')
  assert.notEqual(well.headers['message-id'], headers['message-id'])
  assert.equal(well.headers['references'], headers['references'], 'mails of a check belong together')
})

test('TLS from the beginning, or none at all to a server that wants none', { skip }, async t => {
  const secure = await mailServer(t, 'tls')
  const tls = { ca_file: secure.ca_file }
  await build({ server: secure.server, encryption: 'tls', ...login, tls })(notification(), never)
  const first = await secure.next()
  assert.deepEqual([first.encrypted, first.authenticated], [true, true])
  const plain = await mailServer(t, 'plain')
  await build({ server: plain.server, encryption: 'none' })(notification(), never)
  assert.equal((await plain.next()).encrypted, false)
})

test('subject and text are worded by templates', { skip }, async t => {
  const { server, next } = await mailServer(t, 'plain')
  const send = build({
    server,
    encryption: 'none',
    subject: '[%{state}] %{check} since %{+yyyy-MM-dd}',
    body: '%{previous} to %{state}: %{message}%{owner}'
  })
  await send(notification(), never)
  const mail = await next()
  assert.equal(mail.headers['subject'], '[critical] homepage since 2026-11-22')
  assert.equal(mail.text.trim(), 'ok to critical: HTTP 500, expected 2xx')
})

test(
  'what passes is to be tried again, what will not is refused, and no password is in any message',
  { skip },
  async t => {
    const { server, ca_file } = await mailServer(t, 'starttls')
    const plain = await mailServer(t, 'plain')
    const sealed = { server, ...login, tls: { ca_file } }
    const open = { server: plain.server, encryption: 'none' }
    for (const [given, retryable, says] of [
      [{ ...sealed, to: 'later@example.com' }, true, /451 4\.7\.1 greylisted/],
      [{ ...open, to: 'nobody@example.com' }, false, /550 5\.1\.1 no such user/],
      [{ ...sealed, password: 'wr0ng' }, false, /535/],
      [{ ...sealed, tls: undefined }, true, /certificate/],
      // A server that has no STARTTLS gets nothing.
      [{ server: plain.server }, true, /STARTTLS/i],
      [{ server: '127.0.0.1:1', encryption: 'none' }, true, /ECONNREFUSED/],
      [{ ...open, subject: 'slow', timeout: '300ms' }, true, /timed out after 0\.3 s/]
    ] as const) {
      const error = await failure(build(given)(notification(), never))
      const told = describe(error)
      assert.match(told, says)
      assert.match(told, /^mailing by 127\.0\.0\.1:\d+/)
      assert.equal(error.retryable, retryable, told)
      assert.doesNotMatch(told, /s3cret|wr0ng/)
    }
  }
)

test('one bad receiver does not keep a mail from the others', { skip }, async t => {
  const { server, next } = await mailServer(t, 'plain')
  await build({ server, encryption: 'none', to: ['nobody@example.com', 'ops@example.com'] })(notification(), never)
  assert.deepEqual((await next()).to, ['ops@example.com'])
})

test('a stop does not wait for a server that hangs', { skip }, async t => {
  const { server, next } = await mailServer(t, 'plain')
  const stop = new AbortController()
  const failed = failure(build({ server, encryption: 'none', subject: 'slow' })(notification(), stop.signal))
  assert.deepEqual(await next(), {}, 'it has the mail and does not answer')
  stop.abort()
  await failed
})

test('a configuration that gives a password away, or names no field, is refused', () => {
  assert.deepEqual(faults({ server: 'mail.example.com', ...login }), [])
  assert.deepEqual(faults({ server: 'localhost:25', encryption: 'none', ...login }), [])
  assert.match(
    faults({ server: 'mail.example.com', encryption: 'none', ...login })[0]!,
    /^encryption: must not be none/
  )
  assert.match(faults({ server: 'mail.example.com', user: 'x' })[0]!, /^user: goes with password/)
  assert.match(faults({ server: 'm', subject: '%{stat}' })[0]!, /^subject: %\{stat\} is no field .*state/)
  const wrong: string[] = []
  const bad = { server: 'm', from: 'not an address', to: 'a@b>\r\nBcc: c@d' }
  assert.equal(
    readFields(email.fields, bad, path => void wrong.push(path)),
    undefined
  )
  assert.deepEqual(wrong, ['from', 'to'])
})
