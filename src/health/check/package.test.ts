import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { checkFaults, runCheck } from '../../../test/lib/check.ts'
import { packageCheck } from './package.ts'

const look = async (options: Record<string, unknown>): Promise<string> => {
  const { state, reason, message } = await runCheck(packageCheck, options)
  return `${state} ${reason}: ${message}`
}

/** What the host's own tool says of a package that every host of its kind has; undefined where it has no such tool. */
function known(program: string, argv: readonly string[]): string | undefined {
  try {
    return execFileSync(program, argv, { encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return undefined
  }
}

test('a package of this host has the version that dpkg tells', async t => {
  const version = known('dpkg-query', ['-W', '-f', '${Version}', 'coreutils'])
  if (version === undefined) return t.skip('this host has no dpkg')
  assert.equal(await look({ package: 'coreutils' }), `ok ok: coreutils ${version} is installed`)
  assert.equal(
    await look({ package: 'coreutils', version: '^[0-9]', manager: 'dpkg' }),
    `ok ok: coreutils ${version} is installed`
  )
  assert.equal(
    await look({ package: 'coreutils', version: '^none' }),
    `critical version: coreutils is installed as ${version}, expected ^none`
  )
  assert.match(await look({ package: 'coreutils', installed: false }), /^critical present: /)
  assert.equal(await look({ package: 'no-such-package' }), 'critical missing: no-such-package is not installed')
  assert.equal(await look({ package: 'no-such-package', installed: false }), 'ok ok: no-such-package is not installed')
})

test('rpm is asked as well', async t => {
  if (known('rpm', ['--version']) === undefined) return t.skip('this host has no rpm')
  assert.equal(
    await look({ package: 'no-such-package', manager: 'rpm' }),
    'critical missing: no-such-package is not installed'
  )
  const any = known('rpm', ['-qa', '--queryformat', '%{NAME} %{EVR}\n'])?.split('\n')[0]?.split(' ')
  if (any?.[1] !== undefined)
    assert.equal(await look({ package: any[0]!, manager: 'rpm' }), `ok ok: ${any[0]} ${any[1]} is installed`)
})

test('a host without the tool is unknown, and says which', async t => {
  const path = process.env['PATH']
  t.after(() => (process.env['PATH'] = path))
  process.env['PATH'] = '/nonexistent'
  assert.equal(await look({ package: 'nginx' }), 'unknown start: this host has no dpkg-query and no rpm')
})

test('a name cannot be an option', () => {
  assert.deepEqual(checkFaults(packageCheck, { package: '--all' }), [
    'package: must be the name of a package, got "--all"'
  ])
})
