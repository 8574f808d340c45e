import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { holesIn, strangeLicences } from '../tools/licences.ts'

const lock = (packages: object): string => JSON.stringify({ packages: { '': { version: '1' }, ...packages } })

test('what is shipped has a licence that may be shipped; what only develops may have any', () => {
  const own = strangeLicences(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'))
  assert.deepEqual(own.strange, [])
  assert.ok(own.shipped > 5)
  const { strange } = strangeLicences(
    lock({
      'node_modules/a': { version: '1.0.0', license: 'MIT' },
      'node_modules/a/node_modules/b': { version: '2.0.0', license: 'GPL-3.0-only' },
      'node_modules/c': { version: '3.0.0' },
      'node_modules/d': { version: '4.0.0', license: 'GPL-3.0-only', dev: true }
    })
  )
  assert.deepEqual(strange, ['b 2.0.0: GPL-3.0-only', 'c 3.0.0: no licence'])
})

test('an audit that was not answered is not taken for one that found nothing', () => {
  assert.equal(holesIn('{"metadata":{"vulnerabilities":{"total":0}}}'), 0)
  assert.equal(holesIn('{"metadata":{"vulnerabilities":{"total":2}}}'), 2)
  for (const none of ['', '<html>', '{"error":{"code":"ENOAUDIT"}}']) assert.equal(holesIn(none), undefined)
})
