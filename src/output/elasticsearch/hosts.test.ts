import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { silentLog } from '../../core/log.ts'
import { Hosts } from './hosts.ts'
import type { Host } from './hosts.ts'

const host = (name: string): Host => ({ url: new URL(`http://${name}:9200/`), authorization: undefined })

function setup(t: TestContext, ...names: string[]) {
  const clock = manualClock()
  const changes: string[] = []
  const alive = new Set<string>()
  let probes = 0
  const hosts = new Hosts({
    hosts: names.map(host),
    clock,
    log: silentLog,
    probe: h => (probes++, alive.has(h.url.hostname) ? Promise.resolve() : Promise.reject(new Error('down'))),
    onChange: (h, up) => changes.push(`${h.url.hostname} ${up ? 'up' : 'down'}`)
  })
  t.after(() => hosts.close())
  const order = (): string =>
    hosts
      .order()
      .map(h => h.url.hostname)
      .join('')
  const get = (name: string): Host => {
    for (;;) {
      const found = hosts.order().find(h => h.url.hostname === name)
      if (found !== undefined) return found
    }
  }
  return { hosts, clock, changes, alive, order, get, probes: () => probes }
}

test('hosts are taken in turn', t => {
  const { order } = setup(t, 'a', 'b', 'c')
  assert.deepEqual([order(), order(), order(), order()], ['abc', 'bca', 'cab', 'abc'])
})

test('a host is left out after three failures in a row, and back after one good answer to a probe', async t => {
  const s = setup(t, 'a', 'b')
  const a = s.get('a')
  s.hosts.bad(a, new Error('x'))
  s.hosts.bad(a, new Error('x'))
  s.hosts.good(a)
  s.hosts.bad(a, new Error('x'))
  s.hosts.bad(a, new Error('x'))
  assert.deepEqual(s.changes, [])
  s.hosts.bad(a, new Error('x'))
  assert.deepEqual(s.changes, ['a down'])
  assert.deepEqual([s.order(), s.order()], ['b', 'b'])
  await s.clock.advance(20_000)
  assert.equal(s.probes(), 4)
  assert.deepEqual(s.changes, ['a down'])
  s.alive.add('a')
  await s.clock.advance(5000)
  assert.deepEqual(s.changes, ['a down', 'a up'])
  await s.clock.advance(60_000)
  assert.equal(s.probes(), 5)
})

test('when all are out all are asked, and one that answers is back at once', async t => {
  const s = setup(t, 'a', 'b')
  const [a, b] = [s.get('a'), s.get('b')]
  for (let i = 0; i < 3; i++) for (const h of [a, b]) s.hosts.bad(h, new Error('x'))
  assert.equal(s.order().length, 2)
  s.hosts.good(b)
  assert.equal(s.order(), 'b')
  s.hosts.close()
  await s.clock.advance(0)
  assert.equal(s.clock.waiting, 0)
})

test('a single host is never left out, and never probed', async t => {
  const s = setup(t, 'a')
  for (let i = 0; i < 5; i++) s.hosts.bad(s.get('a'), new Error('x'))
  await s.clock.advance(60_000)
  assert.deepEqual([s.order(), s.probes(), s.changes], ['a', 0, []])
})
