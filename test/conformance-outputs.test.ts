// Runs every output of THE LIST behind the delivery through the same behaviours: open and close, half-started, refusals
// by record, saturation, and a destination that fails in every way. Whatever happens, each record settles exactly once.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { catalog } from '../src/agent/components.ts'
import type { Context, Output, Parcel, Records, Sent } from '../src/core/component.ts'
import { YarderError } from '../src/core/errors.ts'
import { readFields } from '../src/core/field.ts'
import type { Fields } from '../src/core/field.ts'
import { cutParcel, makeParcel } from '../src/core/parcel.ts'
import { readDeadLetters } from '../src/output/dead-letter.ts'
import { Delivery, deliveryOptions } from '../src/output/delivery.ts'
import { elasticsearch } from '../src/output/elasticsearch.ts'
import { file } from '../src/output/file.ts'
import { http } from '../src/output/http.ts'
import { logstash } from '../src/output/logstash.ts'
import { stdout, stdoutTo } from '../src/output/stdout.ts'
import { syslog } from '../src/output/syslog.ts'
import * as fakes from './lib/fake-elasticsearch.ts'
import type { Behaviour } from './lib/fake-elasticsearch.ts'
import * as web from './lib/fake-http.ts'
import * as beats from './lib/fake-logstash.ts'
import { startFakeSyslog } from './lib/fake-syslog.ts'
import { makeRecords } from './lib/records.ts'
import { context } from './lib/step.ts'

/** A destination of one kind of output, and what only it knows. */
interface Rig {
  readonly output: Output
  readonly options: Readonly<Record<string, unknown>>
  /** The records that arrived, by their key, in order, as often as they did. */
  arrived(): string[]
  /** Takes nothing from now on; holds from the start until `open`. */
  shut(): Promise<void>
  open(): Promise<void>
  /** True when a record that is sent again is recognised. */
  readonly once: boolean
  /** Makes the destination refuse the records of these keys for good, where it judges records at all. */
  refuse?(keys: ReadonlySet<string>): void
  /** Makes the destination fail in its own ways; `random` decides. */
  fail?(random: () => number): void
}

/** `timeout` is that of a request: short where a silent destination is part of the play. */
type MakeRig = (t: TestContext, ctx: Context, timeout: string) => Promise<Rig>

const FAST = { backoff: { init: '10ms', max: '30ms' }, batch: { timeout: '0s', max_events: 40 }, in_flight: 3 }

function read<F extends Fields>(fields: F, given: object): NonNullable<ReturnType<typeof readFields<F>>> {
  const options = readFields(fields, given, (path, message) => assert.fail(`${path} ${message}`))
  assert.ok(options !== undefined)
  return options
}

const keyOf = (line: string): string => (JSON.parse(line) as { k: string }).k
const lines = (text: string): string[] => text.split('\n').slice(0, -1)

const RIGS: Readonly<Record<string, MakeRig>> = {
  elasticsearch: async (t, ctx, timeout) => {
    const fake = await fakes.startFakeElasticsearch()
    t.after(() => fake.stop())
    const options = read(elasticsearch.fields, { hosts: [fake.url], timeout, ...FAST })
    return {
      output: elasticsearch.build(options, ctx),
      options,
      once: true,
      arrived: () => fake.docs.map(d => String(d.source['k'])),
      shut: () => fake.down(),
      open: () => fake.up(),
      refuse: keys => fake.otherwise(fakes.mixed(({ source }) => (keys.has(keyOf(source)) ? 400 : undefined))),
      fail: random => {
        const faults: Behaviour[] = [
          fakes.refuse(503),
          fakes.refuse(429),
          fakes.refuse(500),
          fakes.limit(1500),
          fakes.mixed(() => (random() < 0.3 ? 429 : undefined)),
          fakes.mixed(() => (random() < 0.3 ? 503 : undefined)),
          fakes.resetInBody(),
          fakes.resetInAnswer(),
          fakes.halfClose({ store: true }),
          fakes.silent({ store: true }),
          fakes.invalidJson(),
          fakes.tooFewItems(),
          fakes.page(),
          fakes.drip({ bytes: 50 })
        ]
        fake.otherwise(exchange =>
          (random() < 0.4 ? faults[Math.floor(random() * faults.length)]! : fakes.accept())(exchange)
        )
      }
    }
  },

  file: (_t, ctx) => {
    const path = join(ctx.configDir, 'out.ndjson')
    const options = read(file.fields, { path: 'out.ndjson' })
    return Promise.resolve({
      output: file.build(options, ctx),
      options: { ...options, ...FAST_LOCAL },
      once: false,
      arrived: () => lines(readFileSync(path, 'utf8')).map(keyOf),
      // Where a directory stands no file can be opened.
      shut: () => Promise.resolve(mkdirSync(path)).then(() => {}),
      open: () => Promise.resolve(rmdirSync(path))
    })
  },

  http: async (t, ctx, timeout) => {
    const fake = await web.startFakeHttp()
    t.after(() => fake.down())
    const options = read(http.fields, { url: fake.url, timeout, ...FAST })
    const liked = (keys: ReadonlySet<string>) => (exchange: web.Exchange) =>
      (exchange.records.some(r => keys.has(String(r['k']))) ? web.refuse(422) : web.take())(exchange)
    return {
      output: http.build(options, ctx),
      options,
      once: false,
      arrived: () => fake.taken.map(record => String(record['k'])),
      shut: () => fake.down(),
      open: () => fake.up(),
      refuse: keys => fake.otherwise(liked(keys)),
      fail: random => {
        const statuses = [302, 401, 403, 404, 408, 429, 500, 502, 503]
        const faults: web.Behaviour[] = [
          ...statuses.map(status => web.refuse(status)),
          web.limit(1500),
          web.reset(),
          web.takeAndReset(),
          web.silence()
        ]
        fake.otherwise(exchange =>
          (random() < 0.4 ? faults[Math.floor(random() * faults.length)]! : web.take())(exchange)
        )
      }
    }
  },

  logstash: async (t, ctx, timeout) => {
    const fake = await beats.startFakeLogstash()
    t.after(async () => {
      await fake.down()
      assert.deepEqual(fake.violations, [])
    })
    const options = read(logstash.fields, { hosts: [fake.address], timeout, ...FAST })
    return {
      output: logstash.build(options, ctx),
      options,
      once: false,
      arrived: () => fake.taken.map(event => String(event['k'])),
      shut: () => fake.down(),
      open: () => fake.up(),
      refuse: keys => {
        fake.poison = event => keys.has(String(event['k']))
      },
      fail: random => {
        const part = (): number => Math.floor(random() * 20)
        const faults: Array<() => beats.Behaviour> = [
          () => beats.partly(part(), 'reset'),
          () => beats.partly(part(), 'fin'),
          () => beats.partly(part(), 'silence'),
          () => beats.takeAndReset(part()),
          () => beats.keepAlives(3),
          beats.reset,
          beats.fin,
          beats.silence,
          () => beats.answer('HTTP/1.1 400 Bad Request\r\n\r\n')
        ]
        fake.otherwise(window => (random() < 0.4 ? faults[Math.floor(random() * faults.length)]! : beats.ack)()(window))
      }
    }
  },

  stdout: t => {
    const pipe = new PassThrough({ highWaterMark: 1024 })
    let text = ''
    const collect = (chunk: Buffer): void => void (text += chunk.toString())
    pipe.on('data', collect)
    t.after(() => pipe.destroy())
    const options = read(stdout.fields, {})
    return Promise.resolve({
      output: stdoutTo(pipe, options.format, false),
      options: { ...options, ...FAST_LOCAL },
      once: false,
      arrived: () => lines(text).map(keyOf),
      shut: () => Promise.resolve(void pipe.pause()),
      open: () => Promise.resolve(void pipe.resume())
    })
  },

  syslog: async (t, ctx, timeout) => {
    const fake = await startFakeSyslog()
    t.after(async () => {
      await fake.down()
      assert.deepEqual(fake.violations, [])
    })
    const options = read(syslog.fields, {
      hosts: [fake.address],
      content: 'json',
      confirm: '20ms',
      timeout,
      ...FAST
    })
    return {
      output: syslog.build(options, ctx),
      options,
      once: false,
      arrived: () => fake.taken.map(message => keyOf(message.slice(message.indexOf('{')))),
      shut: () => fake.down(),
      open: () => fake.up(),
      fail: random => {
        const ways = ['reset', 'silence'] as const
        fake.fault = () =>
          random() < 0.4 ? { after: Math.floor(random() * 5000), how: ways[Math.floor(random() * 2)]! } : undefined
      }
    }
  }
}

/** Outputs on this host have none of these as options; the delivery's are made quick all the same. */
const FAST_LOCAL = {
  backoff: { init: 10, max: 30 },
  batch: { timeout: 0, max_events: 40, max_bytes: 1024 * 1024 }
}

interface Play {
  readonly rig: Rig
  readonly delivery: Delivery
  /** Names of the batches that were settled, as often as they were. */
  readonly settled: string[]
  offer(batch: string, count: number): Promise<void>
  all(...batches: string[]): Promise<void>
  dead(): Promise<string[]>
}

async function play(
  t: TestContext,
  make: MakeRig,
  {
    wrap = o => o,
    queue_bytes,
    timeout = '300ms'
  }: { wrap?: (output: Output) => Output; queue_bytes?: number; timeout?: string } = {}
): Promise<Play> {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const ctx = context({ name: 'out', dataDir: join(dir, 'data'), configDir: dir })
  const rig = await make(t, ctx, timeout)
  const options = deliveryOptions({ ...rig.options, ...(queue_bytes === undefined ? {} : { queue_bytes }) })
  const delivery = new Delivery({ type: 'test', output: wrap(rig.output), options, context: ctx })
  t.after(async () => {
    await delivery.close()
    rmSync(dir, { recursive: true, force: true })
  })
  delivery.start()
  const settled: string[] = []
  return {
    rig,
    delivery,
    settled,
    offer: (batch, count) => delivery.offer(batchOf(batch, count, () => settled.push(batch))),
    all: (...batches) =>
      t.waitFor(() => assert.deepEqual([...settled].sort(), [...batches].sort()), { timeout: 30_000, interval: 5 }),
    dead: async () =>
      (await Array.fromAsync(readDeadLetters(ctx.dataDir, 'out'))).map(d => (d.document as { k: string }).k)
  }
}

const keysOf = (batch: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${batch}/${n}`)

function batchOf(batch: string, count: number, settle: () => void): Records {
  return makeRecords({
    docs: keysOf(batch, count).map(k => ({ k, text: 'x'.repeat(50) })),
    offsets: keysOf(batch, count).map((_, n) => n),
    sourceId: batch,
    settle
  })
}

/** Numbers from 0 to 1, the same at every run of the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

test('every output of the list is run here', () => {
  const listed = catalog.units.outputs.definitions.map(d => d.name as string)
  assert.deepEqual(
    listed.filter(name => RIGS[name] === undefined),
    [],
    'a new output needs a rig'
  )
})

for (const [name, make] of Object.entries(RIGS)) {
  test(`${name}: what is offered arrives once, in order where one send follows the other, and settles once`, async t => {
    // An answer that is late on a busy machine would be a lost one.
    const p = await play(t, make, { timeout: '20s' })
    for (const batch of ['a', 'b', 'c']) await p.offer(batch, 100)
    await p.all('a', 'b', 'c')
    const arrived = p.rig.arrived()
    assert.equal(arrived.length, 300)
    for (const batch of ['a', 'b', 'c']) {
      const own = arrived.filter(k => k.startsWith(batch))
      // Several requests at the same time may overtake each other.
      if (p.rig.options['in_flight'] === undefined) assert.deepEqual(own, keysOf(batch, 100))
      else assert.deepEqual(own.sort(), keysOf(batch, 100).sort())
    }
    assert.equal(await p.delivery.drain(1000), true)
  })

  test(`${name}: closes twice, unused, half-started, and while a send hangs`, async t => {
    const unused = await play(t, make)
    await unused.rig.output.close()
    await unused.rig.output.close()

    const hanging = await play(t, make)
    await hanging.rig.shut()
    const abort = new AbortController()
    const big = Array.from({ length: 30 }, (_, i) => batchOf(`b${i}`, 10, () => {}))
    const parcel = makeParcel(big.map(records => ({ records, from: 0, to: records.count })))
    const sent = hanging.rig.output.send(parcel, abort.signal).then(
      () => 'sent',
      () => 'refused'
    )
    await turn()
    abort.abort(new Error('stopping'))
    await Promise.all([hanging.rig.output.close(), hanging.rig.output.close()])
    assert.equal(await sent, 'refused')
  })

  test(`${name}: a destination that takes nothing blocks the offer, and all arrives when it is back`, async t => {
    const p = await play(t, make, { queue_bytes: 2000 })
    await p.rig.shut()
    const offers = ['a', 'b', 'c', 'd'].map(batch => p.offer(batch, 50))
    const state = await Promise.race([Promise.all(offers).then(() => 'free'), turn().then(() => 'blocked')])
    assert.equal(state, 'blocked')
    assert.deepEqual(p.settled, [])
    assert.equal(p.delivery.unacknowledged, 200)
    await p.rig.open()
    await Promise.all(offers)
    await p.all('a', 'b', 'c', 'd')
    const wanted = ['a', 'b', 'c', 'd'].flatMap(batch => keysOf(batch, 50))
    assert.deepEqual([...new Set(p.rig.arrived())].sort(), wanted.sort())
  })

  test(`${name}: stopped while the destination is away, it says that something is left, and settles nothing`, async t => {
    const p = await play(t, make)
    await p.rig.shut()
    void p.offer('a', 500)
    assert.equal(await p.delivery.drain(50), false)
    assert.deepEqual(p.settled, [])
  })

  for (const seed of [1, 2, 3]) {
    test(`${name}: with a fault in every third send each batch settles once, nothing is lost (seed ${seed})`, async t => {
      const random = randomFrom(seed)
      const poison = new Set(['b3/7', 'b9/0', 'b9/1'])
      const p = await play(t, make, { wrap: output => faulty(output, random, poison), queue_bytes: 20_000 })
      const batches = Array.from({ length: 20 }, (_, i) => `b${i}`)
      for (const batch of batches) await p.offer(batch, 1 + Math.floor(random() * 60))
      await p.all(...batches)
      await assertComplete(p)
      assert.deepEqual(
        (await p.dead()).filter(k => !poison.has(k)),
        []
      )
    })
  }
}

/** Nothing of what was offered is missing, and where a second sending is recognised nothing is there twice. */
async function assertComplete(p: Play): Promise<void> {
  const arrived = p.rig.arrived()
  const dead = await p.dead()
  const all = new Set([...arrived, ...dead])
  const counts = new Map<string, number>()
  for (const key of all) {
    const [batch, n] = key.split('/') as [string, string]
    counts.set(batch, Math.max(counts.get(batch) ?? 0, Number(n) + 1))
  }
  for (const [batch, count] of counts)
    for (const key of keysOf(batch, count)) assert.ok(all.has(key), `${key} is nowhere`)
  assert.deepEqual([...counts.keys()].sort(), [...p.settled].sort())
  assert.equal(p.delivery.unacknowledged, 0)
  if (p.rig.once) assert.equal(new Set(arrived).size, arrived.length)
  assert.deepEqual(
    dead.filter(key => arrived.includes(key)),
    [],
    'no record is both delivered and refused'
  )
}

/** An output that fails before it has sent, after, or in part, whatever it is; and refuses some records for good. */
function faulty(output: Output, random: () => number, poison: ReadonlySet<string>): Output {
  const keys = (parcel: Parcel): string[] =>
    parcel.parts.flatMap(({ records, from, to }) => lines(records.bytes.toString()).slice(from, to).map(keyOf))
  return {
    ...(output.probe === undefined ? {} : { probe: signal => output.probe!(signal) }),
    ...(output.keys === undefined ? {} : { keys: output.keys }),
    close: () => output.close(),
    async send(parcel, signal): Promise<Sent> {
      if (random() < 0.15) throw new YarderError('UNREACHABLE', 'failing before the send')
      const names = keys(parcel)
      const rejected = names.flatMap((k, index) => (poison.has(k) ? [{ index, reason: 'poison', status: 400 }] : []))
      const wanted = names.map(k => !poison.has(k) && random() > 0.05)
      const parts = wanted.flatMap((yes, i) => (yes ? cutParcel(parcel, i, i + 1).parts : []))
      if (parts.length > 0) {
        const sent = await output.send(makeParcel(parts), signal)
        const indexes = wanted.flatMap((yes, i) => (yes ? [i] : []))
        for (const i of sent.retry) wanted[indexes[i]!] = false
        assert.deepEqual(sent.rejected, [])
      }
      if (random() < 0.15) throw new YarderError('TIMEOUT', 'losing the answer')
      const retry = wanted.flatMap((yes, i) => (yes || poison.has(names[i]!) ? [] : [i]))
      return { retry, rejected, reason: 'failing in part' }
    }
  }
}

for (const [name, make] of Object.entries(RIGS)) {
  test(`${name}: records that the destination refuses become dead letters, those beside them arrive`, async t => {
    const p = await play(t, make)
    if (p.rig.refuse === undefined) return t.skip('it takes whatever it gets')
    const refused = ['a/0', 'a/41', 'b/99', 'b/98']
    p.rig.refuse(new Set(refused))
    await p.offer('a', 100)
    await p.offer('b', 100)
    await p.all('a', 'b')
    assert.deepEqual((await p.dead()).sort(), [...refused].sort())
    const wanted = [...keysOf('a', 100), ...keysOf('b', 100)].filter(k => !refused.includes(k))
    const arrived = p.rig.arrived()
    assert.deepEqual([...new Set(arrived)].sort(), wanted.sort())
    if (p.rig.once) assert.equal(arrived.length, wanted.length)
  })

  test(`${name}: through every way in which its destination fails, each batch settles once and nothing is lost`, async t => {
    const p = await play(t, make, { queue_bytes: 20_000 })
    if (p.rig.fail === undefined) return t.skip('its destination has no ways of its own')
    p.rig.fail(randomFrom(7))
    const batches = Array.from({ length: 25 }, (_, i) => `b${i}`)
    for (const batch of batches) await p.offer(batch, 20)
    await p.all(...batches)
    await assertComplete(p)
    assert.deepEqual(await p.dead(), [])
  })
}
