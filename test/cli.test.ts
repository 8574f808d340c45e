// The command line as its users have it: the real program, its pipes and exit statuses.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createProgram } from '../src/cli/cli.ts'
import { version } from '../src/cli/command.ts'
import { holdWorld } from './lib/world.ts'

const yarder = fileURLToPath(new URL('../bin/yarder', import.meta.url))
const LINE = '127.0.0.1 - swills [13/Nov/2019:14:43:30 -0800] "GET /assets/234 HTTP/1.0" 200 2326\n'

interface Ended {
  readonly status: number | string | null | undefined
  readonly stdout: string
  readonly stderr: string
}

function run(argv: readonly string[], { input = '', env = {}, file = yarder } = {}): Promise<Ended> {
  return new Promise(resolve => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 }
    const child = execFile(file, argv, options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : (error.code ?? error.signal), stdout, stderr })
    })
    child.stdin!.end(input)
  })
}

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return dir
}

test('the program says its version and helps with every command', async () => {
  assert.deepEqual(await run(['--version']), { status: 0, stdout: `yarder ${version()}\n`, stderr: '' })
  const { commands } = createProgram(holdWorld(), () => {})
  assert.ok(commands.length >= 10)
  for (const command of commands) {
    const { status, stdout, stderr } = await run([command.name(), '--help'])
    assert.deepEqual([status, stderr], [0, ''], command.name())
    assert.match(stdout, new RegExp(`^Usage: yarder ${command.name()} `))
  }
})

test('wrong usage ends with 2 and says so on stderr alone', async () => {
  for (const argv of [['run', '--Config', 'x'], ['--zzz'], ['statsu'], []]) {
    const { status, stdout, stderr } = await run(argv)
    assert.deepEqual([status, stdout], [2, ''], argv.join(' '))
    assert.notEqual(stderr, '')
  }
})

test('records go through a pipe; a reader that leaves early ends the work without a word', async t => {
  const big = join(folder(t), 'big.log')
  writeFileSync(big, LINE.repeat(200_000))
  const child = spawn(yarder, ['parse', '--json', big], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise(resolve => child.on('close', (code, signal) => resolve(code ?? signal)))
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdout.once('data', () => child.stdout.destroy())
  assert.equal(await ended, 0)
  assert.equal(stderr, '')
})

test('a reader that takes its time gets all of it', async () => {
  const child = spawn(yarder, ['docs', '--schema'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise(resolve => child.on('close', resolve))
  // Not read before the pipe is full: more than it holds is still to come.
  await new Promise<void>(resolve => child.stdout.once('readable', () => resolve()))
  const chunks: Buffer[] = []
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.equal(await ended, 0)
  const text = Buffer.concat(chunks).toString()
  assert.ok(text.length > 65_536)
  assert.equal(typeof JSON.parse(text), 'object')
})

test('standard input is read to its end, with a last line that has no newline', async () => {
  const { status, stdout } = await run(['parse', '--print', 'request', '-'], { input: LINE + LINE.trimEnd() })
  assert.deepEqual([status, stdout], [0, '/assets/234\n/assets/234\n'])
  const grok = await run(['grok', '%{IP:ip}', '--file', '-'], { input: LINE })
  assert.deepEqual([grok.status, grok.stdout], [0, '{"ip":"127.0.0.1"}\n'])
})

test('no escape sequence leaves the program unless people look on, and NO_COLOR is obeyed', async t => {
  const path = join(folder(t), 'a.log')
  writeFileSync(path, LINE)
  assert.ok(!(await run(['parse', path])).stdout.includes('\u001b'))
  // util-linux' script gives the program a terminal.
  const onTerminal = (env: Record<string, string>): Promise<Ended> =>
    run(['-qec', `'${yarder}' parse '${path}'`, '/dev/null'], { file: 'script', env })
  const coloured = await onTerminal({ NO_COLOR: '' })
  if (coloured.status === 'ENOENT') return t.skip('there is no script(1) here')
  assert.ok(coloured.stdout.includes('\u001b['), coloured.stdout)
  const plain = await onTerminal({ NO_COLOR: '1' })
  assert.ok(!plain.stdout.includes('\u001b'), JSON.stringify(plain.stdout))
  assert.match(plain.stdout, /request=\/assets\/234/)
})

test('bash completes commands and options', async () => {
  const complete = (words: string): Promise<Ended> =>
    run(
      [
        '-c',
        'source <("$1" completion bash); COMP_WORDS=($2); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _yarder; echo "${COMPREPLY[@]}"',
        'bash',
        yarder,
        words
      ],
      { file: '/bin/bash' }
    )
  assert.equal((await complete('yarder va')).stdout, 'validate\n')
  assert.equal((await complete('yarder parse --fi')).stdout, '--first\n')
})
