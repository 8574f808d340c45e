import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { notification } from '../../../test/lib/check.ts'
import { context } from '../../../test/lib/step.ts'
import { YarderError } from '../../core/errors.ts'
import { readFields } from '../../core/field.ts'
import { exec } from './exec.ts'

const never = new AbortController().signal

function build(t: TestContext, program: string, more: Record<string, unknown> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'page')
  writeFileSync(file, `#!/bin/sh\n${program}\n`, { mode: 0o755 })
  const given = { command: [file, '$(id)', 'a b'], cwd: dir, ...more }
  const options = readFields(exec.fields, given, (path, message) => assert.fail(`${path} ${message}`))!
  return { dir, notify: exec.build(options, context()) }
}

test('a program gets the change in its environment, and its arguments as they are', async t => {
  const { dir, notify } = build(
    t,
    'printf "%s|" "$1" "$2" "$YARDER_STATE" "$YARDER_CHECK" "$YARDER_TEXT" "$YARDER_OWNER" "$X" > said\necho "$YARDER_JSON" > json',
    { env: { X: 'y' } }
  )
  await notify(notification({ owner: 'team-a', message: 'HTTP 500\0, expected 2xx' }), never)
  assert.equal(
    readFileSync(join(dir, 'said'), 'utf8'),
    `$(id)|a b|critical|homepage|CRITICAL homepage on ${hostname()}: HTTP 500, expected 2xx|team-a|y|`
  )
  assert.equal((JSON.parse(readFileSync(join(dir, 'json'), 'utf8')) as { reason: string }).reason, 'status')
})

test('status 75 and a program that hangs are tried again, any other status and one that is not there are final', async t => {
  const outcome = async (program: string, more = {}): Promise<string> => {
    const error = await build(t, program, more)
      .notify(notification(), never)
      .then(
        () => assert.fail('it was taken'),
        (e: unknown) => e
      )
    assert.ok(error instanceof YarderError)
    return `${error.retryable} ${error.message.replace(/\/\S*page/, 'PAGE')}`
  }
  assert.equal(await outcome('echo later >&2; exit 75'), 'true running PAGE: exit status 75: later')
  assert.equal(await outcome('exit 3'), 'false running PAGE: exit status 3')
  assert.equal(await outcome('sleep 300', { timeout: '150ms' }), 'true running PAGE: timed out after 0.15 s')
  assert.equal(await outcome('', { command: ['/no/such/page'] }), 'false running PAGE')
})
