// Permissions taken and given back, with an agent that is not root and that they bind.
import { chmodSync, mkdirSync } from 'node:fs'
import { PROGRAM } from '../lib/real/yarder.ts'
import { run } from '../lib/real/process.ts'
import { all, debian, lane, root } from './lib/lane.ts'
import { logrotate } from './lib/logrotate.ts'
import { World } from './lib/world.ts'

const NOBODY = 65_534
const through = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] as const

async function enterable(): Promise<string | undefined> {
  return run([...through, PROGRAM, 'version']).then(
    () => undefined,
    () => 'needs setpriv (Debian: util-linux) and a checkout that every user may read'
  )
}

lane(
  'a file or folder that may not be read for a while is read on when it may be again',
  { fault: 'permissions taken and given back', needs: all(root, debian('logrotate'), enterable) },
  async own => {
    const world = new World(own, { through, paths: [`${own.folder}/log/app/*.log`] })
    mkdirSync(world.path('app'))
    await world.start()
    const path = world.path('app/app.log')
    const writer = await world.write({ files: [{ writer: 'w', path }], rate: 5000, style: 'mixed' })
    for (const n of own.tries(8)) {
      await world.arrive(own.random.between(100, 2000))
      const kind = n % 4
      if (kind === 0) {
        chmodSync(path, 0)
        await world.grown(own.random.between(1000, 10_000))
        chmodSync(path, 0o644)
      } else if (kind === 1) {
        chmodSync(world.path('app'), 0)
        await world.grown(own.random.between(1000, 10_000))
        chmodSync(world.path('app'), 0o755)
      } else if (kind === 2) {
        // Rotated to a file that nobody but root may read, until somebody sees the mistake.
        await writer.pause()
        await logrotate({ folder: own.folder, log: path, directives: ['create 0600 root root'], writer })
        await writer.reopen()
        await writer.resume()
        await world.grown(own.random.between(1000, 10_000))
        chmodSync(path, 0o644)
      } else {
        chmodSync(world.path('app'), 0)
        await world.grown(own.random.between(1000, 5000))
        await world.stop()
        await world.start()
        await world.grown(own.random.between(1000, 5000))
        chmodSync(world.path('app'), 0o755)
      }
    }
    await world.arrive(500)
    await world.finish()
  }
)
