import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { filesIn, nameNow, Listings } from './place.ts'

test('a file is found under its new name beside a symbolic link that leads to itself', t => {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'app.log')
  writeFileSync(path, 'a line\n')
  const { dev, ino, size } = statSync(path)
  renameSync(path, `${path}.1`)
  symlinkSync('loop', join(folder, 'loop'))
  assert.deepEqual(
    filesIn(folder).map(f => f.path),
    [`${path}.1`]
  )
  const row = {
    file: 'f',
    path,
    dev,
    ino,
    head: [0, ''] as [number, string],
    pos: {},
    size,
    mtime: 0,
    seen: 0,
    high: 0
  }
  assert.equal(nameNow(row, new Listings()), `${path}.1`)
})
