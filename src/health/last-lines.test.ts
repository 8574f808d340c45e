import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { lastLines } from './last-lines.ts'

const { signal } = new AbortController()

test('the lines of a unit are asked of the journal, and why there are none is said', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const path = process.env['PATH']
  t.after(() => {
    process.env['PATH'] = path
    rmSync(dir, { recursive: true })
  })
  process.env['PATH'] = `${dir}:${path}`
  const answer = (text: string): void => writeFileSync(join(dir, 'journalctl'), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  answer('[ "$*" = "--quiet --no-pager --output=short-iso --lines=2 --unit=nginx.service" ] && printf "a\\nb\\nc\\n"')
  const look = () => lastLines({ file: undefined, unit: 'nginx.service', lines: 2 }, signal)
  assert.deepEqual(await look(), ['b', 'c'])
  answer('echo "No journal files were found." >&2; exit 1')
  assert.deepEqual(await look(), ['(no log: journalctl: No journal files were found.)'])
})

test('of a long log only the end is read, and long lines are cut', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'log')
  writeFileSync(file, `${'x'.repeat(1_000_000)}\n${'y'.repeat(5000)}\nlast\n`)
  const lines = await lastLines({ file, unit: undefined, lines: 3 }, signal)
  assert.deepEqual([lines.length, lines[0]!.length, lines[1], lines[2]], [3, 1000, 'y'.repeat(1000), 'last'])
})
