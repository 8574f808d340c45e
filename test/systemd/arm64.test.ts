// The arm64 package, built here and run by emulation of the processor: the program in it works, its service notices included.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildPackage } from '../../tools/package.ts'
import { tool } from '../../tools/package/stage.ts'
import { debianPackage } from '../lib/real/debian.ts'
import { notifySocket } from '../lib/notify-socket.ts'
import { start, until } from '../lib/real/process.ts'

const LIBRARIES = ['libc6-arm64-cross', 'libstdc++6-arm64-cross', 'libatomic1-arm64-cross']
const reason =
  process.arch === 'arm64'
    ? 'this machine needs no emulation'
    : await debianPackage(['binutils-aarch64-linux-gnu', 'qemu-user-static', ...LIBRARIES])
const options = reason === undefined ? { timeout: 600_000 } : { skip: reason }

test('the arm64 package has a Node of its own architecture, and its agent runs', options, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-arm64-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const deb = await buildPackage(folder, 'deb', 'arm64', true)
  assert.equal(tool('dpkg-deb', ['-f', deb, 'Architecture']).trim(), 'arm64')
  tool('dpkg-deb', ['-x', deb, join(folder, 'root')])
  const lib = join(folder, 'root/usr/lib/yarder')
  const argv = [
    'qemu-aarch64-static',
    '-L',
    '/usr/aarch64-linux-gnu',
    join(lib, 'node'),
    '--disable-warning=ExperimentalWarning',
    join(lib, 'yarder.cjs')
  ] as const
  assert.match(tool(argv[0], [...argv.slice(1), 'version']), /"platform":"linux-arm64"/)

  writeFileSync(join(folder, 'a.log'), 'one\ntwo\n')
  writeFileSync(
    join(folder, 'yarder.yaml'),
    `
agent: { data_dir: ${folder}/data }
admin: { enabled: false }
inputs: { a: { type: file, paths: [${folder}/a.log], start_at: beginning } }
outputs: { out: { type: file, path: ${folder}/out.ndjson } }
`
  )
  const socket = notifySocket(t)
  const running = await start([...argv, 'run', '-c', join(folder, 'yarder.yaml')], {
    logFile: join(folder, 'log'),
    env: { NOTIFY_SOCKET: socket.path }
  })
  t.after(() => running.stop(0))
  const said = (what: RegExp): Promise<true> =>
    until(`${what}`, () => {
      running.check()
      return socket.received().some(text => what.test(text))
    })
  await said(/^READY=1/)
  await said(/1 file, all acknowledged/)
  assert.equal(tool('wc', ['-l', join(folder, 'out.ndjson')]).split(' ')[0], '2')
})
