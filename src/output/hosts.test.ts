import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { manualClock } from '../../test/lib/manual-clock.ts'
import { silentLog } from '../core/log.ts'
import { Hosts } from './hosts.ts'
import type { Destination } from './hosts.ts'

function setup(t: TestContext, names: string, options: { loadbalance?: boolean; random?: number } = {}) {
  const clock = manualClock()
  const changes: string[] = []
  const alive = new Set<string>()
  const knocks: Array<[string, number]> = []
  const busy = new Map<string, number>()
  const destinations = names.split('').map((name): Destination => ({
    name,
    get busy() {
      return busy.get(name) ?? 0
    },
    knock: () => {
      knocks.push([name, clock.elapsed()])
      return alive.has(name) ? Promise.resolve() : Promise.reject(new Error('down'))
    }
  }))
  const hosts = new Hosts({
    hosts: destinations,
    loadbalance: options.loadbalance ?? false,
    clock,
    log: silentLog,
    random: () => options.random ?? 0,
    onChange: (h, up) => changes.push(`${h.name} ${up ? 'up' : 'down'}`)
  })
  t.after(() => hosts.close())
  const order = (): string =>
    hosts
      .order()
      .map(h => h.name)
      .join('')
  const get = (name: string): Destination => destinations.find(d => d.name === name)!
  const fail = (name: string, times = 1): void => {
    for (let i = 0; i < times; i++) hosts.bad(get(name), new Error('x'))
  }
  return { hosts, clock, changes, alive, knocks, busy, order, get, fail }
}

test('one host is kept to until it fails, then the next; the first is chosen by chance', t => {
  assert.equal(setup(t, 'abc', { random: 0.99 }).order(), 'cab')
  const s = setup(t, 'abc')
  assert.deepEqual([s.order(), s.order()], ['abc', 'abc'])
  s.fail('a')
  assert.deepEqual([s.order(), s.order()], ['bca', 'bca'])
  s.hosts.good(s.get('b'))
  s.fail('c')
  assert.equal(s.order(), 'bca')
})

test('with loadbalance the least busy is first, and equals take turns', t => {
  const s = setup(t, 'abc', { loadbalance: true })
  assert.deepEqual([s.order(), s.order(), s.order(), s.order()], ['abc', 'bca', 'cab', 'abc'])
  s.busy.set('b', 2).set('c', 1)
  assert.deepEqual([s.order(), s.order()], ['acb', 'acb'])
})

test('with one host out the others share alike', t => {
  const s = setup(t, 'abc', { loadbalance: true })
  s.fail('c', 3)
  assert.deepEqual([s.order(), s.order(), s.order(), s.order()], ['ab', 'ba', 'ab', 'ba'])
})

test('a host is left out after three failures in a row, and back when it can be connected to', async t => {
  const s = setup(t, 'ab', { loadbalance: true })
  s.fail('a', 2)
  s.hosts.good(s.get('a'))
  s.fail('a', 2)
  assert.deepEqual(s.changes, [])
  s.fail('a')
  assert.deepEqual([s.changes, s.order(), s.order()], [['a down'], 'b', 'b'])
  await s.clock.advance(12_000)
  assert.equal(s.knocks.length, 2)
  s.alive.add('a')
  await s.clock.advance(5000)
  assert.deepEqual(s.changes, ['a down', 'a up'])
  assert.equal(s.order().length, 2)
})

test('one that can be connected to and takes nothing goes out at its next failure, and is asked less and less', async t => {
  const s = setup(t, 'ab', { loadbalance: true })
  s.alive.add('a')
  const trials: number[] = []
  s.fail('a', 3)
  for (let i = 0; i < 6; i++) {
    const before = s.clock.elapsed()
    while (s.order().length === 1) await s.clock.advance(1000)
    trials.push((s.clock.elapsed() - before) / 1000)
    s.fail('a')
  }
  assert.deepEqual(trials, [5, 10, 20, 40, 60, 60])
  s.hosts.good(s.get('a'))
  s.fail('a', 3)
  await s.clock.advance(5000)
  assert.equal(s.order().length, 2)
})

test('when all are out all are asked, and one that acknowledges is back at once', async t => {
  const s = setup(t, 'ab', { loadbalance: true })
  s.fail('a', 3)
  s.fail('b', 3)
  assert.equal(s.order().length, 2)
  s.hosts.good(s.get('b'))
  assert.equal(s.order(), 'b')
  s.hosts.close()
  await s.clock.advance(0)
  assert.equal(s.clock.waiting, 0)
})

test('a single host is never left out, and never knocked at; that it is down and up again is told all the same', async t => {
  const s = setup(t, 'a')
  s.fail('a', 2)
  assert.deepEqual(s.changes, [])
  s.fail('a', 9)
  await s.clock.advance(60_000)
  assert.deepEqual([s.order(), s.knocks, s.changes], ['a', [], ['a down']])
  s.hosts.good(s.get('a'))
  assert.deepEqual(s.changes, ['a down', 'a up'])
})
