// File systems: the same folder at two places, a folder under another, an inode number that comes again.
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { all, debian, lane, root } from './lib/lane.ts'
import type { Lane } from './lib/lane.ts'
import { costsOf } from './lib/costs.ts'
import { Lines } from './lib/line.ts'
import { run, until } from '../lib/real/process.ts'
import { World } from './lib/world.ts'

/** Mounts, and unmounts with the lane when the caller hasn't. */
async function mount(own: Lane, target: string, ...args: readonly string[]): Promise<() => Promise<void>> {
  mkdirSync(target, { recursive: true })
  await run(['mount', ...args, target])
  let mounted = true
  const unmount = async (): Promise<void> => {
    if (!mounted) return
    mounted = false
    // Whoever still has a file open there keeps it; the name is free at once.
    await run(['umount', '--lazy', target])
  }
  own.defer(unmount)
  return unmount
}

lane(
  'a folder that is there twice by a bind mount is read once',
  { fault: 'bind mount comes and goes', needs: root },
  async own => {
    const bound = join(own.folder, 'bound')
    const world = new World(own, { paths: [join(own.folder, 'log', '*.log'), join(bound, '*.log')] })
    mkdirSync(bound)
    await world.start()
    await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: 5000, style: 'mixed' })
    for (const _ of own.tries(4)) {
      await world.arrive(own.random.between(500, 5000))
      const unmount = await mount(own, bound, '--bind', world.logs)
      await world.arrive(own.random.between(500, 8000))
      await unmount()
    }
    await world.arrive(500)
    const { streams } = await world.finish()
    assert.equal(streams, 1)
  }
)

lane(
  'files that are hidden under a mount are read on, and are the same when it is gone',
  { fault: 'another folder mounted over the logs', needs: root },
  async own => {
    const world = new World(own)
    const other = join(own.folder, 'other')
    mkdirSync(other)
    await world.start()
    await world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: 5000, style: 'mixed' })
    const lines = new Lines('hand')
    for (const n of own.tries(4)) {
      await world.arrive(own.random.between(500, 3000))
      const unmount = await mount(own, world.logs, '--bind', other)
      writeFileSync(world.path(`covering-${n}.log`), lines.take(100))
      world.byHand.set('hand', lines.count)
      await world.arrive(own.random.between(5000, 10_000))
      await unmount()
    }
    await world.arrive(500)
    await world.finish()
  }
)

/** An ext4 of its own: it gives the lowest free inode to the next file, so that a new file gets a deleted one's. */
async function ext4(own: Lane): Promise<string> {
  const image = join(own.folder, 'image')
  await run(['truncate', '--size=64M', image])
  await run(['mkfs.ext4', '-q', '-F', image])
  const target = join(own.folder, 'ext4')
  await mount(own, target, '-o', 'loop', image)
  return target
}

for (const down of [false, true]) {
  const title = down
    ? 'a file that got the inode of a deleted one while the agent was down is a new file'
    : 'a file that gets the inode of a deleted one is a new file'
  const fault = `inode reuse on ext4${down ? ' while down' : ''}`
  lane(title, { fault, needs: all(root, debian('e2fsprogs')) }, async own => {
    const folder = await ext4(own)
    const world = new World(own, { paths: [join(folder, '*.log')] })
    await world.start()
    const lines = new Lines('hand')
    const path = join(folder, 'app.log')
    // Half of the time the files begin alike, longer than any fingerprint.
    const banner = `# ${'the same beginning '.repeat(400)}\n`
    const make = (least: number): void => {
      const text = (own.random.fraction() < 0.5 ? banner : '') + lines.take(own.random.between(1, 500))
      writeFileSync(path, text.length < least ? text + lines.take(Math.ceil((least - text.length) / 40)) : text)
      world.byHand.set('hand', lines.count)
    }
    make(0)
    let reused = 0
    const tries = down ? 6 : 2
    for (const _ of own.tries(tries)) {
      await world.arrive(0)
      await world.caughtUp()
      appendFileSync(path, lines.take(20))
      world.byHand.set('hand', lines.count)
      await world.caughtUp()
      // The kernel frees an inode when nobody has the file open.
      if (down) await world.stop()
      else await until('the file to be closed', () => !costsOf(world.agent.pid).files.some(f => f.startsWith(path)))
      const before = statSync(path)
      unlinkSync(path)
      // Smaller, larger, anything.
      make(Math.min(1_000_000, own.random.pick([0, before.size, before.size * 2])))
      if (statSync(path).ino === before.ino) reused++
      if (down) await world.start()
    }
    await world.finish()
    assert.ok(reused >= tries / 2, `an inode was reused ${reused} times`)
    own.note(`${reused} inodes came again`)
  })
}
