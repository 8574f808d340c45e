// What may be sent again is said with its size, and nothing is said when nothing may.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { silentLog } from '../../core/log.ts'
import type { LogData } from '../../core/log.ts'
import type { Row } from './registry.ts'
import { Resend } from './resend.ts'

function told(rows: readonly Row[]): LogData[] {
  const said: LogData[] = []
  const resend = new Resend()
  for (const row of rows) resend.add(row)
  resend.tell({ ...silentLog, warn: data => void said.push(data) }, 'app')
  return said
}

function rowOf(t: TestContext, size: number, fields: Partial<Row>): Row {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'app.log')
  writeFileSync(path, 'x'.repeat(size))
  const { dev, ino } = statSync(path)
  return { file: 'f', path, dev, ino, head: [0, ''], pos: {}, size, mtime: 0, seen: 0, high: 0, ...fields }
}

test('bytes that were handed out and not acknowledged by every output are counted up to the end of the file', t => {
  const rows = [
    rowOf(t, 1000, { high: 4_000_000, pos: { es: 1000, copy: 400 } }),
    rowOf(t, 1000, { high: 900, size: 500, pos: { es: 800 } }),
    rowOf(t, 1000, { high: 4_000_000, pos: { es: 1000 } })
  ]
  assert.deepEqual(told(rows), [{ input: 'app', bytes_at_most: 700, files: 2 }])
})

test('an agent that acknowledged everything has nothing to say', t => {
  assert.deepEqual(told([rowOf(t, 1000, { high: 1000, pos: { es: 1000 } })]), [])
  assert.deepEqual(told([rowOf(t, 0, { high: 4_000_000, pos: { es: 0 } })]), [])
})

test('positions that were set back by hand are not blamed on the end of the agent', t => {
  assert.deepEqual(told([rowOf(t, 1000, { high: 1000, pos: { es: 0 }, moved: true })]), [])
})

test('a file that was replaced counts with the size it had', t => {
  assert.deepEqual(told([rowOf(t, 9000, { ino: 1, size: 600, high: 5000, pos: { es: 500 } })]), [
    { input: 'app', bytes_at_most: 100, files: 1 }
  ])
})

test('a path that cannot be looked at any more does not keep the input from starting', t => {
  const row = rowOf(t, 600, { high: 5000, pos: { es: 500 } })
  // As good as a folder that may not be searched, which root could not show.
  const loop = `${row.path}.1`
  symlinkSync(loop, loop)
  assert.deepEqual(told([{ ...row, path: loop }]), [{ input: 'app', bytes_at_most: 100, files: 1 }])
})
