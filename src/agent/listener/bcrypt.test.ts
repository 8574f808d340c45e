import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { checkPassword, isBcrypt } from './bcrypt.ts'

/** As libcrypt of this host makes it. */
function hashOf(password: string, salt: string): string {
  // Perl's crypt wants bytes, so what it prints and takes is put into hexadecimal.
  const script = 'print crypt(pack("H*", $ARGV[0]), $ARGV[1])'
  return execFileSync('perl', ['-e', script, Buffer.from(password).toString('hex'), salt], { encoding: 'utf8' })
}

test('passwords are those of libcrypt, of every length and alphabet, in each version', async () => {
  const passwords = ['', 'a', 'secret', 'Grüße 𝒳', 'x'.repeat(71), 'x'.repeat(72), 'x'.repeat(73), '\u0001\u00ff']
  for (const [i, password] of passwords.entries()) {
    const version = ['2a', '2b', '2y'][i % 3]!
    const hash = hashOf(password, `$${version}$04$abcdefghijklmnopqrstu${'.Oeu'[i % 4]!}`)
    assert.ok(isBcrypt(hash), hash)
    assert.equal(await checkPassword(password, hash), true, password)
    assert.equal(await checkPassword(`${password}-`.slice(-72), hash), false)
  }
})

test('a password of htpasswd is taken, and no check holds the loop', async () => {
  const line = execFileSync('htpasswd', ['-nbBC', '10', 'joe', 'open sesame'], { encoding: 'utf8' })
  const hash = line.trim().slice('joe:'.length)
  await checkPassword('to warm up', hash)
  let longest = 0
  let done = false
  let since = process.threadCpuUsage()
  const turn = (): void => {
    const { user, system } = process.threadCpuUsage(since)
    longest = Math.max(longest, (user + system) / 1000)
    since = process.threadCpuUsage()
    if (!done) setImmediate(turn)
  }
  turn()
  assert.equal(await checkPassword('open sesame', hash), true)
  done = true
  assert.ok(longest < 20, `the loop was held for ${longest} ms of CPU`)
})

test('what is no hash, or one that takes seconds, is none', async () => {
  const good = '$2b$04$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a'
  assert.ok(isBcrypt(good))
  for (const text of [
    '',
    'secret',
    good.slice(1),
    good.slice(0, -1),
    good.replace('$04$', '$03$'),
    good.replace('$04$', '$15$')
  ])
    assert.equal(isBcrypt(text), false, text)
  await assert.rejects(checkPassword('x', 'plain'), /no bcrypt hash/)
})
