import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../test/lib/manual-clock.ts'
import { FileSystems } from './file-systems.ts'

const never = new AbortController().signal

/** Questions that are answered by hand; `/proc`, `/sys` and `/dev` are mounts of every host. */
function start() {
  const clock = manualClock()
  const systems = new FileSystems(clock, 0)
  const asked: string[] = []
  const answers = new Map<string, () => void>()
  const ask = (path: string, signal = never): Promise<string> =>
    systems.ask(path, signal, () => {
      asked.push(path)
      return new Promise(resolve => answers.set(path, () => resolve(path)))
    })
  return { clock, asked, ask, answer: (path: string) => answers.get(path)!() }
}

test('one that hangs is not asked again before it answers, and others are meanwhile', async () => {
  const { clock, asked, ask, answer } = start()
  const hung = ask('/proc/a')
  await clock.advance(1001)
  const second = ask('/proc/b')
  const other = ask('/sys/x')
  await clock.advance(0)
  assert.deepEqual(asked, ['/proc/a', '/sys/x'])
  answer('/sys/x')
  assert.equal(await other, '/sys/x')
  answer('/proc/a')
  assert.equal(await hung, '/proc/a')
  await clock.advance(0)
  answer('/proc/b')
  assert.equal(await second, '/proc/b')
  assert.equal(clock.waiting, 0)
})

test('however many hang, a thread is left for the agent', async () => {
  const { clock, asked, ask, answer } = start()
  const paths = ['/proc/a', '/sys/a', '/dev/a', '/a', '/proc/b']
  const all = paths.map(path => ask(path))
  await clock.advance(2000)
  assert.deepEqual(asked, ['/proc/a', '/sys/a', '/dev/a'])
  for (const path of ['/dev/a', '/sys/a', '/proc/a']) answer(path)
  await clock.advance(0)
  for (const path of ['/a', '/proc/b']) answer(path)
  assert.deepEqual(await Promise.all(all), paths)
})

test('who waits lets go when its time is over', async () => {
  const { clock, asked, ask, answer } = start()
  const hung = ask('/proc/a')
  await clock.advance(1001)
  const limit = new AbortController()
  const waits = ask('/proc/b', limit.signal)
  await clock.advance(0)
  limit.abort(new Error('over'))
  await assert.rejects(waits, /over/)
  await assert.rejects(ask('/proc/b', limit.signal), /over/)
  assert.deepEqual(asked, ['/proc/a'])
  answer('/proc/a')
  await hung
})

test('a failure is told and frees its place', async () => {
  const systems = new FileSystems(manualClock(), 0)
  for (let i = 0; i < 5; i++)
    await assert.rejects(
      systems.ask('/a', never, () => Promise.reject(new Error('EIO'))),
      /EIO/
    )
})
