// Rotation by copy and truncate. What is written between logrotate's last read of the file and its truncation is in no
// copy and no file: if the agent had not read it by then, nobody can. Everything else must arrive.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { linesOnDisk, lostBytes, readable } from './lib/disk.ts'
import { debian, lane } from './lib/lane.ts'
import type { Lane } from './lib/lane.ts'
import { logrotate } from './lib/logrotate.ts'
import { World } from './lib/world.ts'

const needs = debian('logrotate')
/** Lines that nobody has are not waited for as long as elsewhere. */
const patience = 5000

/** Lost may be only what is on no disk, and what is told as lost must have been. */
async function excused(own: Lane, world: World): Promise<void> {
  const verdict = await world.judged()
  const { doubled, disordered, damaged, invented } = verdict
  assert.deepEqual([doubled, disordered, damaged, invented], [0, 0, 0, 0], verdict.text)
  const disk = linesOnDisk(join(world.logs, '**/app.log*'))
  assert.deepEqual(readable(verdict, disk).slice(0, 20), [], `on the disk, but not delivered\n${world.agent.log()}`)
  const told = world.losses().reduce((n, { bytes }) => n + bytes, 0)
  const bytes = lostBytes(verdict, 'w')
  assert.ok(told <= bytes, `${told} bytes are told as lost, ${bytes} are\n${verdict.text}\n${world.agent.log()}`)
  if (verdict.lost > 0) own.note(`lost in the window between copy and truncate: ${bytes} bytes, ${told} of them told`)
  const saved = [...(await world.written()).values()].reduce((n, { lines }) => n + lines, 0) - verdict.lost - disk.got
  if (saved > 0) own.note(`${saved} lines are in no file any more and came nevertheless`)
  await world.costsBack()
  const { code } = await world.stop()
  assert.equal(code, 0)
}

const ways = [
  { title: 'a file that is copied and cut loses nothing that is in the copy or in the file', directives: [], more: '' },
  {
    title: 'a copy that is compressed at once is read like one that is not',
    directives: ['compress'],
    more: ' compress'
  },
  {
    title: 'a copy in the patterns is not read again',
    directives: [],
    more: ', copies in the glob',
    paths: (folder: string) => [`${folder}/log/*.log*`]
  }
]

for (const { title, directives, more, paths } of ways) {
  lane(title, { fault: `logrotate copytruncate${more}`, needs }, async own => {
    const world = new World(own, { patience, ...(paths === undefined ? {} : { paths: paths(own.folder) }) })
    await world.start()
    const path = world.path('app.log')
    await world.write({ files: [{ writer: 'w', path }], rate: 5000 })
    await world.arrive(500)
    for (const _ of own.tries(6)) {
      await world.arrive(own.random.between(100, 4000))
      await logrotate({ folder: own.folder, log: path, directives: ['copytruncate', ...directives] })
    }
    await world.arrive(500)
    await excused(own, world)
  })
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  lane(
    `what stands in the copy is read when the agent was ${signal === 'SIGTERM' ? 'stopped' : 'killed'} meanwhile`,
    { fault: `logrotate copytruncate while down (${signal})`, needs },
    async own => {
      const world = new World(own, { patience })
      await world.start()
      const path = world.path('app.log')
      const writer = await world.write({ files: [{ writer: 'w', path }], rate: 5000 })
      for (const _ of own.tries(signal === 'SIGKILL' ? 2 : 4)) {
        await world.arrive(own.random.between(500, 4000))
        // A killed agent sends the unacknowledged again, and a file has no identities; at rest there is none of that.
        if (signal === 'SIGKILL') {
          await writer.pause()
          // What an earlier window swallowed does not come.
          await world.caughtUp().catch(() => undefined)
          await world.acknowledged()
        }
        await world.stop(signal)
        if (signal === 'SIGKILL') await writer.resume()
        for (let n = own.random.between(1, 3); n > 0; n--) {
          await world.grown(own.random.between(500, 3000))
          await logrotate({ folder: own.folder, log: path, directives: ['copytruncate'] })
        }
        await world.grown(own.random.between(0, 2000))
        await world.start()
      }
      await world.arrive(500)
      await excused(own, world)
    }
  )
}

lane(
  'a file that was cut under a writer without O_APPEND goes on behind the hole',
  { fault: 'logrotate copytruncate, sparse file', needs },
  async own => {
    const world = new World(own, { patience, ordered: false })
    await world.start()
    const path = world.path('app.log')
    await world.write({ files: [{ writer: 'w', path }], rate: 3000, append: false })
    for (const _ of own.tries(5)) {
      await world.arrive(own.random.between(500, 4000))
      await logrotate({ folder: own.folder, log: path, directives: ['copytruncate'] })
    }
    await world.arrive(500)
    await excused(own, world)
  }
)
