import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { notification } from '../../../test/lib/check.ts'
import { context } from '../../../test/lib/step.ts'
import { describe, YarderError } from '../../core/errors.ts'
import { readFields } from '../../core/field.ts'
import { unit } from './unit.ts'

const never = new AbortController().signal

/** With a program in the place of systemctl that notes what it is asked for; test machines need not run systemd. */
function starter(t: TestContext, options: Record<string, unknown>, program = 'exit 0') {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const systemctl = join(dir, 'systemctl')
  writeFileSync(systemctl, `#!/bin/sh\necho "$@" >> ${dir}/asked\n${program}\n`, { mode: 0o755 })
  const given = { systemctl, ...options }
  const values = readFields(unit.fields, given, (path, message) => assert.fail(`${path} ${message}`))!
  return {
    start: unit.build(values, context()),
    asked: () => (existsSync(`${dir}/asked`) ? readFileSync(`${dir}/asked`, 'utf8').trim().split('\n') : [])
  }
}

test('a change to one of the states starts the unit, and nobody waits for it', async t => {
  const { start, asked } = starter(t, { unit: 'alert.service', on: ['warning', 'critical'] })
  await start(notification(), never)
  await start(notification({ state: 'warning' }), never)
  await start(notification({ state: 'ok' }), never)
  assert.deepEqual(asked(), Array(2).fill('start --no-block --no-ask-password -- alert.service'))
})

test('a template is started for the check, escaped as systemd-escape does', async t => {
  const { start, asked } = starter(t, { unit: 'alert@.service' })
  for (const check of ['homepage', 'a/b c-ü.x', '.hidden']) await start(notification({ check }), never)
  await start(notification({ check: '7 checks', type: 'group' }), never)
  const names = asked().map(line => line.split(' -- ')[1])
  assert.deepEqual(names, [
    'alert@homepage.service',
    String.raw`alert@a-b\x20c\x2d\xc3\xbc.x.service`,
    String.raw`alert@\x2ehidden.service`,
    'alert@group.service'
  ])
})

test('what systemd says is told; one that hangs is tried again, one that refuses is not', async t => {
  const failure = async (program: string, options = {}): Promise<YarderError> => {
    const { start } = starter(t, { unit: 'alert.service', ...options }, program)
    const error: unknown = await start(notification(), never).catch((e: unknown) => e)
    assert.ok(error instanceof YarderError)
    return error
  }
  const refused = await failure('echo "Failed to start alert.service: Access denied" >&2; exit 4')
  assert.deepEqual(
    [describe(refused), refused.retryable],
    [
      'starting alert.service: Failed to start alert.service: Access denied; a rule of polkit as /usr/share/yarder/drop-ins/units.rules lets the service',
      false
    ]
  )
  const gone = await failure('printf "Failed to start x: Unit x not found.\\nSee system logs.\\n" >&2; exit 5')
  assert.equal(describe(gone), 'starting alert.service: Failed to start x: Unit x not found.')
  assert.ok((await failure('sleep 300', { timeout: '200ms' })).retryable)
  assert.match(describe(await failure('', { systemctl: '/no/such' })), /^starting alert\.service: .*ENOENT/)
})

test('what is no unit is refused', () => {
  for (const name of ['alert', '--now', 'a b.service', '@.service', '/etc/x.service']) {
    const said: string[] = []
    assert.equal(
      readFields(unit.fields, { unit: name }, path => void said.push(path)),
      undefined,
      name
    )
    assert.deepEqual(said, ['unit'])
  }
})
