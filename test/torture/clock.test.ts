// A clock that jumps: Debian's faketime on the real process; the machine's clock is never touched.
import { globSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { debian, lane } from './lib/lane.ts'
import { logrotate } from './lib/logrotate.ts'
import { World } from './lib/world.ts'

lane(
  'a wall clock that jumps back and forth neither stops reading nor loses or repeats a line',
  { fault: 'clock jumps by a second to a week', needs: debian('logrotate', 'faketime') },
  async own => {
    const [library] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')
    if (library === undefined) throw new Error('libfaketimeMT.so.1 is not where faketime puts it')
    const clock = join(own.folder, 'clock')
    const set = (seconds: number): void => writeFileSync(clock, `${seconds < 0 ? '' : '+'}${seconds}s\n`)
    set(0)
    const env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1'
    }
    const world = new World(own, { env })
    await world.start({ env })
    const path = world.path('app.log')
    const writer = await world.write({ files: [{ writer: 'w', path }], rate: 4000, style: 'mixed' })
    for (const n of own.tries(8)) {
      await world.arrive(own.random.between(100, 3000))
      const jump = own.random.pick([1, 60, 3600, 86_400, 7 * 86_400])
      set(n % 2 === 0 ? -jump : jump)
      if (own.random.fraction() < 0.7) {
        await world.arrive(own.random.between(0, 1500))
        await logrotate({ folder: own.folder, log: path, directives: ['create'], writer })
      }
      if (n % 4 === 3) {
        await world.stop()
        await world.start({ env })
      }
    }
    set(0)
    await world.arrive(500)
    await world.finish()
  }
)
