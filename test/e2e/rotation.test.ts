// The book's rule with two agents: one asks the other's /health/, takes it out of rotation after three failures in a
// row, and after a restart the node looks at itself and calls the API that it is ready for work.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { until } from '../lib/real/process.ts'
import { agentFolder, startYarder } from '../lib/real/yarder.ts'

/** A server of the test's, on a port that stays its own when it is stopped and started again. */
async function serve(t: TestContext, server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

const http = (t: TestContext, answer: (req: IncomingMessage, res: ServerResponse) => void): Promise<number> => {
  const server = createServer(answer)
  t.after(() => server.closeAllConnections())
  return serve(t, server)
}

/** Who decides which nodes get work: it takes one out on `trigger`, and back when that calls itself ready. */
async function startApi(t: TestContext) {
  const calls: string[] = []
  const port = await http(t, (req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', chunk => (body += chunk))
    req.on('end', () => {
      const { node, event } = JSON.parse(body) as Record<string, string>
      calls.push(`${req.method} ${node} ${event}`)
      res.end()
    })
  })
  const count = (event: string): number => calls.filter(call => call === `POST web-1 ${event}`).length
  return {
    calls,
    count,
    url: `http://127.0.0.1:${port}/nodes`,
    inRotation: () => calls.findLast(c => !c.endsWith('resolve')) === 'POST web-1 ready'
  }
}

/** The way from the one agent to the other: it notes each answer, and can put failures of its own in. */
async function startWay(t: TestContext) {
  const answers: number[] = []
  let node = ''
  const toFail: boolean[] = []
  const port = await http(t, (req, res) => {
    const answer = (status: number): void => {
      answers.push(status)
      res.writeHead(status).end()
    }
    if (toFail.shift() === true) return answer(500)
    fetch(`${node}${req.url}`).then(
      got => answer(got.status),
      () => answer(502)
    )
  })
  return {
    answers,
    url: `http://127.0.0.1:${port}`,
    leadTo: (url: string): void => void (node = url),
    failNext: (...pattern: boolean[]): void => void toFail.push(...pattern)
  }
}

test('a node is out after three failures in a row, and back when it is restarted and calls itself ready', async t => {
  const folder = agentFolder(t)
  const api = await startApi(t)
  const way = await startWay(t)
  const queue = createTcpServer(socket => socket.end())
  const queuePort = await serve(t, queue)

  const payload = (event: string): string => `payload: { node: web-1, event: "${event}", text: "%{text}" }`
  const node = {
    folder: join(folder, 'node'),
    config: `agent: { data_dir: ${folder}/node/data, notify_ready: api }
admin: { listen: '127.0.0.1:0' }
notify: { api: { type: webhook, url: '${api.url}', ${payload('ready')} } }
checks: { queue: { type: tcp, address: '127.0.0.1:${queuePort}', every: 100ms } }
`
  }
  const startNode = async () => {
    const started = await startYarder(t, node)
    way.leadTo(started.url)
    return started
  }
  const first = await startNode()
  await until('the node to call itself ready', () => api.count('ready') === 1)

  await startYarder(t, {
    folder: join(folder, 'watcher'),
    config: `agent: { data_dir: ${folder}/watcher/data }
admin: { listen: '127.0.0.1:0' }
notify: { api: { type: webhook, url: '${api.url}', ${payload('%{action}')} } }
checks: { web_1: { type: http, url: '${way.url}/health/', every: 100ms, notify: api } }
`
  })
  await until('the watcher to find the node well', () => way.answers.includes(200))

  // F F S F F S: never three in a row.
  way.failNext(true, true, false, true, true, false)
  const before = way.answers.length
  await until('six more looks', () => way.answers.length >= before + 7)
  assert.equal(way.answers.filter(status => status === 500).length, 4)
  assert.deepEqual([api.count('trigger'), api.inRotation()], [0, true])

  queue.close()
  await until('the node to be taken out', () => api.count('trigger') === 1)
  const bad = way.answers.slice(way.answers.lastIndexOf(200) + 1)
  assert.ok(bad.length >= 3 && bad.every(status => status === 503), bad.join(' '))
  assert.equal(api.inRotation(), false)

  await first.end()
  const faulty = await startNode()
  await faulty.said('Not ready for work')
  assert.equal((await fetch(`${faulty.url}/health/`)).status, 503)
  assert.match(faulty.log(), /Not ready for work.*queue: .*ECONNREFUSED/)
  assert.deepEqual([api.count('ready'), api.inRotation()], [1, false])
  await faulty.end()
  assert.equal(api.count('ready'), 1, 'a node with the fault does not call')

  await serve(
    t,
    createTcpServer(socket => socket.end()),
    queuePort
  )
  const mended = await startNode()
  await until('the node to call itself ready again', () => api.count('ready') === 2)
  assert.equal((await fetch(`${mended.url}/health/`)).status, 200)
  assert.equal(api.inRotation(), true)
  await until('the watcher to find it well again', () => api.count('resolve') === 1)
  assert.deepEqual([api.count('trigger'), api.count('ready')], [1, 2], `each once: ${api.calls.join(', ')}`)
})
