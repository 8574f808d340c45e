// What `host_metrics` says of the made-up host in host/root, as /metrics shows it. UPDATE_GOLDEN=1 writes what came out
// to host/metrics.txt; the diff is then for a person to read.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readFields } from '../../src/core/field.ts'
import { silentLog } from '../../src/core/log.ts'
import { createHostMetrics } from '../../src/metrics/collect/host.ts'
import { hostMetricsFields } from '../../src/metrics/collect/options.ts'
import { renderPage } from '../../src/metrics/export/page.ts'
import { readExposition } from '../lib/exposition.ts'
import { manualClock } from '../lib/manual-clock.ts'

const HOST = join(import.meta.dirname, 'host')
const GOLDEN = join(HOST, 'metrics.txt')

const SPACES: Readonly<Record<string, object>> = {
  '/': { bsize: 4096, blocks: 1000, bfree: 400, bavail: 350, files: 500, ffree: 100 },
  '/srv/my data': { bsize: 512, blocks: 20, bfree: 20, bavail: 20, files: 10, ffree: 9 },
  '/run': { bsize: 4096, blocks: 25, bfree: 5, bavail: 5, files: 100, ffree: 50 },
  '/boot/efi': { bsize: 512, blocks: 100, bfree: 50, bavail: 50, files: 0, ffree: 0 }
}

test('the made-up host is told as it stands in the golden page', async () => {
  const options = readFields(
    hostMetricsFields,
    {
      enabled: true,
      units: ['nginx.service', 'getty@*.service', 'absent.service'],
      proc: join(HOST, 'root/proc'),
      sys: join(HOST, 'root/sys')
    },
    assert.fail
  )
  const host = createHostMetrics(options!, {
    clock: manualClock(),
    log: silentLog,
    statfs: path =>
      SPACES[path] === undefined
        ? Promise.reject(Object.assign(new Error('input/output error'), { code: 'EIO' }))
        : Promise.resolve(SPACES[path] as never)
  })
  await host.collect()
  const families = [...host.families()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const page = Buffer.concat(await renderPage(families, 'text'))
  assert.ok(readExposition(page, 'text').length > 50, 'every collector is on it')
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(GOLDEN, page)
  assert.equal(page.toString(), readFileSync(GOLDEN, 'utf8'))
})
