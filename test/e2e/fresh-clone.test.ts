// A newcomer's two minutes: clone, `npm start` with whatever Node the system has, records and numbers, Ctrl-C.
import assert from 'node:assert/strict'
import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { exclusively, run, start, until } from '../lib/real/process.ts'
import { agentFolder } from '../lib/real/yarder.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Where distributions put Node; the checkout's own is in node_modules. */
const SYSTEM = '/usr/bin'
/** The quick start listens where the documentation says. */
const PORT = 9680
const INSTALL_MS = 240_000

async function missing(): Promise<string | undefined> {
  if (!existsSync(join(SYSTEM, 'node')) || !existsSync(join(SYSTEM, 'npm')))
    return `needs a system's Node and npm in ${SYSTEM}`
  if (!existsSync(join(root, '.git'))) return 'needs a git checkout'
  return run(['git', '--version']).then(
    () => undefined,
    () => 'needs git'
  )
}

/** Without the folders that npm puts in front for our own run, so that the clone sees what a newcomer's shell has. */
function newcomer(): Record<string, string> {
  const path = `${SYSTEM}:/bin:/usr/local/bin`
  return {
    PATH: path,
    CI: '',
    NODE_COMPILE_CACHE: '',
    NODE_OPTIONS: '',
    NODE_TEST_CONTEXT: '',
    NODE_PATH: '',
    INIT_CWD: ''
  }
}

const taken = (): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(PORT, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

const skip = (await missing()) ?? false

test(
  'a fresh clone: npm start shows records and numbers, and Ctrl-C ends it cleanly',
  { skip, timeout: 300_000 },
  async t => {
    const folder = agentFolder(t)
    const clone = join(folder, 'yarder')
    await run(['git', '-c', 'safe.directory=*', 'clone', '-q', '--no-hardlinks', `file://${root}`, clone])
    const system = (await run([join(SYSTEM, 'node'), '--version'])).trim()

    await exclusively(`port-${PORT}`, async () => {
      // Another agent of this machine may have it for a while.
      await until(`port ${PORT} to be free`, async () => !(await taken()), 60_000)
      const began = performance.now()
      const npm = await start([join(SYSTEM, 'npm'), 'start'], {
        logFile: join(folder, 'output'),
        cwd: clone,
        env: newcomer()
      })
      t.after(() => npm.stop(0))
      const output = (): string => readFileSync(npm.logFile, 'utf8')
      const seen = (what: RegExp): Promise<true> =>
        until(`${what} on the screen`, () => npm.check() ?? (what.test(output()) as true | false), INSTALL_MS)

      // A request of the sample access log, an order's stack trace in one record, and a line that the writer has added.
      await seen(/clientip=/)
      await seen(/Exception/)
      const seconds = (performance.now() - began) / 1000
      const answer = await fetch(`http://127.0.0.1:${PORT}/metrics`)
      assert.equal(answer.status, 200)
      const before = sent(await answer.text())
      assert.ok(before > 0)
      await until(
        'the writer’s lines',
        async () => sent(await fetch(`http://127.0.0.1:${PORT}/metrics`).then(a => a.text())) > before
      )
      assert.equal((await fetch(`http://127.0.0.1:${PORT}/health`)).status, 200)
      assert.ok(lstatSync(join(clone, 'node_modules/.bin/node')).isSymbolicLink(), 'the pinned Node is linked')

      // The terminal sends Ctrl-C to every process in the foreground; npm itself ends by that signal, after its child.
      process.kill(-npm.pid, 'SIGINT')
      await until('the end of every process', () => gone(npm.pid), 20_000)
      assert.match(output(), /Stopped; everything that was read has arrived\./)
      assert.ok(npm.child.signalCode === 'SIGINT' || npm.child.exitCode === 0, `npm ended with ${npm.child.exitCode}`)
      assert.doesNotMatch(output(), /\[(WARN |ERROR)\]|npm (error|ERR)/)
      assert.equal(await taken(), false, 'nothing was left running')
      t.diagnostic(`system Node ${system}; ${seconds.toFixed(0)} s from npm start to the records`)
    })
  }
)

/** Records that went out, by the page. */
function sent(page: string): number {
  const line = page.split('\n').find(l => l.startsWith('yarder_output_sent_total'))
  assert.ok(line !== undefined, page.slice(0, 2000))
  return Number(line.slice(line.lastIndexOf(' ')))
}

/** No process of the group is left. */
function gone(group: number): boolean {
  try {
    process.kill(-group, 0)
    return false
  } catch {
    return true
  }
}
