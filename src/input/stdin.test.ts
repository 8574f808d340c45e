import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { systemClock } from '../core/clock.ts'
import type { Batch, Context } from '../core/component.ts'
import { readFields } from '../core/field.ts'
import { silentInstruments } from '../core/instruments.ts'
import { silentLog } from '../core/log.ts'
import type { Rate } from '../core/rate.ts'
import { memoryState } from '../core/state.ts'
import { compileMultiline, multilineField } from './multiline.ts'
import { StdinInput } from './stdin.ts'

const context: Context = {
  name: 'in',
  log: silentLog,
  clock: systemClock,
  instruments: silentInstruments,
  state: memoryState(),
  dataDir: '/nowhere',
  configDir: '/nowhere',
  schema: 'logstash',
  timezone: 'UTC',
  constants: { host: { name: 'h' } },
  once: false,
  outputs: ['out']
}

async function read(
  stream: Readable,
  max = 1000,
  multiline?: Record<string, unknown>,
  signal?: AbortSignal,
  rate?: Rate
) {
  const rule = readFields({ multiline: multilineField }, { multiline }, () => {})!.multiline
  const lines: string[] = []
  const batches: Batch[] = []
  await new StdinInput(stream, max, compileMultiline(rule), { ...context, rate }).run(async batch => {
    batches.push(batch)
    for (let i = 0; i < batch.count; i++)
      lines.push(batch.bytes.toString('utf8', batch.bounds[i * 2], batch.bounds[i * 2 + 1]))
  }, signal ?? new AbortController().signal)
  return { lines, batches }
}

test('gives every line, the unterminated last one too, and returns at the end', async () => {
  const { lines, batches } = await read(Readable.from([Buffer.from('a\nb'), Buffer.from('c\r\nd')]))
  assert.deepEqual(lines, ['a', 'bc', 'd'])
  assert.deepEqual(batches[0]!.source.constants, { host: { name: 'h' }, input: { type: 'stdin' } })
  assert.equal(batches[0]!.source.id, '')
  assert.deepEqual(
    batches.map(b => b.offset),
    [0, 2, 6]
  )
})

test('bytes of any chunking give the same lines, long ones cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ maxLength: 12 }), { maxLength: 12 }), async parts => {
      const text = parts.join('\n')
      const expected = text.split('\n').map(l => l.replace(/\r$/, ''))
      if (text.endsWith('\n') || text === '') expected.pop()
      const { lines } = await read(Readable.from(parts.map((p, i) => Buffer.from(i === 0 ? p : `\n${p}`))), 1000)
      assert.deepEqual(lines.join('\n').replaceAll('\r', ''), expected.join('\n').replaceAll('\r', ''))
    }),
    { numRuns: 60 }
  )
  const { lines, batches } = await read(Readable.from([Buffer.from('x'.repeat(30)), Buffer.from('y\nz\n')]), 20)
  assert.deepEqual(lines, ['x'.repeat(20), 'z'])
  assert.deepEqual([...batches[0]!.cut!], [1])
})

test('an open record is given after flush_timeout although the pipe stays open', async t => {
  const stream = new PassThrough()
  const stop = new AbortController()
  t.after(() => stop.abort())
  stream.write('a\n b\n')
  const rule = readFields(
    { multiline: multilineField },
    { multiline: { pattern: '^\\s', flush_timeout: '100ms' } },
    () => {}
  )
  const got = Promise.withResolvers<Batch>()
  const running = new StdinInput(stream, 1000, compileMultiline(rule!.multiline), context).run(async batch => {
    got.resolve(batch)
  }, stop.signal)
  const batch = await got.promise
  assert.equal(batch.count, 1)
  stop.abort()
  await running
})

test('an abort ends it although the pipe is silent', async () => {
  const stop = new AbortController()
  const running = read(new PassThrough(), 1000, undefined, stop.signal)
  stop.abort()
  assert.deepEqual((await running).lines, [])
})

test('under a rate limit what is read at once is handed out in portions, each at its offset', async () => {
  const text = Array.from({ length: 10 }, (_, i) => `line ${i}\n`).join('')
  const { lines, batches } = await read(Readable.from([Buffer.from(text)]), 1000, undefined, undefined, {
    unit: 'records',
    perSecond: 12
  })
  assert.deepEqual(
    lines,
    Array.from({ length: 10 }, (_, i) => `line ${i}`)
  )
  assert.deepEqual(
    batches.map(b => [b.count, b.offset]),
    [
      [3, 0],
      [3, 21],
      [3, 42],
      [1, 63]
    ]
  )
})
