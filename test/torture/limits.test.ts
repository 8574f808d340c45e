// Limits of the system: descriptors, inotify; reached at the start, or on the way.
import assert from 'node:assert/strict'
import { run } from '../lib/real/process.ts'
import { debian, lane } from './lib/lane.ts'
import { logrotate } from './lib/logrotate.ts'
import { World } from './lib/world.ts'

lane(
  'more files than descriptors are read in turn',
  { fault: 'descriptor limit of 64, 200 files grow', needs: debian('logrotate') },
  async own => {
    const world = new World(own, { through: ['prlimit', '--nofile=64:64'] })
    await world.start()
    const files = Array.from({ length: 200 }, (_, i) => ({ writer: `w${i}`, path: world.path(`app-${i}.log`) }))
    const writer = await world.write({ files, rate: 4000, style: 'mixed' })
    for (const _ of own.tries(2)) {
      await world.arrive(own.random.between(4000, 8000))
      const log = `${world.logs}/*.log`
      await logrotate({ folder: own.folder, log, directives: ['create', 'sharedscripts'], writer })
    }
    await world.arrive(2000)
    await world.finish({ fds: 60 })
  }
)

lane(
  'an agent whose descriptors are taken away waits, and goes on when it has them back',
  { fault: 'descriptor limit lowered while it runs' },
  async own => {
    const world = new World(own)
    await world.start()
    const files = Array.from({ length: 60 }, (_, i) => ({ writer: `w${i}`, path: world.path(`app-${i}.log`) }))
    const writer = await world.write({ files, rate: 4000, style: 'mixed' })
    let streams = 60
    for (const _ of own.tries(3)) {
      await world.arrive(own.random.between(2000, 4000))
      // The hard limit stays, so that the soft one can be given back.
      const pid = String(world.agent.pid)
      const { stdout } = await limits(pid)
      await run(['prlimit', '--pid', pid, '--nofile=30:'])
      await world.grown(own.random.between(2000, 8000))
      await run(['prlimit', '--pid', pid, `--nofile=${stdout}:`])
    }
    await writer.pause()
    streams = (await world.finish({ fds: 62 })).streams
    assert.equal(streams, 60)
  }
)

async function limits(pid: string): Promise<{ stdout: string }> {
  const soft = await run(['prlimit', '--pid', pid, '--nofile', '--output=SOFT', '--noheadings', '--raw'])
  return { stdout: soft.trim() }
}

for (const what of ['max_inotify_instances', 'max_inotify_watches'] as const) {
  // A user namespace has limits of its own; the machine's stay as they are.
  const through = [
    'unshare',
    '--user',
    '--map-root-user',
    'sh',
    '-c',
    `echo 0 > /proc/sys/user/${what} && exec "$0" "$@"`
  ]
  const allowed = async (): Promise<string | undefined> =>
    run(['unshare', '--user', '--map-root-user', 'sh', '-c', `echo 0 > /proc/sys/user/${what}`]).then(
      () => undefined,
      () => 'needs user namespaces (sysctl kernel.unprivileged_userns_clone)'
    )
  lane(
    `an agent that gets no ${what === 'max_inotify_instances' ? 'inotify instance' : 'watch of inotify'} polls`,
    { fault: `${what}=0`, needs: allowed },
    async own => {
      const world = new World(own, { through })
      await world.start()
      const path = world.path('app.log')
      const writer = await world.write({ files: [{ writer: 'w', path }], rate: 5000, style: 'mixed' })
      await world.agent.said('The kernel gives no events for some folders')
      for (const _ of own.tries(4)) {
        await world.arrive(own.random.between(100, 3000))
        await logrotate({ folder: own.folder, log: path, directives: ['create'], writer })
      }
      await world.arrive(500)
      await world.finish()
    }
  )
}
