import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Batch } from '../core/component.ts'
import type { Event } from '../core/event.ts'
import { fail, fieldReader, fieldRemover, fieldWriter } from '../core/event.ts'
import { silentInstruments } from '../core/instruments.ts'
import { silentLog } from '../core/log.ts'
import { compileTemplate } from '../core/template.ts'
import { createPipeline } from './pipeline.ts'
import type { NamedStep, PipelineOptions } from './pipeline.ts'

const constants = { '@version': '1', host: { name: 'node2' }, log: { file: { path: '/a.log' } } }
const ARRIVAL = Date.UTC(2026, 0, 2, 3, 4, 5, 6)

function batchOf(lines: readonly (string | Buffer)[], over: Partial<Batch> = {}): Batch {
  const parts: Buffer[] = []
  const bounds: number[] = []
  let at = 0
  for (const line of lines) {
    const bytes = Buffer.from(line as string)
    parts.push(bytes, Buffer.from('\n'))
    bounds.push(at, at + bytes.length)
    at += bytes.length + 1
  }
  const source = { input: 'nginx', id: 'f1', path: '/a.log', constants }
  return {
    source,
    arrival: ARRIVAL,
    count: lines.length,
    bytes: Buffer.concat(parts),
    bounds: Uint32Array.from(bounds),
    offset: 1000,
    settle() {},
    ...over
  }
}

function pipelineOf(steps: NamedStep[], over: Partial<PipelineOptions> = {}) {
  return createPipeline({
    name: 'p',
    steps,
    keys: [],
    observers: [],
    log: silentLog,
    instruments: silentInstruments,
    buffers: { take: () => Buffer.allocUnsafeSlow(64) },
    ...over
  })
}

const step = (name: string, run: NamedStep['run'], writes: NamedStep['writes'] = 'any'): NamedStep => ({
  name,
  run,
  writes
})

async function documents(
  lines: readonly (string | Buffer)[],
  steps: NamedStep[] = [],
  over: Partial<Batch> = {}
): Promise<Event[]> {
  const records = await pipelineOf(steps).run(batchOf(lines, over))
  const text = records.bytes.toString()
  assert.equal(records.ends.at(-1) ?? 0, records.bytes.length)
  return text
    .split('\n')
    .slice(0, -1)
    .map(t => JSON.parse(t) as Event)
}

test('a line becomes a document with the constants and its own offset', async () => {
  const [first, second] = await documents(['hello', 'world'])
  assert.deepEqual(first, {
    '@timestamp': '2026-01-02T03:04:05.006Z',
    message: 'hello',
    '@version': '1',
    host: { name: 'node2' },
    log: { file: { path: '/a.log' }, offset: 1000 }
  })
  assert.deepEqual((second as { log: unknown }).log, { file: { path: '/a.log' }, offset: 1006 })
})

test('text that is not ASCII, broken UTF-8 and NUL bytes ship as valid UTF-8', async () => {
  const docs = await documents(['café', Buffer.from([0x61, 0xff, 0x62]), 'a\0b', 'plain'])
  assert.deepEqual(
    docs.map(d => d['message']),
    ['café', 'a�b', 'a\0b', 'plain']
  )
})

test('a step that returns false drops the record and the rest keeps order and offsets', async () => {
  const steps = [step('drop', e => e['message'] !== 'b')]
  const records = await pipelineOf(steps).run(batchOf(['a', 'b', 'c']))
  assert.equal(records.count, 2)
  assert.deepEqual([...records.offsets], [1000, 1004])
})

test('the time a step finds is the time of the document and of the record', async () => {
  const steps = [
    step('date', (_, c) => {
      c.time = 0
      return true
    })
  ]
  const records = await pipelineOf(steps).run(batchOf(['a']))
  assert.equal(records.times[0], 0)
  assert.match(records.bytes.toString(), /^{"@timestamp":"1970-01-01T00:00:00.000Z"/)
})

test('constants can be overridden, extended and removed by steps', async () => {
  const name = fieldWriter('host.name')
  const removeVersion = fieldRemover('@version')
  const steps = [
    step(
      'set',
      (e, c) => {
        name(e, c, 'other')
        removeVersion(e, c)
        return true
      },
      ['host', '@version']
    )
  ]
  const [doc] = await documents(['a'], steps)
  assert.deepEqual(doc!['host'], { name: 'other' })
  assert.equal('@version' in doc!, false)
  assert.deepEqual(constants.host, { name: 'node2' })
})

test('a part of a constant that a step removed is gone from the document and for later steps', async () => {
  const read = fieldReader('log.file.path')
  const seen: unknown[] = []
  const steps = [
    step('json', e => {
      e['host'] = { address: '::1' }
      return true
    }),
    ...['host.name', 'log.file', 'nothing.there'].map(field => {
      const remove = fieldRemover(field)
      return step('remove', (e, c) => {
        remove(e, c)
        return true
      })
    }),
    step('look', (e, c) => {
      seen.push(read(e, c))
      return true
    })
  ]
  const [doc] = await documents(['a'], steps)
  assert.deepEqual(doc!['host'], { address: '::1' })
  assert.deepEqual(doc!['log'], { offset: 1000 })
  assert.deepEqual(seen, [undefined])
  assert.deepEqual(constants.log, { file: { path: '/a.log' } })
})

test("a line's own plain value beside an object of ours becomes its value, and no key is written twice", async () => {
  const steps = [
    step('json', e => {
      e['host'] = 'web-1'
      e['log'] = { level: 'info', offset: 7 }
      return true
    })
  ]
  const records = await pipelineOf(steps).run(batchOf(['a']))
  const text = records.bytes.toString()
  const doc = JSON.parse(text) as Event
  assert.deepEqual(doc['host'], { name: 'node2', value: 'web-1' })
  assert.deepEqual(doc['log'], { file: { path: '/a.log' }, level: 'info', offset: 1000 })
  assert.equal(text.split('"host"').length, 2)
  assert.equal(text.split('"offset"').length, 2)
})

test('a field that a step calls @timestamp stands beside the time, never as a second one', async () => {
  const set = (e: Event): boolean => {
    e['@timestamp'] = 'mine'
    return true
  }
  const records = await pipelineOf([step('set', set, ['@timestamp'])]).run(batchOf(['a']))
  const text = records.bytes.toString()
  assert.equal(text.split('"@timestamp"').length, 2)
  const doc = JSON.parse(text) as Event
  assert.deepEqual([doc['@timestamp'], doc['_@timestamp']], ['2026-01-02T03:04:05.006Z', 'mine'])
})

test('half a character becomes U+FFFD wherever a step put it', async () => {
  const cut = (e: Event): boolean => {
    e['x'] = (e['message'] as string).slice(0, 1)
    e['host'] = { half: e['x'] }
    return true
  }
  const records = await pipelineOf([step('cut', cut, ['x', 'host'])]).run(batchOf(['😀']))
  const doc = JSON.parse(records.bytes.toString()) as Event
  assert.deepEqual([doc['x'], doc['host']], ['\ufffd', { name: 'node2', half: '\ufffd' }])
})

test('lone surrogates become U+FFFD and text about escapes stays', async () => {
  const steps = [
    step('json', e => {
      e['x'] = '\ud800'
      e['y'] = '\\ud800'
      e['z'] = '😀'
      return true
    })
  ]
  const [doc] = await documents(['a'], steps)
  assert.equal(doc!['x'], '�')
  assert.equal(doc!['y'], '\\ud800')
  assert.equal(doc!['z'], '😀')
})

test('numbers that JSON has no word for become null', async () => {
  const [doc] = await documents(
    ['a'],
    [
      step('x', e => {
        e['n'] = NaN
        return true
      })
    ]
  )
  assert.equal(doc!['n'], null)
})

test('templates of outputs are rendered for each record that ships', async () => {
  const p = pipelineOf([step('drop', e => e['message'] !== 'b')], {
    keys: [compileTemplate('i-%{message}-%{+yyyy.MM}')]
  })
  const records = await p.run(batchOf(['a', 'b', 'c']))
  assert.deepEqual(records.keys.get('i-%{message}-%{+yyyy.MM}'), ['i-a-2026.01', 'i-c-2026.01'])
})

test('structured events pass with their fields, and lines that were cut are flagged', async () => {
  const [doc] = await documents([], [], { events: [{ check: 'x' }], count: 1 })
  assert.equal(doc!['check'], 'x')
  const [cut] = await documents(['abc'], [], { cut: Uint8Array.of(1) })
  assert.deepEqual(cut!['tags'], ['_truncated'])
})

test('lines joined by multiline lose the carriage returns inside', async () => {
  const [doc] = await documents(['a\r\n  b'])
  assert.equal(doc!['message'], 'a\n  b')
})

test('a regular expression that never ends costs its own line only, is named, and counts nothing twice', async () => {
  const evil = /^(a+)+$/
  const warned: unknown[] = []
  const seen: unknown[] = []
  const warn = (data: unknown, message: string): void => void (message.includes('in time') && warned.push(data))
  const log = { ...silentLog, warn }
  const p = pipelineOf(
    [
      step('grok', (e, c) => {
        if (!evil.test(e['message'] as string)) fail(e, c, '_grokparsefailure')
        return true
      })
    ],
    {
      log,
      observers: [e => void seen.push(e['message'])]
    }
  )
  const lines = Array.from({ length: 200 }, (_, i) => `line ${i}`)
  lines[150] = `${'a'.repeat(50_000)}!`
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  const records = await p.run(batchOf(lines))
  clearInterval(timer)
  const docs = records.bytes
    .toString()
    .trim()
    .split('\n')
    .map(t => JSON.parse(t) as Event)
  assert.equal(docs.length, 200)
  assert.deepEqual(docs[150]!['tags'], ['_groktimeout'])
  assert.deepEqual(docs[149]!['tags'], ['_grokparsefailure'])
  assert.deepEqual(
    docs.map(d => d['message']),
    lines
  )
  assert.deepEqual(seen, lines)
  assert.equal(warned.length, 1)
  assert.ok(turns > 0, 'the loop turned while the batch was worked on')
})

test('a line that was given half of the CPU of its time limit is no slow line', async () => {
  const nothing = new Int32Array(new SharedArrayBuffer(4))
  let calls = 0
  const p = pipelineOf([
    step('grok', () => {
      if (++calls > 3) return true
      const { user, system } = process.threadCpuUsage()
      const used = (): number => {
        const now = process.threadCpuUsage({ user, system })
        return now.user + now.system
      }
      while (used() < 22_000);
      Atomics.wait(nothing, 0, 0, 60)
      return true
    })
  ])
  const records = await p.run(batchOf(['a line']))
  assert.deepEqual((JSON.parse(records.bytes.toString()) as Event)['tags'], undefined)
})

test('many endless lines cannot hold up the loop for long: the rest of the batch ships unparsed', async () => {
  const evil = /^(a+)+$/
  const p = pipelineOf([
    step('regex', e => {
      evil.test(e['message'] as string)
      return true
    })
  ])
  const lines = Array.from({ length: 300 }, (_, i) => `${'a'.repeat(40)}!${i}`)
  const records = await p.run(batchOf(lines))
  assert.equal(records.count, 300)
  assert.match(records.bytes.subarray(records.ends[298]).toString(), /_regextimeout/)
})

test('a pipeline that fits most records not is told once, and when it fits again', async () => {
  const told: string[] = []
  const tell = (_: unknown, message: string): void => void told.push(message)
  const p = pipelineOf(
    [step('grok', (e, c) => (e['message'] === 'good' ? true : (fail(e, c, '_grokparsefailure'), true)))],
    { tellsMisfit: true, log: { ...silentLog, warn: tell, info: tell } }
  )
  const lines = (good: number, bad: number): string[] => [
    ...Array<string>(good).fill('good'),
    ...Array<string>(bad).fill('bad')
  ]
  await p.run(batchOf(lines(5, 5)))
  assert.deepEqual(told, [])
  await p.run(batchOf(lines(0, 30)))
  await p.run(batchOf(lines(0, 30)))
  assert.equal(told.length, 1)
  assert.match(told[0]!, /do not fit/)
  await p.run(batchOf(lines(30, 1)))
  assert.match(told[1]!, /fit the pipeline again/)
})
