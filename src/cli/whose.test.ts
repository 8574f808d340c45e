// Commands that ask the running agent find it by its configuration.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { cli } from '../../test/lib/world.ts'
import { startControl } from '../agent/admin.ts'
import type { Status } from '../agent/status.ts'
import { createStore } from '../metrics/store.ts'

const STATUS = { state: 'green', message: 'Ready', configFiles: [], outputs: [], inputs: [], checks: [] }

/** A configuration whose data_dir, beside it, has the socket of an agent that answers; its path. */
async function place(t: TestContext): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  mkdirSync(join(dir, 'state'))
  writeFileSync(join(dir, 'y.yaml'), 'agent: { data_dir: state }\n')
  const source = { store: createStore(), status: () => STATUS as unknown as Status }
  const levels = [{ subsystem: 'all', level: 5 }]
  const control = await startControl(source, join(dir, 'state', 'yarder.sock'), { 'log-level': () => ({ levels }) })
  t.after(async () => {
    await control.close()
    rmSync(dir, { recursive: true })
  })
  return join(dir, 'y.yaml')
}

test('status and log-level find the agent by -c, or by $YARDER_CONFIG', async t => {
  const config = await place(t)
  for (const [command, answer] of [
    ['status', JSON.stringify(STATUS)],
    ['log-level', '{"subsystem":"all","level":5}']
  ] as const) {
    const right = { status: 0, stdout: `${answer}\n`, stderr: '' }
    assert.deepEqual(await cli([command, '-c', config]), right)
    assert.deepEqual(await cli([command], { env: { YARDER_CONFIG: config } }), right)
  }
})

test('a configuration that does not tell the data_dir never leads to another agent; faults elsewhere in it do not matter', async t => {
  const config = await place(t)
  for (const text of ['agent: { data_dri: state }\n', 'agent: [\n', '- 1\n']) {
    writeFileSync(config, text)
    for (const command of [['status'], ['log-level'], ['positions', 'ls']]) {
      const { status, stderr } = await cli([...command, '-c', config])
      assert.equal(status, 2, stderr)
      assert.match(stderr, /y\.yaml:.*; or name the data_dir of the agent with --data-dir\n$/)
    }
  }
  writeFileSync(config, 'agent: { data_dir: state }\ninputs: { a: { type: fiel } }\n')
  assert.equal((await cli(['status', '-c', config])).status, 0)
})

test('a configuration that is not there is wrong usage, and a data_dir without an agent is told with its socket', async t => {
  const config = await place(t)
  for (const command of ['status', 'log-level']) {
    const none = await cli([command, '-c', `${config}.none`])
    assert.equal(none.status, 2)
    assert.match(none.stderr, /y\.yaml\.none/)
    const elsewhere = await cli([command, '-c', config, '--data-dir', '/nonexistent'])
    assert.equal(elsewhere.status, 1)
    assert.match(elsewhere.stderr, /\/nonexistent\/yarder\.sock, .*: ENOENT, no agent runs there/)
  }
})
