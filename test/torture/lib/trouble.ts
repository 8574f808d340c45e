// The shape of most lanes about disks: a file is shipped, the fault is played and mended, and each line is there once.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { FakeElasticsearch } from '../../lib/fake-elasticsearch.ts'
import { fakeWorld } from './fake-destination.ts'
import { lane } from './lane.ts'
import type { Lane } from './lane.ts'
import { mayMount, onSmallDisk } from './small-disk.ts'
import type { SmallDisk } from './small-disk.ts'
import type { World, WorldOptions } from './world.ts'

/** Lines a second. */
export const RATE = 3000
const REFUSED = 'The state file cannot be written'
const WRITABLE = 'The state file can be written again'

/** The doors of the agent are open, and what they say fits: yellow with the reason, or green. */
export async function answers(world: World, positions: 'in memory' | 'on disk'): Promise<void> {
  const health = await fetch(`${world.agent.url}/health`)
  assert.equal(health.status, 200)
  const { status, message } = (await health.json()) as { status: string; message: string }
  if (positions === 'in memory') {
    assert.equal(status, 'yellow')
    assert.match(message, /^state: positions are kept in memory only: /)
  }
  assert.equal(await world.agent.metric('yarder_state_writable'), positions === 'on disk' ? 1 : 0)
}

/** Everything is there once; the disk may have nothing left behind. */
export async function none(world: World): Promise<void> {
  const { lost, doubled, damaged, text } = await world.judged()
  assert.deepEqual({ lost, doubled, damaged }, { lost: 0, doubled: 0, damaged: 0 }, `${text}\n${world.agent.log()}`)
}

/** How often a log says it. */
export const times = (log: string, sentence: string): number => log.split(sentence).length - 1
/** Starts the writer of the one file. */
export const write = (world: World): Promise<unknown> =>
  world.write({ files: [{ writer: 'w', path: world.path('app.log') }], rate: RATE })

/** A lane with its world and where its lines arrive. */
export interface Rig {
  readonly own: Lane
  readonly world: World
  readonly fake: FakeElasticsearch
}

/** A file is written and shipped; the fault is played so many times; in the end each line is there once. */
async function played(rig: Rig, tries: number, play: (n: number) => Promise<void>): Promise<void> {
  const { own, world } = rig
  await world.start()
  await write(world)
  await world.arrive(1000)
  for (const n of own.tries(tries)) await play(n)
  await none(world)
  assert.equal((await world.stop()).code, 0)
}

interface Trouble {
  readonly title: string
  readonly fault: string
  readonly tries: number
  readonly options?: WorldOptions
}

/** A lane on the disk that all is on. `play` is one try: the fault, what has to hold, and the mending. */
export function trouble(
  { title, fault, tries, options, needs }: Trouble & { needs?: () => Promise<string | undefined> },
  play: (rig: Rig, n: number) => Promise<void>
): void {
  lane(title, { fault, ...(needs === undefined ? {} : { needs }) }, async own => {
    const rig = { own, ...(await fakeWorld(own, options)) }
    await played(rig, tries, n => play(rig, n))
  })
}

/** A lane in which one folder of the world is a small disk of its own. */
export function diskTrouble(
  { title, fault, tries, options, on }: Trouble & { on: { folder: string; kib: number } },
  play: (rig: Rig, disk: SmallDisk, n: number) => Promise<void>
): void {
  lane(title, { fault, needs: mayMount }, async own => {
    const rig = { own, ...(await fakeWorld(own, options)) }
    await onSmallDisk(join(own.folder, on.folder), on.kib, disk => played(rig, tries, n => play(rig, disk, n)))
  })
}

/** Fills the disk; the answer makes room again. */
export function filled(disk: SmallDisk): Promise<() => Promise<void>> {
  disk.fill()
  return Promise.resolve(() => Promise.resolve(disk.free()))
}

/** The state cannot be written: that is told once, and all else goes on. */
export async function goesOn(world: World, lines = RATE): Promise<void> {
  await world.agent.said(REFUSED)
  await world.arrive(lines)
  await answers(world, 'in memory')
  assert.equal(times(world.agent.log(), REFUSED), 1, 'told once')
}

/** The state can be written again, and a SIGKILL right after finds every position. */
export async function recovers(world: World, lines = 500): Promise<void> {
  await world.agent.said(WRITABLE)
  await answers(world, 'on disk')
  await killed(world, lines)
}

/** A SIGKILL, after which lines go on. */
export async function killed(world: World, lines = 500): Promise<void> {
  await world.stop('SIGKILL')
  await world.start()
  await world.arrive(lines)
}
