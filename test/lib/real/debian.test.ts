// What a test is told about packages of Debian.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { debianPackage } from './debian.ts'
import { run } from './process.ts'

const skip = await run(['dpkg-query', '--version']).then(
  () => false,
  () => 'no dpkg on this machine'
)

test('packages that are installed give no reason to skip', { skip }, async () => {
  assert.equal(await debianPackage(['dpkg', 'base-files']), undefined)
})

test("on a user's machine an absent package is a reason that names the command", { skip }, async t => {
  const before = process.env.CI
  delete process.env.CI
  t.after(() => {
    if (before !== undefined) process.env.CI = before
  })
  const reason = await debianPackage(['dpkg', 'no-such-package-a', 'no-such-package-b'])
  assert.equal(
    reason,
    'needs Debian packages: apt-get install -y --no-install-recommends no-such-package-a no-such-package-b'
  )
})
