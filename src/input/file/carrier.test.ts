import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { PackedCarrier } from './carrier.ts'

test('a compressed copy that is damaged is an error of whoever reads it, also when nobody reads it yet', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'app.log.1.gz')
  const bytes = gzipSync('a line\n'.repeat(1000))
  writeFileSync(path, bytes.fill(0xff, 10))
  const carrier = new PackedCarrier(path, 'gzip')
  t.after(() => carrier.close())
  // It is found out while the copy waits for its turn; an error without a listener would end the process. Another that
  // begins later is as far when the first is.
  for (let n = 0; n < 3; n++) {
    const later = new PackedCarrier(path, 'gzip')
    await assert.rejects(async () => later.read(Buffer.alloc(100), 100, 0))
    later.close()
  }
  await assert.rejects(async () => carrier.read(Buffer.alloc(100), 100, 0), { code: 'Z_DATA_ERROR' })
})
