// Names that come, go and lead elsewhere: a file is what it holds, not what it is called.
import assert from 'node:assert/strict'
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { until } from '../lib/real/process.ts'
import { lane } from './lib/lane.ts'
import { Lines } from './lib/line.ts'
import { World } from './lib/world.ts'

lane(
  'a file that is deleted under its writer is read until the writer leaves it',
  { fault: 'delete while open' },
  async own => {
    const world = new World(own)
    await world.start()
    const path = world.path('app.log')
    const writer = await world.write({ files: [{ writer: 'w', path }], rate: 5000, style: 'mixed' })
    let deleted = 0
    for (const _ of own.tries(6)) {
      await world.arrive(own.random.between(100, 3000))
      unlinkSync(path)
      deleted++
      await world.arrive(own.random.between(100, 3000))
      await writer.reopen()
    }
    await world.arrive(500)
    const { streams } = await world.finish()
    assert.equal(streams, deleted + 1)
  }
)

lane('empty files cost nothing, and what is written to them comes', { fault: '300 empty files' }, async own => {
  const world = new World(own)
  await world.start()
  await world.write({ files: [{ writer: 'w', path: world.path('busy.log') }], rate: 2000 })
  await world.arrive(500)
  const lines = new Lines('hand')
  for (const n of own.tries(3)) {
    const paths = Array.from({ length: 300 }, (_, i) => world.path(`empty-${n}-${i}.log`))
    for (const path of paths) writeFileSync(path, '')
    await world.arrive(3000)
    for (const path of paths.slice(0, 100)) appendFileSync(path, lines.take(3))
    for (const path of paths.slice(100, 150)) unlinkSync(path)
    for (const path of paths.slice(150, 200)) renameSync(path, `${path}.1`)
    for (const path of paths.slice(150, 200)) writeFileSync(path, lines.take(1))
    for (const path of paths.slice(200, 250)) utimesSync(path, 1, 1)
    world.byHand.set('hand', lines.count)
    await world.arrive(2000)
    await world.caughtUp()
    for (const path of paths) rmSync(path, { force: true })
  }
  await world.finish()
})

lane(
  'files that begin with the same single byte are told apart',
  { fault: '200 files of 1 byte, half of them renamed' },
  async own => {
    const world = new World(own)
    await world.start()
    await world.write({ files: [{ writer: 'w', path: world.path('busy.log') }], rate: 2000 })
    await world.arrive(500)
    const lines = new Lines('hand')
    for (const n of own.tries(3)) {
      const paths = Array.from({ length: 200 }, (_, i) => world.path(`one-${n}-${i}.log`))
      const owed = new Map<string, string>()
      const begin = (path: string): void => {
        const line = lines.next()
        writeFileSync(path, line.slice(0, 1))
        owed.set(path, line.slice(1))
      }
      for (const path of paths) begin(path)
      await world.arrive(3000)
      for (const path of paths.slice(0, 100)) {
        renameSync(path, `${path}.1`)
        owed.set(`${path}.1`, owed.get(path)!)
        begin(path)
      }
      await world.arrive(own.random.between(10, 3000))
      for (const [path, rest] of owed) appendFileSync(path, rest)
      world.byHand.set('hand', lines.count)
      await world.caughtUp()
      for (const path of owed.keys()) unlinkSync(path)
    }
    await world.finish()
  }
)

lane(
  'a symbolic link that moves on is followed, and what it led to is read to its end',
  { fault: 'symlink moves to the next file' },
  async own => {
    const world = new World(own)
    const real = join(own.folder, 'real')
    mkdirSync(real)
    const link = world.path('current.log')
    const turn = (n: number): void => {
      symlinkSync(join(real, `app-${n}`), `${link}.new`)
      renameSync(`${link}.new`, link)
    }
    turn(0)
    await world.start()
    const writer = await world.write({ files: [{ writer: 'w', path: link }], rate: 5000, style: 'mixed' })
    let moved = 0
    for (const _ of own.tries(6)) {
      await world.arrive(own.random.between(100, 3000))
      turn(++moved)
      await world.arrive(own.random.between(0, 2000))
      await writer.reopen()
    }
    await world.arrive(500)
    const { streams } = await world.finish()
    assert.equal(streams, moved + 1)
  }
)

lane('a file of several names is read once, whichever of them go', { fault: 'hard links' }, async own => {
  const world = new World(own)
  await world.start()
  const path = world.path('app.log')
  const writer = await world.write({ files: [{ writer: 'w', path }], rate: 5000, style: 'mixed' })
  let files = 1
  for (const n of own.tries(6)) {
    await world.arrive(own.random.between(100, 2000))
    const other = world.path(`other-${n}.log`)
    linkSync(path, other)
    await world.arrive(own.random.between(100, 2000))
    unlinkSync(path)
    await world.arrive(own.random.between(100, 2000))
    await writer.reopen()
    files++
    await until('the new file', async () => (await writer.status()).get('w')!.opens === files)
    if (own.random.fraction() < 0.5) unlinkSync(other)
  }
  await world.arrive(500)
  const { streams } = await world.finish()
  assert.equal(streams, files)
})

lane(
  'a folder that is moved away and back, or made anew, loses nothing',
  { fault: 'folder disappears and returns' },
  async own => {
    const world = new World(own, { paths: [join(own.folder, 'log', 'app', '*.log')] })
    const folder = world.path('app')
    const away = join(own.folder, 'away')
    mkdirSync(folder)
    await world.start()
    const path = join(folder, 'app.log')
    const writer = await world.write({ files: [{ writer: 'w', path }], rate: 5000, style: 'mixed' })
    let files = 1
    for (const n of own.tries(6)) {
      await world.arrive(own.random.between(100, 3000))
      renameSync(folder, away)
      await world.arrive(own.random.between(500, 6000))
      if (n % 2 === 0) renameSync(away, folder)
      else {
        mkdirSync(folder)
        await writer.reopen()
        files++
        await world.arrive(own.random.between(500, 3000))
        rmSync(away, { recursive: true })
      }
    }
    await world.arrive(500)
    const { streams } = await world.finish()
    assert.equal(streams, files)
  }
)
