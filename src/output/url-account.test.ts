import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OptionError } from '../core/errors.ts'
import { accountOf } from './url-account.ts'

test('user and password are what they were before they were written into an address', () => {
  assert.deepEqual(accountOf(new URL('https://a%40b:p%25w@h'), 'url'), { user: 'a@b', password: 'p%w' })
  assert.deepEqual(accountOf(new URL('https://h'), 'url'), { user: undefined, password: undefined })
})

test('a % that stands for nothing is refused at its option, without the secret', () => {
  for (const address of ['https://u:geheim%zz@h', 'socks5://geheim%:p@h'])
    assert.throws(
      () => accountOf(new URL(address), 'hosts'),
      (e: OptionError) => e instanceof OptionError && /%25/.test(e.message) && !/geheim/.test(e.message)
    )
})
