import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeRecords } from '../../test/lib/records.ts'
import { makeParcel } from '../core/parcel.ts'
import { stdoutTo } from './stdout.ts'
import { humanLine } from './stdout/human.ts'

const parcelOf = (...docs: object[]): ReturnType<typeof makeParcel> =>
  makeParcel([{ records: makeRecords({ docs }), from: 0, to: docs.length }])
const signal = new AbortController().signal

test('json prints the documents byte for byte, one a line', async () => {
  const stream = new PassThrough()
  await stdoutTo(stream, 'json', false).send(parcelOf({ a: 1 }, { m: 'ü' }), signal)
  assert.equal(String(stream.read()), '{"a":1}\n{"m":"ü"}\n')
})

test('text is for people: time, level, message and the fields that say something', () => {
  const document = {
    '@timestamp': '2026-11-22T12:00:00.000Z',
    '@version': '1',
    message: 'GET / 200',
    host: { name: 'h' },
    log: { level: 'warn', file: { path: '/x' } },
    response: 200,
    agent_text: 'two words',
    verb: 'GET',
    tags: ['_dateparsefailure']
  }
  assert.equal(
    humanLine(JSON.stringify(document), false),
    '2026-11-22T12:00:00.000Z WARN GET / 200 response=200 agent_text="two words" verb=GET tags=["_dateparsefailure"]'
  )
  assert.match(humanLine(JSON.stringify(document), true), /\u001b\[33mWARN\u001b\[0m/)
})

test('nothing in a record can steer the terminal', () => {
  const nasty = '\u001b]0;title\u0007\u001b[2J\r\n\u009b31m\u202etxt\u0000'
  const line = humanLine(JSON.stringify({ message: nasty, [nasty]: nasty, level: nasty }), false)
  assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u202e]/)
  assert.match(line, /\\u001b\]0;title\\u0007/)
  assert.doesNotMatch(humanLine(`not json ${nasty}`, true), /[\u0000-\u001f]/)
})

test('a reader that stands still is waited for, and an abort ends the wait', async () => {
  let release: (() => void) | undefined
  const stream = new Writable({ write: (_chunk, _encoding, done) => void (release = done) })
  const output = stdoutTo(stream, 'json', false)
  let sent = false
  const sending = output.send(parcelOf({ a: 1 }), signal).then(() => (sent = true))
  await new Promise(setImmediate)
  assert.equal(sent, false)
  release!()
  await sending
  const stop = new AbortController()
  const stuck = output.send(parcelOf({ a: 1 }), stop.signal)
  stop.abort(new Error('stopping'))
  await assert.rejects(stuck, { code: 'UNREACHABLE' })
})

test('a reader that went away is the end, not a reason to retry', async () => {
  const stream = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  })
  const output = stdoutTo(stream, 'json', false)
  await assert.rejects(output.send(parcelOf({ a: 1 }), signal), { code: 'RUNTIME', retryable: false })
  await assert.rejects(output.send(parcelOf({ a: 1 }), signal), { code: 'RUNTIME' })
})

test('a pipe that nobody reads neither blocks the agent nor fills its memory', async t => {
  const script = `
    import { stdoutTo } from '${fileURLToPath(new URL('stdout.ts', import.meta.url))}'
    import { makeRecords } from '${fileURLToPath(new URL('../../test/lib/records.ts', import.meta.url))}'
    const records = makeRecords({ docs: Array.from({ length: 1000 }, () => ({ m: 'x'.repeat(1000) })) })
    const parcel = { parts: [{ records, from: 0, to: 1000 }], count: 1000, bytes: records.bytes.length }
    const output = stdoutTo(process.stdout, 'json', false)
    let done = 0
    void (async () => { for (;;) { await output.send(parcel, new AbortController().signal); done++ } })()
    process.on('message', m => process.send({ done, rss: process.memoryUsage().rss }))
    process.send('ready')
  `
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc']
  })
  t.after(() => child.kill('SIGKILL'))
  await once(child, 'message')
  child.send('how are you')
  const [first] = (await once(child, 'message')) as [{ done: number; rss: number }]
  child.send('and now')
  const [second] = (await once(child, 'message')) as [{ done: number; rss: number }]
  assert.ok(second.done <= 1, `${second.done} parcels are in the pipe`)
  assert.ok(second.rss - first.rss < 20e6)
  let bytes = 0
  child.stdout!.on('data', (chunk: Buffer) => (bytes += chunk.length))
  await t.waitFor(() => assert.ok(bytes > 3_000_000), { timeout: 10_000 })
})
