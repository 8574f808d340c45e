// Rotation by rename while the agent runs: the real logrotate, in the ways it is configured out there.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { debian, lane } from './lib/lane.ts'
import type { Lane } from './lib/lane.ts'
import { logrotate } from './lib/logrotate.ts'
import { World } from './lib/world.ts'
import type { WorldOptions } from './lib/world.ts'

const needs = debian('logrotate')
const TRIES = 4

interface Way {
  readonly title: string
  readonly fault: string
  readonly directives: (folder: string) => readonly string[]
  readonly options?: (folder: string) => WorldOptions
  /** Rotated names carry the second: two rotations need two of them. */
  readonly dated?: boolean
}

const ways: readonly Way[] = [
  {
    title: 'a file that logrotate renames is read to its end, and the new one from its beginning',
    fault: 'logrotate create',
    directives: () => ['create']
  },
  {
    title: 'a file whose rotated names match the patterns too is read once',
    fault: 'logrotate create, rotated names in the glob',
    directives: () => ['create'],
    options: folder => ({ paths: [`${folder}/log/*.log*`] })
  },
  {
    title: 'a rotated file that is compressed at once is read by its open descriptor',
    fault: 'logrotate compress',
    directives: () => ['create', 'compress']
  },
  {
    title: 'a rotated file that is compressed at the next rotation is known again in its compressed form',
    fault: 'logrotate delaycompress, names in the glob',
    directives: () => ['create', 'compress', 'delaycompress'],
    options: folder => ({ paths: [`${folder}/log/*.log*`] })
  },
  {
    title: 'a file that gets a date in its name is read to its end',
    fault: 'logrotate dateext',
    directives: () => ['create', 'dateext', 'dateformat -%Y%m%d-%s'],
    dated: true
  },
  {
    title: 'a dated name that still ends in .log is not read again',
    fault: 'logrotate dateext + extension, in the glob',
    directives: () => ['create', 'dateext', 'dateformat -%Y%m%d-%s', 'extension .log'],
    dated: true
  },
  {
    title: 'a file that is moved to another folder of the patterns is read once',
    fault: 'logrotate olddir, in the glob',
    directives: folder => ['create', `olddir ${folder}/log/old`],
    options: folder => ({ paths: [`${folder}/log/**/*.log*`] })
  },
  {
    title: 'a file that is moved out of the patterns is read to its end',
    fault: 'logrotate olddir, outside the glob',
    directives: folder => ['create', `olddir ${folder}/log/old`]
  },
  {
    title: 'a file that is rotated until it is removed is read before that',
    fault: 'logrotate create, rotate 1',
    directives: () => ['create', 'rotate 1']
  }
]

for (const way of ways) {
  lane(way.title, { fault: way.fault, needs }, async own => {
    const world = new World(own, way.options?.(own.folder))
    mkdirSync(world.path('old'))
    await world.start()
    const path = world.path('app.log')
    const writer = await world.write({ files: [{ writer: 'w', path }], rate: 5000, style: 'mixed' })
    await world.arrive(500)
    let rotations = 0
    for (const _ of own.tries(TRIES)) {
      await world.arrive(own.random.between(100, 3000))
      if (way.dated === true) await delay(1000 - (Date.now() % 1000) + 5)
      await logrotate({ folder: own.folder, log: path, directives: way.directives(own.folder), writer })
      rotations++
    }
    await world.arrive(500)
    const { streams } = await world.finish()
    assert.equal(streams, rotations + 1, 'every file is one stream, and none is read under two identities')
  })
}

lane(
  'many files that are rotated together, written by one program, are each read in order',
  { fault: 'logrotate create, 40 files with the same first lines', needs },
  async (own: Lane) => {
    const world = new World(own)
    await world.start()
    const files = Array.from({ length: 40 }, (_, i) => ({ writer: `w${i}`, path: world.path(`app-${i}.log`) }))
    const banner = `# ${'the same first line in every file '.repeat(40)}`
    const writer = await world.write({ files, rate: 8000, style: 'mixed', banner })
    await world.arrive(2000)
    let rotations = 0
    for (const _ of own.tries(3)) {
      await world.arrive(own.random.between(500, 4000))
      const before = (await writer.status()).get('w39')!.opens
      await logrotate({
        folder: own.folder,
        log: join(world.logs, '*.log'),
        directives: ['create', 'sharedscripts'],
        writer
      })
      rotations++
      while ((await writer.status()).get('w39')!.opens === before) await delay(5)
    }
    await world.arrive(2000)
    const { streams } = await world.finish({ fds: 45 })
    assert.equal(streams, 40 * (rotations + 1))
    assert.equal(world.judge.banners, 40 * (rotations + 1), 'the line that all begin with came from each')
  }
)
