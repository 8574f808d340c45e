import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { brokenLinks } from './lib/links.ts'

test('every relative link of the documents leads to a file of the repository', () => {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const { looked, broken } = brokenLinks(root, ['*.md', 'docs/**/*.md', 'examples/**/*.md'])
  assert.deepEqual(broken, [])
  assert.ok(looked > 50, `${looked} links`)
})

test('a link that leads nowhere is found; addresses, anchors and code are none', t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  mkdirSync(join(dir, 'docs'))
  writeFileSync(join(dir, 'README.md'), '[a](docs/a.md#part) [b](docs/b.md) [c](https://c.example/) [d](#d)\n')
  writeFileSync(join(dir, 'docs/a.md'), '[up](../README.md) `[x](y)`\n\n```sh\n[x](y)\n```\n[n](n.md "title")\n')
  assert.deepEqual(brokenLinks(dir, ['*.md', 'docs/*.md']), {
    looked: 4,
    broken: ['README.md: docs/b.md', 'docs/a.md: n.md']
  })
})
