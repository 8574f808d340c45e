// Events per CPU-second that go into Lumberjack windows, at several zlib levels, beside a bare copy of the same bytes.
import { parseArgs } from 'node:util'
import { makeParcel } from '../src/core/parcel.ts'
import { WindowFrames } from '../src/output/logstash/frames.ts'
import { makeRecords } from '../test/lib/records.ts'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '1' } } })
const COUNT = 2048

async function measure(title: string, work: () => Promise<Buffer>): Promise<void> {
  let wire = 0
  for (let i = 0; i < 20; i++) wire = (await work()).length
  const cpu = process.cpuUsage()
  const end = performance.now() + Number(values.seconds) * 1000
  let rounds = 0
  for (; performance.now() < end; rounds++) await work()
  const used = process.cpuUsage(cpu)
  const perSecond = (rounds * COUNT) / ((used.user + used.system) / 1e6)
  const rate = `${(perSecond / 1e6).toFixed(2)} million events a CPU-second`
  console.log(`${title.padEnd(36)} ${rate}, ${(wire / COUNT).toFixed(0)} bytes each on the wire`)
}

const METHODS = ['GET', 'POST', 'HEAD']

/** Access log lines that differ as real ones do. */
const access = (i: number): object => ({
  '@timestamp': new Date(1_800_000_000_000 + i * 37).toISOString(),
  clientip: `203.0.${(i * 31) % 256}.${(i * 17) % 256}`,
  verb: METHODS[i % 3],
  request: `/article/${(i * 7919) % 1000}/view?page=${i % 9}`,
  response: i % 11 === 0 ? 404 : 200,
  bytes: (i * 2477) % 60_000,
  agent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36',
  host: { name: 'web-1', hostname: 'web-1' },
  log: { file: { path: '/var/log/nginx/access.log' }, offset: i * 211 }
})

const records = makeRecords({
  docs: Array.from({ length: COUNT }, (_, i) => access(i)),
  sourceId: 'k3f9abcdefgh.1',
  offset: 123_456_789
})
const parcel = makeParcel([{ records, from: 0, to: COUNT }])
const bare = Buffer.allocUnsafeSlow(parcel.bytes)
console.log(`${COUNT} events of ${Math.round(parcel.bytes / COUNT)} bytes a window`)
await measure('one copy of all', () => {
  records.bytes.copy(bare)
  return Promise.resolve(bare)
})
for (const level of [0, 1, 3, 6]) {
  const frames = new WindowFrames({ beat: 'yarder', version: '1.0.0' }, level)
  await measure(level === 0 ? 'plain frames' : `zlib level ${level}`, () => frames.build(parcel))
}
