// `apt-get install yarder` and `dnf install yarder` from signed repositories over HTTP, upgrade and removal, on a booted machine.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { debianPackage } from '../lib/real/debian.ts'
import { builtPackage } from './built.ts'
import { bootMachine, noMachine } from './machine.ts'
import type { Machine } from './machine.ts'
import { addDeb, addRpms, makeKey, standIn } from './repositories.ts'

const reason = (await noMachine()) ?? (await debianPackage(['reprepro', 'createrepo-c', 'rpm', 'gnupg']))
const options = reason === undefined ? { timeout: 600_000 } : { skip: reason }
const UNIT = 'yarder.service'
const METRICS = 'http://127.0.0.1:9680/metrics'

test('both repositories, from search to removal', options, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-repositories-'))
  const key = makeKey(join(folder, 'gnupg'))
  t.after(() => {
    key.forget()
    rmSync(folder, { recursive: true, force: true })
  })
  const web = join(folder, 'web')
  mkdirSync(web)
  const rpm = await builtPackage('rpm')
  addDeb(join(web, 'deb'), await builtPackage('deb'), key)
  addRpms(join(web, 'rpm'), [standIn(join(folder, 'base'), rpm), rpm], key)
  // nginx of the machine serves them.
  const m = await bootMachine(t, { [web]: '/var/www/html/repo' })

  await t.test('apt: search, install, upgrade, purge; another key is refused', async () => {
    const list = (options: string): Promise<void> =>
      m.write('/etc/apt/sources.list', `deb ${options} http://127.0.0.1/repo/deb sid main\n`)
    const apt = (...args: string[]): Promise<string> => m.run('apt-get', '-y', '-q', ...args)
    // The sources of the host that made the root are out of reach.
    await m.run('find', '/etc/apt/sources.list.d', '-type', 'f', '-delete')
    await list('')
    await assert.rejects(apt('update', '--error-on=any'), /NO_PUBKEY|not signed/)
    await list('[signed-by=/var/www/html/repo/deb/key.asc]')
    await apt('update', '--error-on=any')
    assert.match(await m.run('apt-cache', 'search', 'health checks'), /^yarder - host agent for logs/m)
    await apt('install', 'yarder')
    await answers(m)
    addDeb(join(web, 'deb'), await builtPackage('deb', 2), key)
    const pid = await pidOf(m)
    await apt('update', '--error-on=any')
    await apt('upgrade')
    assert.match(await m.run('dpkg-query', '-W', 'yarder'), /-2$/m)
    assert.notEqual(await pidOf(m), pid)
    await answers(m)
    await apt('remove', '--purge', 'yarder')
    assert.notEqual((await m.does('systemctl', 'is-active', UNIT)).status, 0)
  })

  await t.test('dnf: search, install, enable, upgrade, remove', async () => {
    const facts =
      'name=yarder\nbaseurl=http://127.0.0.1/repo/rpm\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=http://127.0.0.1/repo/rpm/key.asc\n'
    await m.run('mkdir', '-p', '/etc/yum.repos.d', '/etc/systemd/system-preset')
    await m.write('/etc/yum.repos.d/yarder.repo', `[yarder]\n${facts}`)
    // As Red Hat's: what is installed is neither enabled nor started.
    await m.write('/etc/systemd/system-preset/99-default-disable.preset', 'disable *\n')
    const dnf = (...args: string[]): Promise<string> => m.run('dnf', '-y', '-q', '--releasever=9', ...args)
    assert.match(await dnf('search', 'yarder'), /yarder\.\w+ : Host agent for logs/)
    await dnf('install', 'yarder')
    assert.equal((await m.does('systemctl', 'is-enabled', UNIT)).out.trim(), 'disabled')
    assert.equal(await m.run('rpm', '-V', 'yarder'), '')
    const status = async (): Promise<string> => (await m.does('systemctl', 'status', UNIT)).out
    const refused = async (): Promise<void> => assert.notEqual((await m.does('curl', '-sS', METRICS)).status, 0)
    assert.match(await status(), /Active: inactive \(dead\)/)
    await refused()
    await m.run('systemctl', 'start', UNIT)
    assert.match(await status(), /Active: active \(running\)[\s\S]*Status: "Ready; no input is configured"/)
    await answers(m)
    await m.run('systemctl', 'stop', UNIT)
    await refused()
    assert.match(
      await m.run('journalctl', '-q', '-o', 'cat', '-u', UNIT),
      /yarder\.service: Deactivated successfully\./
    )
    await m.run('systemctl', 'enable', '--now', UNIT)
    await m.run('ls', '/etc/systemd/system/multi-user.target.wants/yarder.service')
    await answers(m)
    await m.run('sed', '-i', 's/PROD/STAGING/', '/etc/yarder/yarder.yaml')
    const pid = await pidOf(m)
    addRpms(join(web, 'rpm'), [await builtPackage('rpm', 2)], key)
    await dnf('--refresh', 'upgrade', 'yarder')
    assert.match(await m.run('rpm', '-q', 'yarder'), /-2\./)
    assert.notEqual(await pidOf(m), pid)
    await answers(m)
    assert.match(await m.run('cat', '/etc/yarder/yarder.yaml'), /STAGING/)
    await dnf('remove', 'yarder')
    assert.notEqual((await m.does('systemctl', 'is-active', UNIT)).status, 0)
    await m.run('ls', '/etc/yarder/yarder.yaml.rpmsave', '/var/lib/yarder/state.db')
    assert.notEqual((await m.does('ls', '/usr/lib/yarder')).status, 0)
  })
})

const answers = (m: Machine): Promise<string> => m.until(/^yarder_build_info\{/m, 'curl', '-sS', '-f', METRICS)

const pidOf = async (m: Machine): Promise<string> => (await m.run('systemctl', 'show', '-P', 'MainPID', UNIT)).trim()
