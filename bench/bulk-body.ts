// Documents per CPU-second that go into `_bulk` bodies, beside a bare copy of the same bytes.
import { parseArgs } from 'node:util'
import { makeParcel } from '../src/core/parcel.ts'
import { compileTemplate } from '../src/core/template.ts'
import { BulkBody } from '../src/output/elasticsearch/bulk.ts'
import { DEFAULT_INDEX, IndexNames } from '../src/output/elasticsearch/index-name.ts'
import { makeRecords, NOON } from '../test/lib/records.ts'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '1' } } })
const COUNT = 2000

function measure(title: string, work: () => unknown): void {
  for (let i = 0; i < 50; i++) work()
  const cpu = process.cpuUsage()
  const end = performance.now() + Number(values.seconds) * 1000
  let rounds = 0
  for (; performance.now() < end; rounds++) work()
  const used = process.cpuUsage(cpu)
  const perSecond = (rounds * COUNT) / ((used.user + used.system) / 1e6)
  console.log(`${title.padEnd(44)} ${(perSecond / 1e6).toFixed(2)} million documents a CPU-second`)
}

for (const bytes of [250, 1024]) {
  const docs = Array.from({ length: COUNT }, (_, i) => ({ n: i, message: 'x'.repeat(bytes - 30) }))
  const times = docs.map((_, i) => NOON + i)
  const records = makeRecords({
    docs,
    times,
    sourceId: 'k3f9abcdefgh.1',
    offset: 123_456_789,
    keys: { 'app-%{s}-\u{E000}': docs.map((_, i) => `app-${i % 3}-\u{E000}`) }
  })
  const parcel = makeParcel([{ records, from: 0, to: COUNT }])
  const bare = Buffer.allocUnsafeSlow(parcel.bytes)
  measure(`${bytes} bytes: one copy of all`, () => records.bytes.copy(bare))
  const daily = new BulkBody(new IndexNames(compileTemplate(DEFAULT_INDEX)))
  measure(`${bytes} bytes: daily index`, () => daily.build(parcel))
  const keyed = new BulkBody(new IndexNames(compileTemplate('app-%{s}-%{+yyyy.MM.dd}')))
  measure(`${bytes} bytes: index from a field`, () => keyed.build(parcel))
  const stream = new BulkBody(
    { of: () => 'logs-app-prod' },
    { key: 'data_stream', value: { type: 'logs', dataset: 'app', namespace: 'prod' } }
  )
  measure(`${bytes} bytes: data stream`, () => stream.build(parcel))
}
