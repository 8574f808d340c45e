// What lies under a glob is not always a log: the running agent goes on, keeps its memory, and loses no line beside it.
import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  writeSync
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { run, until } from '../lib/real/process.ts'
import { agentFolder, launchYarder, PROGRAM, startYarder } from '../lib/real/yarder.ts'
import type { YarderOptions } from '../lib/real/yarder.ts'

const MIB = 1024 * 1024
const PEAK_BYTES = 200 * MIB

interface Doc {
  readonly message: string
  readonly tags?: string[]
  /** Of a line; the agent's own errors have none. */
  readonly log: { readonly offset: number; readonly file?: { readonly path: string } }
}

interface Rig {
  readonly logs: string
  readonly options: YarderOptions
  /** What has arrived; every byte of it must be UTF-8 and every line JSON. */
  docs(): Doc[]
  /** Messages that came from one file. */
  messages(path: string): string[]
}

/** An agent that follows everything in a folder and writes NDJSON. */
function rig(t: TestContext): Rig {
  const folder = agentFolder(t)
  const logs = join(folder, 'logs')
  mkdirSync(logs)
  const out = join(folder, 'out.ndjson')
  const config = `
agent: { data_dir: ${folder}/data }
admin: { listen: '127.0.0.1:0' }
inputs: { all: { type: file, paths: ['${logs}/**'], start_at: beginning, poll: 100ms } }
outputs: { out: { type: file, path: ${out} } }
`
  const docs = (): Doc[] => {
    if (!existsSync(out)) return []
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(out))
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
    return lines.slice(0, -1).map(line => JSON.parse(line) as Doc)
  }
  const messages = (path: string): string[] =>
    docs()
      .filter(doc => doc.log.file?.path === path)
      .map(doc => doc.message)
  return { logs, options: { folder, config }, docs, messages }
}

test('binary, invalid UTF-8, NUL, a FIFO and a folder under the glob: the lines beside them arrive, the stop is clean', async t => {
  const { logs, options, docs, messages } = rig(t)
  const at = (name: string): string => join(logs, name)
  const binary = Buffer.concat([readFileSync(process.execPath).subarray(0, 3 * MIB), Buffer.from('\n')])
  writeFileSync(at('binary.log'), binary)
  const torn = [
    Buffer.from('caf\u00e9 '),
    Buffer.from([0xc3, 0x28, 0xff, 0xfe, 0xed, 0xa0, 0x80, 0xf4, 0x90, 0x80, 0x80, 0x20, 0xe2, 0x82])
  ]
  writeFileSync(at('torn.log'), Buffer.concat([...torn, Buffer.from('\nwell\n')]))
  writeFileSync(at('nul.log'), 'a\0b\n\0\0\0\nc\n')
  await run(['mkfifo', at('pipe.log')])
  mkdirSync(at('folder.log'))
  writeFileSync(at('good.log'), 'one\ntwo\n')

  const yarder = await startYarder(t, options)
  await until('the good lines', () => messages(at('good.log')).length === 2)
  appendFileSync(at('good.log'), 'three\n')
  await until('the line that came later', () => messages(at('good.log')).length === 3)
  await until('the torn line', () => messages(at('torn.log')).length === 2)
  const [broken, well] = messages(at('torn.log'))
  assert.match(broken!, /^caf\u00e9 \ufffd\(\ufffd+ \ufffd$/)
  assert.equal(well, 'well')
  await until('the lines with NUL', () => messages(at('nul.log')).length === 3)
  assert.deepEqual(messages(at('nul.log')), ['a\0b', '\0\0\0', 'c'])
  const newlines = binary.filter(byte => byte === 10).length
  await until('the lines of the binary', () => messages(at('binary.log')).length === newlines)
  await yarder.said(/pipe\.log/)

  assert.equal((await yarder.end()).code, 0)
  assert.deepEqual(messages(at('good.log')), ['one', 'two', 'three'])
  assert.equal(
    docs().length,
    new Set(docs().map(doc => `${doc.log.file?.path} ${doc.log.offset}`)).size,
    'no line came twice'
  )
})

test('a line of 100 MB is cut, flagged and counted, the next one is whole, and memory stays below 200 MB', async t => {
  const { logs, options, messages, docs } = rig(t)
  const path = join(logs, 'long.log')
  writeFileSync(path, 'before\n')
  const yarder = await startYarder(t, options)
  await until('the first line', () => messages(path).length === 1)
  // In pieces, as a program would write it, and with the end of the line long in coming.
  const piece = Buffer.alloc(10 * MIB, 'x')
  const file = openSync(path, 'a')
  for (let i = 0; i < 10; i++) {
    writeSync(file, piece)
    await until(
      'the piece to be looked at',
      async () => (await yarder.metric('yarder_input_file_size_bytes')) >= (i + 1) * piece.length
    )
  }
  writeSync(file, '\nafter\n')
  closeSync(file)
  await until('the line after it', () => messages(path).includes('after'))
  const [, long, after] = docs()
  assert.equal(long!.message.length, MIB)
  assert.deepEqual(long!.tags, ['_truncated'])
  assert.equal(after!.tags, undefined)
  assert.equal(docs().length, 3)
  assert.equal(await yarder.metric('yarder_input_cut_lines_total'), 1)
  const peak = yarder.peakRss()
  t.diagnostic(`peak ${Math.round(peak / MIB)} MB`)
  assert.ok(peak < PEAK_BYTES, `peak ${Math.round(peak / MIB)} MB`)
  assert.equal((await yarder.end()).code, 0)
})

test('a file of 100 MB without any newline holds nothing up and needs no memory', async t => {
  const { logs, options, messages } = rig(t)
  const file = openSync(join(logs, 'endless.log'), 'w')
  for (let i = 0; i < 10; i++) writeSync(file, Buffer.alloc(10 * MIB, 'y'))
  closeSync(file)
  const good = join(logs, 'good.log')
  writeFileSync(good, 'one\n')
  const yarder = await startYarder(t, options)
  await until('the line beside it', () => messages(good).length === 1)
  await until('all of it to be looked at', async () => (await yarder.metric('yarder_input_cut_lines_total')) === 1)
  appendFileSync(good, 'two\n')
  await until('the second line', () => messages(good).length === 2)
  const peak = yarder.peakRss()
  t.diagnostic(`peak ${Math.round(peak / MIB)} MB`)
  assert.ok(peak < PEAK_BYTES, `peak ${Math.round(peak / MIB)} MB`)
  assert.equal((await yarder.end()).code, 0)
})

test('files that come and vanish at every moment leave no error behind and cost no line of the others', async t => {
  const { logs, options, messages } = rig(t)
  const good = join(logs, 'good.log')
  writeFileSync(good, '')
  const yarder = await startYarder(t, options)
  let written = 0
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 25; i++) {
      const path = join(logs, `short-${i}.log`)
      writeFileSync(path, `line of ${i}\n`)
      if (i % 3 === 0) renameSync(path, `${path}.1`)
      else unlinkSync(path)
      appendFileSync(good, `line ${written++}\n`)
    }
    // Each round meets the agent at another point of its work.
    await until('the agent to keep up', () => messages(good).length >= written)
  }
  assert.deepEqual(
    messages(good),
    Array.from({ length: written }, (_, i) => `line ${i}`)
  )
  assert.equal((await yarder.end()).code, 0)
  assert.doesNotMatch(yarder.log(), /\]\[(ERROR|FATAL)/)
})

const root = process.getuid?.() === 0
const NOBODY = 65_534
const as = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] as const
// Permissions do not bind root, so its agent runs as somebody else, who must be able to read the program.
const skip = root
  ? await run([...as, PROGRAM, 'version']).then(
      () => false as const,
      () => 'needs setpriv (Debian: util-linux) and a checkout that every user may read'
    )
  : false

test(
  'a file that may not be read is told with path, errno and what refuses, and is read once it may be',
  {
    skip
  },
  async t => {
    const { logs, options, messages } = rig(t)
    const { folder } = options
    const closed = join(logs, 'closed.log')
    const good = join(logs, 'good.log')
    writeFileSync(closed, 'secret\n', { mode: 0 })
    writeFileSync(good, 'one\n')
    if (root) {
      chmodSync(folder, 0o755)
      mkdirSync(join(folder, 'data'))
      for (const path of [folder, logs, join(folder, 'data')]) chownSync(path, NOBODY, NOBODY)
    }
    const yarder = await startYarder(t, { ...options, ...(root ? { through: as } : {}) })
    await until('the line beside it', () => messages(good).length === 1)
    await yarder.said(/\]\[ERROR\].*closed\.log.*EACCES/)
    await yarder.said(/closed\.log \(----------, owner \d+:\d+\) gives no read permission/)
    assert.equal(await yarder.metric('yarder_input_errors_total{input="all",errno="EACCES"}'), 1)
    chmodSync(closed, 0o644)
    await until('its line', () => messages(closed).length === 1)
    assert.equal((await yarder.end()).code, 0)
  }
)

test('a YAML bomb as configuration ends at once with status 2 and one line that says why', async t => {
  const folder = agentFolder(t)
  const levels = Array.from({ length: 12 }, (_, i) => {
    const item = i === 0 ? 'lol' : `*a${i - 1}`
    return `a${i}: &a${i} [${Array.from({ length: 10 }, () => item).join(', ')}]`
  })
  const yarder = await launchYarder(t, { folder, config: levels.join('\n') })
  const { code, ms } = await yarder.ended(10_000)
  assert.equal(code, 2)
  assert.ok(ms < 5000, `took ${Math.round(ms)} ms`)
  assert.match(yarder.log(), /aliases stand for more than \d+ values/)
})
