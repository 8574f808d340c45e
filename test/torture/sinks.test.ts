// SIGKILL at any moment with the destinations that have no identities: http, syslog and stdout. Never a gap; twice comes at
// most what was under way.
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import * as web from '../lib/fake-http.ts'
import { startRsyslog } from '../lib/real/rsyslog.ts'
import { PrintedLines, takeDocument } from './lib/destination.ts'
import type { Judge } from './lib/judge.ts'
import { debian, lane } from './lib/lane.ts'
import type { Lane } from './lib/lane.ts'
import { World } from './lib/world.ts'
import type { Destination } from './lib/world.ts'

const BATCH = 200
/** A position is on the disk some moments after the answer, and answers go on meanwhile. */
const MOST = 4000
const BATCHES = `batch: { max_events: ${BATCH}, timeout: 50ms }, backoff: { init: 50ms, max: 500ms }`

/** Kills and starts again so many times under load, then lets everything arrive; `most` is how many may come twice. */
async function killed(own: Lane, world: World, usual: number, most: (kills: number) => number): Promise<void> {
  await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: 2000 })
  await world.start()
  await world.arrive(300)
  let kills = 0
  for (const n of own.tries(usual)) {
    if (n % 3 === 0) await world.arrive(300)
    await delay(own.random.between(0, 500))
    await world.stop('SIGKILL')
    await world.start()
    kills++
  }
  const { lost, damaged, doubled, text } = await world.judged()
  assert.deepEqual({ lost, damaged }, { lost: 0, damaged: 0 }, `${text}\n${world.agent.log()}`)
  assert.ok(doubled <= most(kills), `${doubled} came twice in ${kills} kills: ${text}`)
  await world.stop()
}

/** What comes in a list that only grows. */
const followed = <T>(list: () => readonly T[], take: (item: T) => void): Destination => {
  let read = 0
  return {
    path: '',
    read() {
      const all = list()
      for (; read < all.length; read++) take(all[read]!)
    }
  }
}

lane(
  'killed at any moment, an HTTP server misses nothing, also when the kill comes between the records and the answer',
  { fault: 'SIGKILL at random, http', timeout: 120_000 },
  async own => {
    const fake = await web.startFakeHttp()
    own.t.after(() => fake.down())
    // Some answers take so long that a kill finds them on their way; some are lost.
    let [n, lost] = [0, 0]
    fake.otherwise(exchange => {
      n++
      if (n % 23 === 0) {
        lost++
        return web.takeAndReset()(exchange)
      }
      if (n % 5 === 0) return void setTimeout(() => web.take()(exchange), 40)
      web.take()(exchange)
    })
    const outputs = `outputs:\n  web: { type: http, url: '${fake.url}', ${BATCHES} }`
    const destination = (judge: Judge): Destination =>
      followed(
        () => fake.taken,
        document => takeDocument(judge, document, false)
      )
    const world = new World(own, { agent: 'ship_own_errors: false', outputs, destination })
    await killed(own, world, 6, kills => kills * MOST + lost * BATCH)
  }
)

lane(
  'killed at any moment, rsyslogd misses nothing',
  { fault: 'SIGKILL at random, syslog (rsyslogd, TCP)', needs: debian('rsyslog'), timeout: 120_000 },
  async own => {
    const rsyslog = await startRsyslog({ listener: 'imtcp' })
    own.defer(() => rsyslog.remove())
    const outputs = `outputs:\n  log: { type: syslog, hosts: ['${rsyslog.address}'], confirm: 100ms, ${BATCHES} }`
    const destination = (judge: Judge): Destination =>
      followed(
        () => rsyslog.taken(),
        // rsyslogd writes controls so, unless told otherwise.
        ({ text }) => judge.take(text.replaceAll('#011', '\t'))
      )
    const world = new World(own, { agent: 'ship_own_errors: false', outputs, destination })
    await killed(own, world, 4, kills => kills * MOST)
  }
)

/** The lines of JSON among what all runs of the agent have printed. */
function printed(folder: string, judge: Judge): Destination {
  const lines = new PrintedLines(judge)
  return {
    path: '',
    read() {
      if (!existsSync(folder)) return
      for (const name of readdirSync(folder)) if (name.endsWith('.log')) lines.read(join(folder, name))
    }
  }
}

lane(
  'killed at any moment, what was printed has no gap',
  { fault: 'SIGKILL at random, stdout', timeout: 120_000 },
  async own => {
    const folder = join(own.folder, 'agent')
    const world = new World(own, {
      agent: 'ship_own_errors: false',
      outputs: 'outputs:\n  out: { type: stdout, format: json }',
      destination: judge => printed(folder, judge)
    })
    await killed(own, world, 4, kills => kills * MOST)
  }
)
