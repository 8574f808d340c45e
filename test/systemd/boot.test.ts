// A reboot without a network, and stops while a destination is slow or silent, on an installed service: no line is lost or doubled.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { builtPackage } from './built.ts'
import { bootMachine, noMachine } from './machine.ts'

const reason = await noMachine()
const options = reason === undefined ? { timeout: 600_000 } : { skip: reason }
const DESTINATION = fileURLToPath(new URL('destination.mjs', import.meta.url))
const UNIT = 'yarder.service'
const LOG = '/var/log/app.log'

/** Where records go: one place on the machine, and one that no name server knows yet. */
const config = (shutdown: string): string => `
agent: { shutdown_timeout: ${shutdown} }
inputs:
  app: { type: file, paths: [${LOG}], start_at: beginning }
outputs:
  kept: { type: file, path: /var/lib/yarder/kept.ndjson }
  away: { type: http, url: 'http://records.example:8088/', format: ndjson, backoff: { init: 100ms, max: 500ms } }
`

/** Writes once, in the next boot before the agent runs: the end of a line that was begun, and another. */
const EARLY = `
[Unit]
Before=${UNIT}
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'printf "6\\nline 7\\n" >> ${LOG}'
ExecStart=/bin/systemctl disable early.service
[Install]
WantedBy=multi-user.target
`
const KEPT = '/var/lib/yarder/kept.ndjson'
const TAKEN = '/var/lib/destination.ndjson'

test('a service through a reboot, a network that comes late, and stops', options, async t => {
  const deb = await builtPackage('deb')
  const m = await bootMachine(t, { [deb]: '/pkg/yarder.deb', [DESTINATION]: '/pkg/destination.mjs' })
  const show = async (property: string): Promise<string> =>
    (await m.run('systemctl', 'show', '-P', property, UNIT)).trim()
  const append = (text: string): Promise<string> => m.run('sh', '-c', `printf %s "$1" >> ${LOG}`, 'sh', text)
  /** Waits for the last of the lines 1 to `last`, and looks whether each is there, once and in its place. */
  const has = async (file: string, last: number): Promise<void> => {
    const text = await m.until(new RegExp(`"message":"line ${last}"`), 'cat', file)
    const messages = text.split('\n').flatMap(line => (line === '' ? [] : [(JSON.parse(line) as Sent).message]))
    assert.deepEqual(messages, lines(1, last), file)
  }
  /** Milliseconds until the stop is over, and what the journal has of it. */
  const stop = async (): Promise<{ ms: number; told: string }> => {
    const since = (await m.run('date', '+%F %T.%6N')).trim()
    const before = performance.now()
    await m.run('systemctl', 'stop', UNIT)
    const ms = performance.now() - before
    return { ms, told: await m.run('journalctl', '-q', '-o', 'cat', '-u', UNIT, '--since', since) }
  }

  await m.run('dpkg', '-i', '/pkg/yarder.deb')
  await m.write('/etc/yarder/conf.d/app.yaml', config('1s'))
  await append(`${lines(1, 5).join('\n')}\nline `)
  await m.run('systemctl', 'restart', UNIT)
  await has(KEPT, 5)

  await t.test(
    'after a reboot it is up, and reads on in the middle of a line what was written before it was',
    async () => {
      await m.write('/etc/systemd/system/early.service', EARLY)
      await m.run('systemctl', 'enable', 'early.service')
      await m.reboot()
      assert.equal((await m.run('systemctl', 'is-enabled', UNIT)).trim(), 'enabled')
      assert.deepEqual([await show('ActiveState'), await show('NRestarts')], ['active', '0'])
      await has(KEPT, 7)
    }
  )

  await t.test(
    'without a network it is up and reads; what has nowhere to go waits in the file, by its position',
    async () => {
      await append(`${lines(8, 10).join('\n')}\n`)
      await has(KEPT, 10)
      await m.until(/Status: "away \w+: .*records\.example.*waiting/, 'systemctl', 'status', UNIT)
      const positions = JSON.parse(await m.run('yarder', 'positions', 'ls', '--json')) as unknown
      assert.match(JSON.stringify(positions), /"away":0/)
    }
  )

  await t.test('the destination appears: all of it arrives, each line once', async () => {
    await m.write('/run/delay', '0')
    const server = ['/usr/lib/yarder/node', '/pkg/destination.mjs', '8088', TAKEN, '/run/delay']
    await m.run('systemd-run', '--unit=destination', '--collect', ...server)
    await m.write('/etc/hosts', '127.0.0.1 localhost records.example\n')
    await has(TAKEN, 10)
  })

  await t.test('a slow destination gets its time at a stop, past the limit of the unit', async () => {
    await m.run('mkdir', '-p', '/run/systemd/system/yarder.service.d')
    await m.write('/run/systemd/system/yarder.service.d/quick.conf', '[Service]\nTimeoutStopSec=2\n')
    await m.run('systemctl', 'daemon-reload')
    await m.write('/etc/yarder/conf.d/app.yaml', config('30s'))
    await m.run('systemctl', 'restart', UNIT)
    await m.write('/run/delay', '5000')
    await append(`${lines(11, 13).join('\n')}\n`)
    await has(KEPT, 13)
    const { ms, told } = await stop()
    assert.ok(ms > 3000, `it took ${ms} ms`)
    assert.match(told, /Stopped; everything that was read has arrived\./)
    assert.deepEqual([await show('Result'), await show('ExecMainStatus')], ['success', '0'])
    await has(TAKEN, 13)
  })

  await t.test(
    'one that does not answer gets agent.shutdown_timeout; its lines are sent after the next start',
    async () => {
      await m.write('/etc/yarder/conf.d/app.yaml', config('3s'))
      await m.write('/run/delay', 'never')
      await m.run('systemctl', 'start', UNIT)
      await append(`${lines(14, 16).join('\n')}\n`)
      await has(KEPT, 16)
      const { ms, told } = await stop()
      assert.ok(ms > 2500 && ms < 20_000, `it took ${ms} ms`)
      assert.match(told, /what was not acknowledged is read again at the next start\. unacknowledged=3/)
      assert.deepEqual([await show('Result'), await show('ExecMainStatus')], ['success', '0'])
      await has(TAKEN, 13)
      await m.write('/run/delay', '0')
      await m.run('systemctl', 'start', UNIT)
      await has(TAKEN, 16)
      await has(KEPT, 16)
    }
  )
})

interface Sent {
  readonly message: string
}

/** `line 1`, `line 2` and so on. */
const lines = (first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, i) => `line ${first + i}`)
