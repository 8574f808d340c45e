// The journal of a whole machine as an input of the installed service: what units say arrives once, and no line makes the next.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builtPackage } from './built.ts'
import { bootMachine, noMachine } from './machine.ts'

const reason = await noMachine()
const options = reason === undefined ? { timeout: 600_000 } : { skip: reason }
const UNIT = 'yarder.service'
const KEPT = '/var/lib/yarder/kept.ndjson'
const CONFIG = `
inputs:
  journal: { type: journald, start_at: beginning }
outputs:
  kept: { type: file, path: ${KEPT} }
`
const TALKER = `
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo "<3>%i is an error"; echo "%i is all"'
`

interface Sent {
  readonly message: string
  readonly log?: { readonly level?: string }
  readonly systemd?: { readonly unit?: string }
}

test('the journal of a machine, read by the service', options, async t => {
  const deb = await builtPackage('deb')
  const m = await bootMachine(t, { [deb]: '/pkg/yarder.deb' })
  const kept = async (): Promise<Sent[]> =>
    (await m.run('cat', KEPT)).split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line) as Sent]))
  await m.run('dpkg', '-i', '/pkg/yarder.deb')
  await m.write('/etc/yarder/conf.d/app.yaml', CONFIG)
  await m.write('/etc/systemd/system/talker@.service', TALKER)
  await m.run('systemctl', 'restart', UNIT)

  await t.test('the lines of a unit arrive with their level, and its own are left out', async () => {
    await m.run('systemctl', 'start', 'talker@one.service')
    await m.until(/"message":"one is all"/, 'cat', KEPT)
    const records = await kept()
    const said = records.filter(({ systemd }) => systemd?.unit === 'talker@one.service')
    assert.deepEqual(
      said.map(({ message, log }) => [message, log?.level]),
      [
        ['one is an error', 'err'],
        ['one is all', 'info']
      ]
    )
    assert.match(await m.run('journalctl', '-q', '-o', 'cat', `_SYSTEMD_UNIT=${UNIT}`), /Started\./)
    assert.deepEqual(
      records.filter(({ systemd }) => systemd?.unit === UNIT),
      []
    )
    assert.ok(records.some(({ message }) => message.startsWith(`Started ${UNIT}`)))
  })

  await t.test('what is said while it is stopped or the journal rotates arrives, once', async () => {
    await m.run('systemctl', 'stop', UNIT)
    assert.equal((await m.does('pgrep', '-x', 'journalctl')).out, '', 'nothing of it is left')
    await m.run('systemctl', 'start', 'talker@two.service')
    await m.run('journalctl', '--rotate')
    await m.run('systemctl', 'start', UNIT)
    await m.until(/"message":"two is all"/, 'cat', KEPT)
    await m.run('journalctl', '--rotate')
    await m.run('journalctl', '--vacuum-files=1')
    await m.run('systemctl', 'start', 'talker@three.service')
    await m.until(/"message":"three is all"/, 'cat', KEPT)
    const all = (await kept()).flatMap(({ message }) => (message.endsWith(' is all') ? [message] : []))
    assert.deepEqual(all, ['one is all', 'two is all', 'three is all'])
  })

  await t.test('without the group that may read the journal it says what is missing, and what mends it', async () => {
    await m.run('mkdir', '-p', `/etc/systemd/system/${UNIT}.d`)
    await m.write(`/etc/systemd/system/${UNIT}.d/groups.conf`, '[Service]\nSupplementaryGroups=\n')
    await m.run('gpasswd', '-d', 'yarder', 'systemd-journal').catch(() => '')
    await m.run('gpasswd', '-d', 'yarder', 'adm').catch(() => '')
    await m.run('systemctl', 'daemon-reload')
    await m.run('systemctl', 'restart', UNIT)
    await m.until(/usermod -aG systemd-journal yarder/, 'journalctl', '-q', '-o', 'cat', '-u', UNIT)
  })
})
