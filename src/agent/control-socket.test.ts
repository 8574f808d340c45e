import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '../core/log.ts'
import { createStore } from '../metrics/store.ts'
import type { AdminSource } from './admin.ts'
import { controlPlace, openControl } from './control-socket.ts'

const source: AdminSource = {
  store: createStore(),
  status: () => {
    throw new Error('nobody asks')
  }
}

test('the control socket is for the user alone in data_dir, for the group too in the folder of the service, never for others', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-control-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const umask = process.umask(0)
  t.after(() => process.umask(umask))
  for (const [env, mode] of [
    [{}, 0o600],
    [{ RUNTIME_DIRECTORY: '' }, 0o600],
    [{ RUNTIME_DIRECTORY: `${dir}:/run/other` }, 0o660]
  ] as const) {
    const place = controlPlace(env, dir)
    assert.equal(place.path, join(dir, 'yarder.sock'))
    const control = await openControl(source, place, {}, silentLog)
    const { mode: seen, gid } = statSync(place.path)
    await control.close()
    assert.equal(seen & 0o777, mode)
    assert.equal(gid, process.getegid?.())
  }
})
