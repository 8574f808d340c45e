// The parts themselves: a bench is worth no more than its counters.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { start, until, type Running } from '../../test/lib/real/process.ts'
import { cpuOf, generate, partsMissing, peakRss, sink } from './parts.ts'
import { rsyslog, rsyslogMissing } from './rsyslog.ts'

async function shell(t: TestContext, script: string): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'yarder-parts-'))
  const running = await start(['/bin/sh', '-c', script], { logFile: join(folder, 'log') })
  t.after(async () => {
    await running.stop(0)
    await rm(folder, { recursive: true })
  })
  return running
}

describe('costs of a process', () => {
  test('CPU time counts work and children that were waited for, not sleep', async t => {
    const [idle, busy, parent] = await Promise.all([
      shell(t, 'read line'),
      shell(t, 'while :; do :; done'),
      shell(t, "/bin/sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'; echo done; read line")
    ])
    await until('half a second of work', () => cpuOf(busy.pid) >= 0.5)
    await until('the child', async () => (await readFile(parent.logFile, 'utf8')) === 'done\n')
    assert.ok(cpuOf(parent.pid) >= 0.05, `${cpuOf(parent.pid)} s`)
    assert.ok(cpuOf(idle.pid) < 0.05, `${cpuOf(idle.pid)} s`)
  })

  test('peak memory stays when the memory is given back', () => {
    const before = peakRss(process.pid)
    Buffer.alloc(96 << 20, 1)
    assert.ok(peakRss(process.pid) >= before + (64 << 20))
  })
})

const skip = partsMissing() ?? false

test('the sink counts documents, waits for them and starts again from zero', { skip }, async t => {
  const receiver = await sink()
  t.after(() => receiver.stop())
  const body = '{"create":{"_index":"a"}}\n{"n":1}\n'.repeat(3)
  const headers = { 'content-type': 'application/x-ndjson' }
  const answer = await fetch(`${receiver.url}/_bulk`, { method: 'POST', headers, body })
  const { errors, items } = (await answer.json()) as { errors: boolean; items: Array<{ create: { status: number } }> }
  assert.deepEqual([errors, items.map(item => item.create.status)], [false, [201, 201, 201]])
  assert.equal((await receiver.received(3)).docs, 3)
  await assert.rejects(receiver.received(4, 50), /the sink has 3 documents/)
  await receiver.reset()
  assert.equal((await receiver.stats()).docs, 0)
})

test('the generator gives the same file of as many lines as asked', { skip }, async () => {
  const path = await generate('access', 1000)
  assert.equal(await generate('access', 1000), path)
  assert.equal((await readFile(path, 'utf8')).split('\n').length, 1001)
})

const noRsyslog = skip !== false ? skip : ((await rsyslogMissing()) ?? false)

test('rsyslog delivers every line to the sink, however it parses', { skip: noRsyslog }, async t => {
  const receiver = await sink()
  t.after(() => receiver.stop())
  for (const parse of ['raw', 'combined', 'json'] as const) {
    const file = await generate(parse === 'json' ? 'json' : 'access', 20_000)
    const cost = await rsyslog({ file, lines: 20_000, sink: receiver, parse })
    assert.equal(cost.docs, 20_000, parse)
    assert.ok(cost.cpuSeconds > 0 && cost.peakRssBytes > 1 << 20)
    t.diagnostic(`${parse} ${JSON.stringify(cost)}`)
  }
})
