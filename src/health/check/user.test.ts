import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { test } from 'node:test'
import { checkFaults, runCheck } from '../../../test/lib/check.ts'
import { user } from './user.ts'

const look = async (options: Record<string, unknown>): Promise<string> => {
  const { state, reason, message } = await runCheck(user, options)
  return `${state} ${reason}: ${message}`
}

test('an account of this host is as it is, and not otherwise', async () => {
  const { username, uid, homedir, shell } = userInfo()
  const groups = execFileSync('id', ['-nG'], { encoding: 'utf8' }).trim().split(' ')
  const options = { user: username, uid, home: homedir, shell, groups }
  assert.equal(await look(options), `ok ok: the user ${username} is as expected`)
  assert.equal(
    await look({ ...options, uid: 4_000_001 }),
    `critical owner: the number of ${username} is ${uid}, expected 4000001`
  )
  assert.equal(
    await look({ user: username, shell: '/bin/none' }),
    `critical owner: the shell of ${username} is ${shell}, expected /bin/none`
  )
  assert.equal(
    await look({ user: username, groups: ['no-such-group'] }),
    `critical owner: the user ${username} is not in no-such-group`
  )
  assert.equal(await look({ user: username, exists: false }), `critical present: the user ${username} exists`)
})

test('an account that is not there is missing, or as it should be', async () => {
  assert.equal(await look({ user: 'no-such-user' }), 'critical missing: there is no user no-such-user')
  assert.equal(await look({ user: 'no-such-user', exists: false }), 'ok ok: the user no-such-user does not exist')
})

test('a name cannot be an option of the program that is asked', () => {
  assert.deepEqual(checkFaults(user, { user: '--help' }), ['user: must be the name of an account, got "--help"'])
  assert.match(checkFaults(user, { user: 'a', exists: false, uid: 3 })[0] ?? '', /^exists: an account that must not/)
})
