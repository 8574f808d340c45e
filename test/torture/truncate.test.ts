// Files that are cut and begun anew without any copy: what was read stays read, what was not is counted by the byte.
import assert from 'node:assert/strict'
import { appendFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startFakeElasticsearch } from '../lib/fake-elasticsearch.ts'
import { run, until } from '../lib/real/process.ts'
import { PROGRAM } from '../lib/real/yarder.ts'
import { takeDocument } from './lib/destination.ts'
import { lostBytes } from './lib/disk.ts'
import { lane } from './lib/lane.ts'
import { Lines, parseLine } from './lib/line.ts'
import { World } from './lib/world.ts'

for (const alike of [false, true]) {
  lane(
    alike
      ? 'a file rewritten with the same length and the same beginning is read again'
      : 'a file rewritten with the same length is read again',
    { fault: `truncate to 0, same length${alike ? ', same beginning' : ''}` },
    async own => {
      const world = new World(own)
      await world.start()
      await world.write({ files: [{ writer: 'w', path: world.path('busy.log') }], rate: 3000 })
      await world.arrive(500)
      const path = world.path('app.log')
      const lines = new Lines('hand')
      const banner = alike ? `# ${'the same beginning '.repeat(400)}\n` : ''
      writeFileSync(path, banner + lines.take(500))
      for (const n of own.tries(12)) {
        world.byHand.set('hand', lines.count)
        await world.caughtUp()
        const { size } = statSync(path)
        let text = ''
        while (size - Buffer.byteLength(banner + text) > 400) text += lines.next()
        // It ends in something of its own: same length, first kilobyte and last 64 bytes are what a file is known by.
        const rest = size - Buffer.byteLength(banner + text)
        text = `${banner}${text}#${String(n).padStart(rest - 2, '.')}\n`
        // Cut and written within microseconds: no look can fall between.
        writeFileSync(path, text)
        assert.equal(statSync(path).size, size)
      }
      world.byHand.set('hand', lines.count)
      await world.finish()
    }
  )
}

lane(
  'what was cut away unread is told by the byte, and counted',
  { fault: 'truncate to 0 while the output is down' },
  async own => {
    const fake = await startFakeElasticsearch()
    own.defer(() => fake.down())
    const output = `type: elasticsearch, hosts: ['${fake.url}'], backoff: { init: 20ms, max: 200ms }, when_full: block`
    const world = new World(own, { outputs: `outputs:\n  out: { ${output} }`, patience: 100 })
    await world.start()
    const path = world.path('app.log')
    const lines = new Lines('w')
    const metric = (): Promise<number> =>
      world.agent.metric('yarder_input_lost_bytes_total{input="logs",reason="truncated"}')
    let told = 0
    for (const _ of own.tries(3)) {
      await fake.down()
      // More than the agent takes in while its output is down.
      for (let i = 0; i < 40; i++) appendFileSync(path, lines.take(5000))
      const { size } = statSync(path)
      await until(
        'the size to be seen',
        async () => (await world.agent.metric('yarder_input_file_size_bytes')) === size
      )
      const status = [PROGRAM, 'status', '-c', join(world.folder, 'agent', 'yarder.yaml')] as const
      // Yellow, it ends with status 1.
      await until('reading to stop', async () => (await run(status).catch(String)).includes('"full":true'))
      assert.ok((await world.agent.metric('yarder_input_read_bytes')) < size)
      truncateSync(path)
      await until('the loss to be counted', async () => (await metric()) > told)
      told = await metric()
      appendFileSync(path, lines.take(100))
      await fake.up()
      await until('the last line', () => lastOf(fake.docs) === lines.count - 1, 60_000)
    }
    for (const { source } of fake.docs) takeDocument(world.judge, source, false)
    world.byHand.set('w', lines.count)
    const verdict = await world.judged()
    assert.deepEqual([verdict.doubled, verdict.damaged, verdict.invented], [0, 0, 0], verdict.text)
    assert.ok(verdict.lost > 0, 'the output held back enough')
    const said = world.losses().reduce((n, { bytes }) => n + bytes, 0)
    assert.equal(said, told, 'the log says what the counter does')
    assert.equal(told, lostBytes(verdict, 'w'))
    const shipped = fake.docs.filter(
      ({ source }) => source['message'] === 'A part of a file was gone before it was read.'
    )
    assert.equal(shipped.length, world.losses().length, 'the destination is told as well')
    own.note(`lost: ${told} bytes, all of them told`)
    await world.stop()
  }
)

/** The highest number among the last documents; the agent's own records have none. */
function lastOf(docs: readonly { source: Record<string, unknown> }[]): number {
  return Math.max(...docs.slice(-5000).map(({ source }) => parseLine(String(source['message']))?.n ?? -1))
}
