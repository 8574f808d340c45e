import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Sample } from '../../../core/instruments.ts'
import { DIALECTS, render, targetOf } from './lines.ts'
import type { Dialect } from './lines.ts'
import { MTU, pack } from './packets.ts'

const vectors = new URL('../../../../../shared/vectors/dogstatsd-hotshots.json', import.meta.url)

const line = (dialect: Dialect, kind: 'count' | 'level', value: number, sample: Partial<Sample> = {}): string =>
  render(dialect, { kind, value, target: targetOf(dialect, 'p', { name: 'x', labels: {}, value, ...sample }) })

const labels = { verb: 'GET', path: '/a b|c,d#e:f=g' }

test('each dialect writes labels in its way, without a character that means something', () => {
  assert.equal(line('plain', 'count', 2, { labels }), 'p.x.GET._a_b_c_d_e_f_g:2|c')
  assert.equal(line('datadog', 'count', 2, { labels }), 'p.x:2|c|#verb:GET,path:/a_b_c_d_e_f_g')
  assert.equal(line('telegraf', 'count', 2, { labels }), 'p.x,verb=GET,path=/a_b_c_d_e_f_g:2|c')
  for (const dialect of DIALECTS) assert.equal(line(dialect, 'level', 1.5), 'p.x:1.5|g')
})

test('a gauge below 0 is set to 0 first, except where a sign means no change', () => {
  assert.equal(line('plain', 'level', -5), 'p.x:0|g\np.x:-5|g')
  assert.equal(line('telegraf', 'level', -5, { labels: { a: 'b' } }), 'p.x,a=b:0|g\np.x,a=b:-5|g')
  assert.equal(line('datadog', 'level', -5), 'p.x:-5|g')
  assert.equal(line('plain', 'count', -5), 'p.x:-5|c', 'the sum of a histogram may fall')
})

const noVectors = (() => {
  try {
    readFileSync(vectors)
    return false
  } catch {
    return process.env['CI'] === 'true' ? false : 'the shared vectors are not here'
  }
})()

test('tags are written as hot-shots writes them', { skip: noVectors }, () => {
  const { datagrams } = JSON.parse(readFileSync(vectors, 'utf8')) as { datagrams: { text: string }[] }
  const known = new Set(datagrams.map(({ text }) => text))
  const tags = { labels: { env: 'prod', k: 'v' } }
  assert.ok(known.has(line('telegraf', 'count', 1, tags).replace('p.', '')))
  assert.ok(
    [...known].some(text => text.startsWith(line('datadog', 'count', 1, { labels: { env: 'prod' } }).replace('p.', '')))
  )
})

test('a datagram never exceeds its limit and no line is lost, parted or moved', () => {
  const label = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ maxLength: 400, minLength: 100 }), fc.constant(''))
  const some = fc.record({
    name: fc.string({ minLength: 1 }),
    labels: fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), label, { maxKeys: 6 }),
    value: fc.double({ noNaN: true, noDefaultInfinity: true }),
    kind: fc.constantFrom('count' as const, 'level' as const)
  })
  fc.assert(
    fc.property(fc.array(some, { maxLength: 60 }), fc.constantFrom(...DIALECTS), (all, dialect) => {
      const lines = all.map(({ kind, value, ...sample }) => line(dialect, kind, value, sample))
      const { packets, tooLong } = pack(lines)
      for (const packet of packets) assert.ok(Buffer.byteLength(packet) <= MTU)
      const fitting = lines.filter(one => one.length <= MTU)
      assert.equal(tooLong, lines.length - fitting.length)
      assert.equal(packets.join('\n'), fitting.join('\n'))
      // A pair of lines that belong together begins and ends in the same datagram.
      for (const pair of fitting.filter(one => one.includes('\n')))
        assert.ok(packets.some(packet => packet.includes(pair)))
      const good =
        dialect === 'plain'
          ? /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*:-?\d+(\.\d+)?\|[cg]$/
          : /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(,[a-z_]+=[A-Za-z0-9_./-]+)*:-?\d+(\.\d+)?\|[cg](\|#[a-z_]+:[A-Za-z0-9_./-]+(,[a-z_]+:[A-Za-z0-9_./-]+)*)?$/
      for (const one of packets
        .join('\n')
        .split('\n')
        .filter(text => text !== ''))
        assert.match(one, good)
    })
  )
})

test('datagrams are as few as they can be', () => {
  const { packets } = pack(Array.from({ length: 100 }, (_, i) => `${String(i).padStart(50, '0')}:1|c`))
  // 54 bytes each and a line end between: 26 of them fit.
  assert.equal(packets.length, 4)
})
