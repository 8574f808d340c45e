import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadText } from '../config/load.ts'
import { systemClock } from '../core/clock.ts'
import { createLog } from '../service/log.ts'
import { Agent } from './agent.ts'
import { catalog } from './components.ts'
import type { CheckedConfig } from './components.ts'

test('the host is measured when it is asked for, from the start and after a reload, and no longer than that', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const checked = (more: string): CheckedConfig => {
    const yaml = `agent: { data_dir: ${dir} }\nadmin: { listen: 127.0.0.1:0 }\n${more}\n`
    const outcome = loadText(yaml, catalog, {})
    assert.deepEqual(outcome.problems, [])
    return outcome.checked
  }
  const writer = { write: () => {}, flush: () => Promise.resolve() }
  const agent = new Agent({
    checked: checked('host_metrics: { enabled: true }'),
    configDir: dir,
    env: {},
    logs: createLog({ format: 'text', level: 'info', environment: 'TEST', writer, journal: false, terminal: true }),
    clock: systemClock,
    version: '0',
    once: false
  })
  t.after(async () => {
    await agent.stop()
    rmSync(dir, { recursive: true, force: true })
  })
  const names = async (): Promise<string[]> => {
    const page = await (await fetch(`http://${agent.address}/metrics`)).text()
    return [...page.matchAll(/^# TYPE yarder_host_(\S+)/gm)].map(match => match[1]!)
  }
  await agent.start()
  for (const name of ['cpu_seconds_total', 'memory_available_bytes', 'filesystem_inodes_free'])
    assert.ok((await names()).includes(name), name)
  const reload = (more: string): Promise<string | undefined> => agent.reload(() => Promise.resolve(checked(more)))
  assert.equal(await reload('host_metrics: { enabled: true, collectors: [load] }'), undefined)
  assert.deepEqual(await names(), ['collector_duration_seconds', 'collector_success', 'load1', 'load15', 'load5'])
  assert.equal(await reload(''), undefined)
  assert.deepEqual(await names(), [])
})
