// The outward heartbeat: a second place hears of the agent all the time, and knows by the silence that it is gone.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { until } from '../lib/real/process.ts'
import { agentFolder, startYarder } from '../lib/real/yarder.ts'

/** The second place: it takes beats, and an agent that it has not heard of for a second is missed. */
async function secondPlace(t: TestContext) {
  const heard: string[] = []
  const events: string[] = []
  let refuse = false
  let timer: NodeJS.Timeout | undefined
  const server = createServer((req, res) => {
    heard.push(`${req.method} ${req.url}`)
    clearTimeout(timer)
    timer = setTimeout(() => events.push('missed'), 1000)
    if (events.at(-1) !== 'alive') events.push('alive')
    res.writeHead(refuse ? 500 : 200).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    clearTimeout(timer)
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ping/web-1`,
    heard,
    events,
    refuse: (): void => void (refuse = true)
  }
}

test('an agent that is killed is missed, and one that is started again is not', async t => {
  const folder = agentFolder(t)
  const place = await secondPlace(t)
  const agent = {
    folder,
    config: `agent: { data_dir: ${folder}/data }
admin: { listen: '127.0.0.1:0' }
checks: { heartbeat: { type: http, method: POST, url: '${place.url}', every: 100ms } }
`
  }
  const first = await startYarder(t, agent)
  await until('beats', () => place.heard.length >= 10)
  assert.deepEqual([place.events, place.heard[0]], [['alive'], 'POST /ping/web-1'])

  await first.end('SIGKILL')
  const beats = place.heard.length
  await until('the agent to be missed', () => place.events.includes('missed'))
  // One may have been on its way when it was killed.
  assert.ok(place.heard.length <= beats + 1)

  const second = await startYarder(t, agent)
  await until('it to be alive again', () => place.events.join(' ') === 'alive missed alive')

  // A process that is there and does nothing is as dead.
  process.kill(second.pid, 'SIGSTOP')
  await until('the suspended agent to be missed', () => place.events.at(-1) === 'missed')
  process.kill(second.pid, 'SIGCONT')
  await until('it to be alive after that', () => place.events.at(-1) === 'alive')

  // And the other way round: that the second place does not take beats is a failure here.
  place.refuse()
  await until('the check to fail', async () => (await second.metric('yarder_check_state{check="heartbeat"}')) === 2)
})
