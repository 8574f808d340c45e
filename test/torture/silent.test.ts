// Storage that sends no events: the poll alone finds what happened.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../lib/real/process.ts'
import { all, debian, lane, root } from './lib/lane.ts'
import { logrotate } from './lib/logrotate.ts'
import { World } from './lib/world.ts'

for (const directive of ['create', 'copytruncate'] as const) {
  lane(
    `an agent that only polls loses nothing to ${directive}`,
    { fault: `watch: false, logrotate ${directive}`, needs: debian('logrotate') },
    async own => {
      const world = new World(own, { input: ['watch: false', 'poll: 500ms'] })
      await world.start()
      const path = world.path('app.log')
      const writer = await world.write({ files: [{ writer: 'w', path }], rate: 5000 })
      let rotations = 0
      for (const _ of own.tries(5)) {
        await world.arrive(own.random.between(100, 3000))
        const copies = directive === 'copytruncate'
        // The window of copytruncate has lanes of its own; here nothing is written within it.
        if (copies) await writer.pause()
        await logrotate({ folder: own.folder, log: path, directives: [directive], ...(copies ? {} : { writer }) })
        if (copies) await writer.resume()
        rotations++
      }
      await world.arrive(500)
      const { streams } = await world.finish()
      assert.ok(streams <= rotations + 1, 'no file is read under two identities')
    }
  )
}

lane(
  'logs on a file system whose writers are elsewhere are read by polling',
  { fault: 'FUSE without events, logrotate create', needs: all(root, debian('logrotate', 'bindfs', 'fuse3')) },
  async own => {
    // Written beneath the mount, as on a share by another host: the kernel sees no write above. Renames go through the
    // mount, since bindfs knows files by their names and would mix up two that were exchanged behind its back.
    const beneath = join(own.folder, 'beneath')
    const mounted = join(own.folder, 'mounted')
    mkdirSync(beneath)
    mkdirSync(mounted)
    await run(['bindfs', '-o', 'attr_timeout=0,entry_timeout=0,negative_timeout=0', beneath, mounted])
    own.defer(async () => void (await run(['umount', '--lazy', mounted])))
    const world = new World(own, { paths: [join(mounted, '*.log')], logs: beneath })
    await world.start()
    const writer = await world.write({
      files: [{ writer: 'w', path: world.path('app.log') }],
      rate: 4000,
      style: 'mixed'
    })
    const log = join(mounted, 'app.log')
    let rotations = 0
    for (const _ of own.tries(5)) {
      await world.arrive(own.random.between(100, 3000))
      await logrotate({ folder: own.folder, log, directives: ['create'], writer })
      rotations++
    }
    await world.arrive(500)
    const { streams } = await world.finish()
    assert.ok(streams <= rotations + 1, 'no file is read under two identities')
  }
)
