import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { manualClock } from '../../../test/lib/manual-clock.ts'
import { systemClock } from '../../core/clock.ts'
import { readFields } from '../../core/field.ts'
import { silentLog } from '../../core/log.ts'
import type { LogData } from '../../core/log.ts'
import { Changes, readings } from '../export/push/readings.ts'
import type { Space } from './filesystem.ts'
import { createHostMetrics } from './host.ts'
import type { HostMetrics } from './host.ts'
import { hostMetricsFields } from './options.ts'
import type { HostMetricsOptions } from './options.ts'

const GOLDEN = join(import.meta.dirname, '../../../test/golden/host/root')
const SPACE: Space = { bsize: 4096, blocks: 100, bfree: 40, bavail: 30, files: 10, ffree: 5 }

const optionsOf = (given: Record<string, unknown> = {}): HostMetricsOptions =>
  readFields(hostMetricsFields, { enabled: true, ...given }, assert.fail)!

/** A copy of the made-up host, to be changed by the test. */
function madeUp(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  cpSync(GOLDEN, root, { recursive: true })
  return root
}

const at = (root: string, more: Record<string, unknown> = {}): HostMetricsOptions =>
  optionsOf({ proc: join(root, 'proc'), sys: join(root, 'sys'), ...more })

/** The values of a metric by their labels' values. */
function valuesOf(host: HostMetrics, name: string): Record<string, number> {
  const family = host.families().find(f => f.name === `yarder_host_${name}`)
  return Object.fromEntries([...(family?.samples ?? [])].map(s => [Object.values(s.labels).join(' '), s.value]))
}

test('the real host is told as its own tools tell it', async () => {
  const host = createHostMetrics(
    optionsOf({ exclude_filesystems: ['proc', 'sysfs', 'tmpfs', 'devtmpfs', 'cgroup*'] }),
    {
      clock: systemClock,
      log: silentLog
    }
  )
  await host.collect()
  const df = execFileSync('df', ['--output=size,iused,itotal', '-B1', '/'], { encoding: 'utf8' }).trim().split('\n')
  const [size, , inodes] = df[1]!.trim().split(/\s+/).map(Number)
  const ofRoot = (name: string): number =>
    Object.entries(valuesOf(host, name)).find(([labels]) => labels.startsWith('/ '))![1]
  assert.equal(ofRoot('filesystem_size_bytes'), size)
  assert.equal(ofRoot('filesystem_inodes'), inodes)
  const total = /^Mem:\s+(\d+)/m.exec(execFileSync('free', ['-b'], { encoding: 'utf8' }))![1]
  assert.equal(valuesOf(host, 'memory_total_bytes')[''], Number(total))
  assert.ok(Math.abs(valuesOf(host, 'load15')['']! - Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[2])) < 1)
  assert.ok(Object.values(valuesOf(host, 'collector_success')).every(success => success === 1))
  const all = Object.values(valuesOf(host, 'cpu_seconds_total')).reduce((sum, seconds) => sum + seconds)
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
  assert.ok(all / uptime / valuesOf(host, 'cpus')['']! < 1.05, 'the modes add up to no more than there was')
})

test('what a host does not have is left out, and is no failure', async t => {
  const root = madeUp(t)
  for (const gone of ['proc/pressure', 'proc/diskstats', 'proc/vmstat', 'proc/net', 'sys'])
    rmSync(join(root, gone), { recursive: true })
  const host = createHostMetrics(at(root), { clock: systemClock, log: silentLog })
  await host.collect()
  assert.deepEqual(new Set(Object.values(valuesOf(host, 'collector_success'))), new Set([1]))
  assert.ok(!host.families().some(({ name }) => /pressure|disk_|network|unit_|oom/.test(name)))
  assert.equal(valuesOf(host, 'load1')[''], 6.69)
})

test('units that are asked for on a host without control groups of version 2 are told of', async t => {
  const root = madeUp(t)
  rmSync(join(root, 'sys/fs/cgroup/cgroup.controllers'))
  const said: LogData[] = []
  const log = { ...silentLog, warn: (data: LogData): void => void said.push(data) }
  const host = createHostMetrics(at(root, { units: ['*'] }), { clock: systemClock, log })
  await host.collect()
  const error = `${join(root, 'sys/fs/cgroup')} holds no control groups of version 2, so units cannot be measured`
  assert.deepEqual(said, [{ collector: 'units', error }])
})

test('a collector that may not read is told once, others go on, and it is told when it works again', async t => {
  const root = madeUp(t)
  const said: string[] = []
  const say = (data: LogData): void => void said.push(String(data['collector']))
  const host = createHostMetrics(at(root), { clock: systemClock, log: { ...silentLog, warn: say, info: say } })
  const loadavg = join(root, 'proc/loadavg')
  rmSync(loadavg)
  mkdirSync(loadavg)
  await host.collect()
  await host.collect()
  assert.deepEqual(said, ['load'])
  assert.equal(valuesOf(host, 'collector_success')['load'], 0)
  assert.equal(valuesOf(host, 'collector_success')['memory'], 1)
  rmSync(loadavg, { recursive: true })
  writeFileSync(loadavg, '1 2 3 1/2 3')
  chmodSync(loadavg, 0o444)
  await host.collect()
  assert.deepEqual(said, ['load', 'load'])
  assert.equal(valuesOf(host, 'load5')[''], 2)
})

test('time of the processors never falls by the inexactness of the kernel, and starts anew with the host', async t => {
  const root = madeUp(t)
  const host = createHostMetrics(at(root), { clock: systemClock, log: silentLog })
  const iowait = async (ticks: number): Promise<number> => {
    writeFileSync(join(root, 'proc/stat'), `cpu  10 0 10 100 ${ticks} 0 0 0 0 0\ncpu0 10 0 10 100 ${ticks}\n`)
    await host.collect()
    return valuesOf(host, 'cpu_seconds_total')['iowait']!
  }
  assert.equal(await iowait(5000), 50)
  assert.equal(await iowait(4900), 50)
  assert.equal(await iowait(5100), 51)
  assert.equal(await iowait(100), 1)
})

test('beyond the bound all is one series, whose counters never fall when one of them goes', async t => {
  const root = madeUp(t)
  const host = createHostMetrics(at(root, { max_series: 2 }), { clock: systemClock, log: silentLog })
  const received = async (interfaces: Record<string, number>): Promise<Record<string, number>> => {
    const lines = Object.entries(interfaces).map(([name, bytes]) => `${name}: ${bytes} 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0`)
    writeFileSync(join(root, 'proc/net/dev'), `\n\n${lines.join('\n')}\n`)
    await host.collect()
    return valuesOf(host, 'network_receive_bytes_total')
  }
  assert.deepEqual(await received({ a: 1, b: 2, c: 300, d: 400 }), { a: 1, b: 2, __overflow__: 0 })
  assert.deepEqual(await received({ a: 1, b: 2, c: 310, d: 405 }), { a: 1, b: 2, __overflow__: 15 })
  assert.deepEqual(await received({ a: 1, b: 2, d: 406 }), { a: 1, b: 2, __overflow__: 16 })
  assert.deepEqual(await received({ a: 1, d: 407, e: 5 }), { a: 1, e: 5, __overflow__: 17 }, 'the late stay together')
})

test('beyond the bound what stands at a value is added up', async t => {
  const options = at(madeUp(t), { max_series: 3 })
  const host = createHostMetrics(options, {
    clock: systemClock,
    log: silentLog,
    statfs: () => Promise.resolve(SPACE)
  })
  await host.collect()
  assert.deepEqual(valuesOf(host, 'filesystem_size_bytes'), {
    '/ /dev/vda ext4': 409_600,
    '/srv/my data /dev/nvme0n1 xfs': 409_600,
    '/run tmpfs tmpfs': 409_600,
    '__overflow__ __overflow__ __overflow__': 819_200
  })
})

test('a file system that hangs keeps nobody waiting, and is asked again once it has answered', async t => {
  const root = madeUp(t)
  const clock = manualClock()
  const stuck = Promise.withResolvers<Space>()
  let asked = 0
  const statfs = (path: string): Promise<Space> => {
    if (path !== '/srv/my data') return Promise.resolve(SPACE)
    asked++
    return stuck.promise
  }
  const host = createHostMetrics(at(root), { clock, log: silentLog, statfs })
  const errors = async (): Promise<unknown> => {
    const collected = host.collect()
    await clock.advance(1000)
    await collected
    return Object.entries(valuesOf(host, 'filesystem_device_error')).filter(([, error]) => error === 1)
  }
  const hangs = [['/srv/my data /dev/nvme0n1 xfs', 1]]
  assert.deepEqual(await errors(), hangs)
  assert.deepEqual(await errors(), hangs)
  assert.equal(asked, 1)
  assert.equal(clock.waiting, 0)
  stuck.resolve(SPACE)
  await stuck.promise
  assert.deepEqual(await errors(), [])
  assert.equal(asked, 2)
})

test('it measures as often as it should, until it is stopped', async t => {
  const root = madeUp(t)
  const clock = manualClock()
  const host = createHostMetrics(at(root, { every: '15s', collectors: ['load'] }), { clock, log: silentLog })
  const stop = new AbortController()
  const ran = host.run(stop.signal)
  await clock.advance(15_000)
  assert.equal(valuesOf(host, 'load1')[''], 6.69)
  writeFileSync(join(root, 'proc/loadavg'), '1 2 3 1/2 3')
  await clock.advance(14_999)
  assert.equal(valuesOf(host, 'load1')[''], 6.69)
  await clock.advance(1)
  assert.equal(valuesOf(host, 'load1')[''], 1)
  stop.abort()
  await ran
})

test('who is told of growth alone is not told of what grew before the agent came', async t => {
  const root = madeUp(t)
  const host = createHostMetrics(at(root, { collectors: ['cpu'] }), { clock: systemClock, log: silentLog })
  const changes = new Changes(sample => sample.name)
  const forks = async (): Promise<number | undefined> => {
    await host.collect()
    for (const reading of readings(host.families(), false)) changes.add(reading)
    return changes.end().find(({ target }) => target === 'yarder_host_forks_total')?.value
  }
  assert.equal(await forks(), undefined)
  const stat = readFileSync(join(root, 'proc/stat'), 'utf8')
  writeFileSync(join(root, 'proc/stat'), stat.replace('processes 123456', 'processes 123460'))
  assert.equal(await forks(), 4)
})
