// Everything that can go wrong with what is checked, all at once and with an agent that ships a busy log meanwhile:
// each fault has its own answer, and none of them delays another check or the log.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync
} from 'node:fs'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { until } from '../lib/real/process.ts'
import { agentFolder, startYarder } from '../lib/real/yarder.ts'
import type { Yarder } from '../lib/real/yarder.ts'

async function serve(t: TestContext, answer: RequestListener, host = '127.0.0.1'): Promise<number> {
  const server = createServer(answer)
  server.listen(0, host)
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Kills it with the test, with all it has started. */
function own(t: TestContext, child: ChildProcess): ChildProcess {
  t.after(async () => {
    const ended = once(child, 'exit')
    process.kill(-child.pid!, 'SIGKILL')
    await ended
  })
  return child
}

const BACKLOG = 1
const LISTENER = `require('net').createServer(() => {}).listen({ host: '127.0.0.1', port: 0, backlog: ${BACKLOG} }, function () { console.log(this.address().port) })`

/** Connections of a listening port that nobody has accepted: `rx_queue` of /proc/net/tcp (state 0A). */
function acceptQueue(port: number): number {
  const place = `:${port.toString(16).toUpperCase().padStart(4, '0')} `
  const row = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .find(line => line.includes(`${place}00000000:0000 0A`))
  assert.ok(row !== undefined, `port ${port} listens`)
  return parseInt(/ 0A [0-9A-F]+:([0-9A-F]+)/.exec(row)![1]!, 16)
}

/** A port of a process that is stopped, with its queue full: what connects there hears nothing at all. */
async function suspendedPort(t: TestContext): Promise<number> {
  const child = own(
    t,
    spawn(process.execPath, ['-e', LISTENER], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  )
  const [said] = (await once(child.stdout!, 'data')) as [Buffer]
  const port = Number(said)
  child.kill('SIGSTOP')
  // The kernel takes one more than the backlog, and leaves whoever comes then without an answer.
  while (acceptQueue(port) <= BACKLOG) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    t.after(() => socket.destroy())
    await once(socket, 'connect')
  }
  return port
}

/** A process of this name that has ended, and whose parent does not look. */
async function zombie(t: TestContext, folder: string, name: string): Promise<void> {
  const file = join(folder, name)
  copyFileSync('/bin/sleep', file)
  const parent = own(
    t,
    spawn('/bin/sh', ['-c', '"$0" 0.3 & echo $!; exec sleep 300', file], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit']
    })
  )
  const [said] = (await once(parent.stdout!, 'data')) as [Buffer]
  await until('the zombie', () => /\) Z /.test(readFileSync(`/proc/${Number(said)}/stat`, 'latin1')))
}

interface Check {
  readonly name: string
  readonly status: string
  readonly message: string
}

const checksOf = async ({ url }: Yarder): Promise<Map<string, Check>> => {
  const { checks } = (await (await fetch(`${url}/health`)).json()) as { checks: Check[] }
  return new Map(checks.map(check => [check.name, check]))
}

/** Writes a line every few milliseconds; tells how late the last one that has been shipped is. */
function busyLog(t: TestContext, log: string, shipped: string) {
  let written = 0
  writeFileSync(log, '')
  writeFileSync(shipped, '')
  const timer = setInterval(() => {
    for (let i = 0; i < 5; i++) appendFileSync(log, `${JSON.stringify({ n: written++, at: Date.now() })}\n`)
  }, 10)
  const stop = (): void => clearInterval(timer)
  t.after(stop)
  const linesOf = (text: string): { n: number; at: number }[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line) as { n: number; at: number })
      // The agent's own records, of checks that changed, are among them.
      .filter(record => record.n !== undefined)
  /** Of the last line that is there; the file is not read as a whole again and again. */
  const last = (): { n: number; at: number } | undefined => {
    const file = openSync(shipped, 'r')
    try {
      const { size } = fstatSync(file)
      const end = Buffer.alloc(Math.min(size, 32_768))
      readSync(file, end, 0, end.length, size - end.length)
      const text = end.toString()
      return linesOf(size > end.length ? text.slice(text.indexOf('\n') + 1) : text).at(-1)
    } finally {
      closeSync(file)
    }
  }
  return {
    stop,
    written: () => written,
    arrived: () => linesOf(readFileSync(shipped, 'utf8')).map(line => line.n),
    all: () => last()?.n === written - 1,
    lateMs: () => Date.now() - (last()?.at ?? Date.now())
  }
}

const config = (folder: string, checks: string): string => `agent: { data_dir: ${folder}/data }
admin: { listen: '127.0.0.1:0' }
outputs: { out: { type: file, path: ${folder}/out.ndjson } }
inputs: { app: { type: file, paths: [${folder}/app.log], start_at: beginning, poll: 50ms, pipeline: [{ json: {} }] } }
checks:
${checks}`

test('no fault of a target delays another check or the log', async t => {
  const folder = agentFolder(t)
  const name = `zombie${process.pid}`
  await zombie(t, folder, name)
  const port = await serve(t, (req, res) => {
    if (req.url === '/loop') return void res.writeHead(302, { location: '/loop2' }).end()
    if (req.url === '/loop2') return void res.writeHead(302, { location: '/loop' }).end()
    if (req.url === '/well') return void res.end('fine')
    if (req.url === '/silent') return
    res.writeHead(200)
    const huge = req.url === '/huge'
    const more = (): void => {
      // The next piece of what is huge when this one is gone, for as long as somebody listens.
      if (!res.destroyed) res.write('x'.repeat(huge ? 1_000_000 : 1), () => huge && setImmediate(more))
    }
    more()
    if (req.url === '/drip') {
      const timer = setInterval(more, 50)
      res.on('close', () => clearInterval(timer))
    }
  })
  const six = await serve(t, (_req, res) => res.end('fine'), '::1')
  const often = 'every: 300ms, timeout: 1s, failures_before_critical: 2, flap_changes: 0'
  const http = (path: string, more = ''): string =>
    `{ type: http, url: 'http://127.0.0.1:${port}${path}', ${more}${often} }`
  const log = busyLog(t, join(folder, 'app.log'), join(folder, 'out.ndjson'))
  const yarder = await startYarder(t, {
    folder,
    config: config(
      folder,
      `  well: { type: http, url: 'http://127.0.0.1:${port}/well', every: 100ms, timeout: 2s, failures_before_critical: 1 }
  suspended: { type: tcp, address: '127.0.0.1:${await suspendedPort(t)}', ${often} }
  silent: ${http('/silent')}
  drip: ${http('/drip', 'body_matches: never, ')}
  huge: ${http('/huge', 'body_matches: never, ')}
  loop: ${http('/loop', 'follow_redirects: 5, ')}
  nowhere: { type: tcp, address: 'no-such-host.invalid:80', ${often} }
  six: { type: http, url: 'http://[::1]:${six}/', ${often} }
  zombie: { type: process, process: ${name}, ${often} }
  forks: { type: command, command: [/bin/sh, -c, 'sleep 300 & echo started'], ${often} }
  hangs: { type: command, command: [/bin/sh, -c, 'trap "" TERM; sleep 300 & wait'], ${often} }
  loud: { type: command, command: [/bin/sh, -c, 'head -c 10000000 /dev/zero; echo; echo; exit 1'], ${often} }
`
    )
  })
  const expected: Record<string, [status: string, message: RegExp]> = {
    suspended: ['critical', /timed out after 1 second/],
    silent: ['critical', /timed out after 1 second/],
    drip: ['critical', /timed out after 1 second/],
    huge: ['critical', /does not match|no match|body/i],
    loop: ['critical', /redirect/],
    nowhere: ['critical', /no-such-host\.invalid/],
    six: ['ok', /200/],
    zombie: ['critical', /0 processes/],
    forks: ['ok', /started/],
    hangs: ['critical', /timed out after 1 second/],
    loud: ['warning', /./]
  }
  let latest = 0
  await until(
    'each fault to be known',
    async () => {
      latest = Math.max(latest, log.lateMs())
      const checks = await checksOf(yarder)
      return Object.entries(expected).every(([check, [status]]) => checks.get(check)?.status === status)
    },
    30_000
  ).catch(async (error: unknown) =>
    assert.fail(`${String(error)} ${JSON.stringify([...(await checksOf(yarder)).values()])}`)
  )
  const checks = await checksOf(yarder)
  for (const [check, [, message]] of Object.entries(expected)) assert.match(checks.get(check)!.message, message, check)

  // With all faults standing: a beat of 100 ms goes on as one, and lines arrive as they are written.
  const runs = (): Promise<number> => yarder.metric('yarder_check_duration_seconds_count{check="well"')
  const [before, began] = [await runs(), performance.now()]
  await until('30 more looks at what is well', async () => {
    latest = Math.max(latest, log.lateMs())
    return (await runs()) >= before + 30
  })
  const tookMs = performance.now() - began
  assert.ok(tookMs < 10_000, `30 beats of 100 ms took ${tookMs} ms`)
  assert.equal((await checksOf(yarder)).get('well')!.status, 'ok')
  assert.ok(latest < 3000, `a line was ${latest} ms late`)
  log.stop()
  await until('every line', log.all)
  assert.deepEqual(
    log.arrived(),
    Array.from({ length: log.written() }, (_, n) => n)
  )
  t.diagnostic(`${log.written()} lines, at most ${latest} ms late; 30 beats of 100 ms in ${Math.round(tookMs)} ms`)
})

test('an agent that was suspended finds nothing wrong that was not, and makes up for no look', async t => {
  const folder = agentFolder(t)
  const port = await serve(t, (_req, res) => setTimeout(() => res.end('fine'), 50))
  const log = busyLog(t, join(folder, 'app.log'), join(folder, 'out.ndjson'))
  const yarder = await startYarder(t, {
    folder,
    config: config(
      folder,
      `  well: { type: http, url: 'http://127.0.0.1:${port}/', every: 100ms, timeout: 500ms, failures_before_critical: 1 }
  runs: { type: command, command: [sleep, '0.05'], every: 100ms, timeout: 500ms, failures_before_critical: 1 }
`
    )
  })
  const runs = (): Promise<number> => yarder.metric('yarder_check_duration_seconds_count{check="well"')
  await until('some looks', async () => (await runs()) >= 10)
  const before = await runs()
  process.kill(yarder.pid, 'SIGSTOP')
  const stopped = Date.now()
  await until('two seconds to go by', () => Date.now() - stopped > 2000)
  process.kill(yarder.pid, 'SIGCONT')
  assert.ok((await runs()) <= before + 5, 'looks that were missed are not made up for')
  await until('more looks', async () => (await runs()) >= before + 15)
  for (const check of (await checksOf(yarder)).values()) assert.equal(check.status, 'ok', check.message)
  assert.equal(await yarder.metric('yarder_check_failures_total{check='), 0)
  assert.doesNotMatch(yarder.log(), /A check is not ok/)
  log.stop()
  await until('every line', log.all)
})
