import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Progress } from '../agent/progress.ts'
import { systemClock } from '../core/clock.ts'
import { silentLog } from '../core/log.ts'
import { connectSystemd } from '../service/systemd.ts'
import { notifySocket } from '../../test/lib/notify-socket.ts'
import type { NotifySocket } from '../../test/lib/notify-socket.ts'
import { run, until } from '../../test/lib/real/process.ts'
import { agentFolder, launchYarder, PROGRAM, startYarder } from '../../test/lib/real/yarder.ts'
import type { Status } from '../agent/status.ts'
import { Supervised } from './supervised.ts'

const config = (folder: string, more = ''): string => `
agent: { data_dir: ${folder}/data }
admin: { listen: 127.0.0.1:0 }
inputs: { app: { type: file, paths: [${folder}/*.txt], start_at: beginning } }
outputs: { out: { type: file, path: ${folder}/out.ndjson } }
${more}`

const arrives = (socket: NotifySocket, what: RegExp): Promise<string> =>
  until(`${what}`, () => socket.received().find(text => what.test(text)))

test('systemd hears READY when the agent stands, its state in words, and STOPPING with more time', async t => {
  const socket = notifySocket(t)
  const folder = agentFolder(t)
  writeFileSync(join(folder, 'a.txt'), 'one\ntwo\n')
  const env = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '600000', RUNTIME_DIRECTORY: folder }
  const yarder = await startYarder(t, { folder, config: config(folder), env })
  assert.match(
    await arrives(socket, /READY=1/),
    /^READY=1\nSTATUS=.* in 1 of 1 file\n|^READY=1\nSTATUS=.*no files yet\n/
  )
  await arrives(socket, /^WATCHDOG=1\n/)
  await arrives(socket, /STATUS=Ready; \d+ lines\/s; 1 file, all acknowledged\n/)
  assert.equal((await yarder.end()).code, 0)
  assert.match(await arrives(socket, /STOPPING=1/), /EXTEND_TIMEOUT_USEC=15000000\n/)
  assert.doesNotMatch(yarder.log(), /ExperimentalWarning/)
})

test('what cannot start is never ready', async t => {
  const socket = notifySocket(t)
  const folder = agentFolder(t)
  mkdirSync(join(folder, 'data'))
  writeFileSync(join(folder, 'data/lock'), 'no database, so no lock either')
  const yarder = await launchYarder(t, { folder, config: config(folder), env: { NOTIFY_SOCKET: socket.path } })
  assert.equal((await yarder.ended()).code, 1)
  assert.deepEqual(
    socket.received().filter(text => text.includes('READY')),
    []
  )
})

test('`yarder reload` tells whether the configuration was taken, and so does systemd', async t => {
  const socket = notifySocket(t)
  const folder = agentFolder(t)
  const env = { NOTIFY_SOCKET: socket.path, RUNTIME_DIRECTORY: folder }
  await startYarder(t, { folder, config: config(folder), env })
  const reload = (): Promise<string> => run([PROGRAM, 'reload'], { env })
  writeFileSync(join(folder, 'yarder.yaml'), config(folder, 'checks: { d: { type: disk, path: /, every: 1h } }'))
  assert.equal(await reload(), '')
  await arrives(socket, /^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=Reloading/)
  assert.equal(socket.received().filter(text => text.includes('READY=1')).length, 2)

  writeFileSync(join(folder, 'yarder.yaml'), 'inputs: { app: { type: flie } }\n')
  await assert.rejects(reload(), /the agent keeps its configuration, the new one was refused: .*yarder\.yaml:1:.*file/s)
  await arrives(socket, /READY=1\nSTATUS=.*the last reload was refused: /)
})

test('the watchdog is not fed while a pipeline does not come back', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { socket, supervised, progress, pass } = held(t)
  supervised.ready()
  pass(20_000)
  assert.equal(beats(socket), 1)
  const stuck = Promise.withResolvers<void>()
  const work = progress.through(1, () => stuck.promise)
  pass(20_000)
  assert.equal(beats(socket), 2, 'it may take its time')
  pass(20_000)
  assert.equal(beats(socket), 2, 'but not that long')
  stuck.resolve()
  await work
  pass(20_000)
  assert.equal(beats(socket), 3)
})

test('a READY that systemd had no room for is said again', t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { socket, systemd, supervised, pass } = held(t)
  while (systemd.tell({ WATCHDOG: 1 })) {
    // until its queue is full
  }
  supervised.ready()
  assert.ok(!socket.received().some(text => text.includes('READY=1')))
  pass(20_000)
  assert.ok(socket.received().some(text => text.includes('READY=1')))
})

test('a stop gets time as long as it may take and a moment more, and one that hangs gets none', t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { socket, supervised, pass } = held(t)
  const extended = (): number => socket.received().filter(text => text.includes('EXTEND_TIMEOUT_USEC=')).length
  supervised.ready()
  supervised.stopping(40_000)
  assert.equal(extended(), 1)
  for (let seconds = 10; seconds <= 50; seconds += 10) pass(10_000)
  assert.equal(extended(), 6)
  for (let seconds = 60; seconds <= 120; seconds += 10) pass(10_000)
  assert.equal(extended(), 6)
})

const beats = (socket: NotifySocket): number => socket.received().filter(text => text.startsWith('WATCHDOG=1')).length

/** One with a clock that the test moves. */
function held(t: TestContext) {
  const socket = notifySocket(t)
  let now = 0
  const clock = { ...systemClock, elapsed: () => now }
  const progress = new Progress(clock)
  const systemd = connectSystemd({ NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '60000000' })!
  const status = { ready: true, draining: false, outputs: [], inputs: [], checks: [] } as unknown as Status
  const log = silentLog
  const supervised = new Supervised({ systemd, status: () => status, progress, clock, log, mask: text => text })
  t.after(() => supervised.close())
  const pass = (ms: number): void => {
    now += ms
    t.mock.timers.tick(5000)
  }
  return { socket, systemd, supervised, progress, pass }
}
