import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '../../core/log.ts'
import { Discovery } from './discover.ts'
import { compileExclude, compileGlob } from './glob.ts'
import { Watch } from './watch.ts'

test('a pattern knows where its wildcards begin', () => {
  const base = (pattern: string): string => compileGlob(pattern, '/etc').base
  assert.equal(base('/var/log/*.log'), '/var/log')
  assert.equal(base('/srv/**/a/*.log'), '/srv')
  assert.equal(base('rel/a.log'), '/etc/rel/a.log')
  assert.equal(base('/my logs (1)/*.log'), '/my logs (1)')
  assert.equal(base('/*.log'), '/')
})

test('a pattern matches what a shell would', () => {
  const matches = (pattern: string, path: string): boolean => compileGlob(pattern, '/etc').matches(path)
  assert.ok(matches('/srv/**/*.log', '/srv/a.log'))
  assert.ok(matches('/srv/**/*.log', '/srv/x/y/a.log'))
  assert.ok(!matches('/srv/**/*.log', '/srv/.x/a.log'))
  assert.ok(matches('/srv/.x/*.log', '/srv/.x/a.log'))
  assert.ok(matches('/srv/[!a]*.log', '/srv/b.log'))
  assert.ok(!matches('/srv/[!a]*.log', '/srv/a.log'))
  assert.ok(matches('/srv/{a/b,c}/*.log', '/srv/a/b/x.log'))
  assert.ok(matches('/my logs (1)/*.log', '/my logs (1)/a.log'))
  const excluded = compileExclude(['*.gz', '/srv/tmp/**'], '/etc')
  assert.ok(excluded('/x/a.gz') && excluded('/srv/tmp/a/b.log') && !excluded('/srv/a.log'))
})

test('a folder is listed again only when it changed', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  mkdirSync(join(dir, 'a'))
  writeFileSync(join(dir, 'a', 'x.log'), '')
  // Far in the future no mtime is fresh enough to be doubted.
  let now = Date.now() + 60_000
  const discovery = new Discovery([compileGlob(`${dir}/*/*.log`, '/')], () => false, {
    elapsed: () => now,
    now: () => now,
    trouble: (_path, error) => assert.equal(error, undefined),
    folder() {}
  })
  assert.deepEqual((await discovery.look()).added, [join(dir, 'a', 'x.log')])
  assert.deepEqual(await discovery.look(), { added: [], gone: [], rotated: new Map() })
  const before = statSync(join(dir, 'a')).mtimeMs
  do {
    rmSync(join(dir, 'a', 'y.log'), { force: true })
    writeFileSync(join(dir, 'a', 'y.log'), '')
  } while (statSync(join(dir, 'a')).mtimeMs === before)
  renameSync(join(dir, 'a', 'x.log'), join(dir, 'a', 'x.log.1'))
  now += 1000
  const changes = await discovery.look()
  assert.deepEqual(changes.added, [join(dir, 'a', 'y.log')])
  assert.deepEqual(changes.gone, [join(dir, 'a', 'x.log')])
  assert.deepEqual([...changes.rotated.keys()], [join(dir, 'a', 'x.log')])
})

test('a watched folder hints at its files, also after it was replaced', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const logs = join(dir, 'log')
  const hints = new EventEmitter()
  const watch = new Watch(silentLog, path => hints.emit(path))
  t.after(() => watch.close())
  const file = join(logs, 'a.log')
  const hinted = async (): Promise<void> => {
    const seen = once(hints, file, { signal: AbortSignal.timeout(5000) })
    // The kernel's answer to the request for events is not told: write until they come.
    const writing = setInterval(() => appendFileSync(file, 'x\n'), 20)
    await seen.finally(() => clearInterval(writing))
  }
  mkdirSync(logs)
  watch.follow(new Map([[logs, 'first']]))
  await hinted()
  renameSync(logs, join(dir, 'away'))
  mkdirSync(logs)
  watch.follow(new Map([[logs, 'second']]))
  await hinted()
})
