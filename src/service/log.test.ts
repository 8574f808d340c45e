import assert from 'node:assert/strict'
import { test } from 'node:test'
import { YarderError } from '../core/errors.ts'
import { createLog, parseLevel } from './log.ts'
import type { LogLine, LogOptions } from './log.ts'

function logTo(over: Partial<LogOptions> = {}): { lines: string[]; service: ReturnType<typeof createLog> } {
  const lines: string[] = []
  const writer = { write: (text: string) => void lines.push(text), flush: () => Promise.resolve() }
  const now = (): number => Date.UTC(2019, 7, 12, 7, 57, 28, 157)
  const options: LogOptions = {
    format: 'text',
    level: 'info',
    environment: 'DEVEL',
    writer,
    journal: false,
    terminal: false,
    now,
    ...over
  }
  return { lines, service: createLog(options) }
}

test('a line has the time, the environment, the level, the part and its data', () => {
  const { lines, service } = logTo()
  service.root.child('output', { output: 'elastic' }).info({ records: 3 }, 'Sent.')
  assert.deepEqual(lines, ['2019-08-12 07:57:28,157 [DEVEL][INFO ] [output] Sent. output=elastic records=3\n'])
})

test('the journal gets priorities and no time, a terminal no time', () => {
  const journal = logTo({ journal: true })
  journal.service.root.error({}, 'Lost.')
  journal.service.root.warn({}, 'Odd.')
  assert.deepEqual(journal.lines, ['<3>[DEVEL][ERROR] [yarder] Lost.\n', '<4>[DEVEL][WARN ] [yarder] Odd.\n'])
  const terminal = logTo({ terminal: true })
  terminal.service.root.info({}, 'Here.')
  assert.deepEqual(terminal.lines, ['[DEVEL][INFO ] [yarder] Here.\n'])
})

test('JSON lines carry level, part and data, with the stack of an error', () => {
  const { lines, service } = logTo({ format: 'json' })
  service.root.child('input').error({ err: new TypeError('no'), path: '/a' }, 'Failed.')
  const line = JSON.parse(lines[0]!) as Record<string, unknown>
  assert.equal(line['level'], 'error')
  assert.equal(line['name'], 'input')
  assert.equal(line['path'], '/a')
  assert.equal(line['msg'], 'Failed.')
  assert.match((line['err'] as { stack: string }).stack, /log\.test\.ts:\d+/)
})

test('a bug is told with its stack and causes, an expected error in one line', () => {
  const { lines, service } = logTo({ journal: true })
  service.root.error({ err: new TypeError('no', { cause: new Error('why') }) }, 'Failed.')
  assert.match(lines[0]!, /^<3>\[DEVEL\]\[ERROR\] \[yarder\] Failed\. error="no: why"\n<3> {4}TypeError: no\n/)
  assert.match(lines[0]!, /log\.test\.ts:\d+/)
  assert.match(lines[0]!, /caused by Error: why/)
  assert.ok(
    lines[0]!
      .trimEnd()
      .split('\n')
      .every(l => l.startsWith('<3>')),
    'each line has its priority'
  )
  service.root.error({ err: new YarderError('UNREACHABLE', 'sending to http://h') }, 'Failed.')
  assert.equal(lines[1], '<3>[DEVEL][ERROR] [yarder] Failed. error="sending to http://h"\n')
})

test('what was tailed cannot forge lines or steer a terminal', () => {
  const { lines, service } = logTo()
  service.root.warn({ line: 'a\nb\u001b[2J"}\u2028' }, 'Odd.')
  assert.equal(lines[0]!.split('\n').length, 2)
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(lines[0]!, /[\u0000-\u0009\u000b-\u001f\u2028]/)
})

test('what was tailed cannot end its value and go on as another', () => {
  const { lines, service } = logTo()
  for (const path of [
    'a" forged="1',
    'a\\" forged="1',
    'a\\\\" forged="1',
    ['x y', 'a" forged="1'],
    { a: 'b forged=1' }
  ])
    service.root.warn({ path }, 'Odd.')
  for (const line of lines) {
    // What is no quote, or an escape of two characters, up to the end.
    assert.match(line, /Odd\. path="(?:[^"\\]|\\.)*"\n$/)
  }
  service.root.warn({ path: 'C:\\x', list: ['a', 'b'], n: 3 }, 'Odd.')
  assert.match(lines.at(-1)!, / path="C:\\\\x" list=\["a","b"\] n=3\n$/)
})

test('data that cannot be printed costs itself only', () => {
  const { lines, service } = logTo()
  const loop: Record<string, unknown> = {}
  loop['self'] = loop
  service.root.info(
    {
      loop,
      bad: {
        toJSON() {
          throw new Error('no')
        }
      },
      big: 1n
    },
    'Still here.'
  )
  Object.defineProperty(loop, 'getter', {
    enumerable: true,
    get() {
      throw new Error('no')
    }
  })
  service.root.info(loop, 'And here.')
  assert.equal(lines.length, 2)
  assert.match(lines[0]!, /Still here\./)
  assert.match(lines[1]!, /And here\./)
})

test('levels are set for a part and all below it, while running, and go back by themselves', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { lines, service } = logTo()
  const output = service.root.child('output')
  const elastic = output.child('elastic')
  elastic.debug({}, 'One.')
  service.setLevel('output', 20, 900_000)
  elastic.debug({}, 'Two.')
  service.root.child('input').debug({}, 'Three.')
  assert.equal(elastic.debugs, true)
  t.mock.timers.tick(900_000)
  elastic.debug({}, 'Four.')
  assert.ok(lines.some(l => l.includes('Two.')))
  assert.ok(!lines.some(l => /One\.|Three\.|Four\./.test(l)))
  assert.ok(lines.some(l => l.includes('Log level is back')))
})

test('errors are handed on, whatever the level of their part', () => {
  const { service } = logTo({ level: 'error' })
  const seen: LogLine[] = []
  service.onError = line => void seen.push(line)
  service.root.child('output', { output: 'a' }).error({ status: 400 }, 'Refused.')
  service.root.warn({}, 'Odd.')
  const labels = { output: 'a', status: 400 }
  assert.deepEqual(seen, [{ level: 'error', subsystem: 'output', message: 'Refused.', labels, error: undefined }])
})

test('secrets of the configuration leave neither in lines nor in what is handed on', () => {
  const { lines, service } = logTo()
  const seen: LogLine[] = []
  service.onError = line => void seen.push(line)
  const mask = (text: string): string => text.replaceAll('canary', '***')
  service.configure({ level: 'info', environment: 'DEVEL', format: 'text', mask })
  service.root.error({ err: new Error('with canary', { cause: 'canary' }), url: 'http://canary@h/' }, 'Failed.')
  service.configure({ level: 'info', environment: 'DEVEL', format: 'json', mask })
  service.root.error({ err: new Error('with canary'), url: 'http://canary@h/' }, 'Failed.')
  assert.equal(lines.length, 2)
  assert.doesNotMatch(lines.join('') + JSON.stringify(seen), /canary/)
})

for (const format of ['text', 'json'] as const)
  test(`a message that is repeated is folded, with the last data, and so is what is handed on: ${format}`, () => {
    let elapsed = 0
    const times = { elapsed: () => elapsed, later: () => () => {} }
    const { lines, service } = logTo({ format, times })
    const seen: LogLine[] = []
    let held = 0
    service.onError = line => void seen.push(line)
    service.onHeld = level => void (held += level === 'error' ? 1 : 0)
    const log = service.root.child('output', { output: 'a' })
    for (let i = 0; i < 12_081; i++) log.error({ i }, 'Refused.')
    assert.equal(lines.length, 50)
    elapsed = 60_000
    service.flush()
    assert.equal(lines.length, 51)
    assert.equal(held, 12_031)
    const told = 'Refused. (repeated 12,031 times in 60 s)'
    if (format === 'text')
      assert.equal(lines[50], `2019-08-12 07:57:28,157 [DEVEL][ERROR] [output] ${told} output=a i=12080\n`)
    else {
      const { msg, level, repeated, output, i } = JSON.parse(lines[50]!) as Record<string, unknown>
      assert.deepEqual([msg, level, repeated, output, i], [told, 'error', 12_031, 'a', 12_080])
    }
    assert.equal(seen.length, 51)
    assert.deepEqual([seen[50]!.message, seen[50]!.labels], [told, { output: 'a', i: 12_080 }])
  })

test('levels are names or 0 to 20', () => {
  assert.deepEqual(['error', 'WARNING', 'info', 'debug', '0', '20'].map(parseLevel), [0, 1, 5, 10, 0, 20])
  assert.deepEqual(['21', '-1', 'loud', ''].map(parseLevel), [undefined, undefined, undefined, undefined])
})
