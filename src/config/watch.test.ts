import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { watchConfig } from './watch.ts'

interface Watched {
  readonly dir: string
  readonly main: string
  /** Resolves at the next call of onChange. */
  changed(act: () => void): Promise<unknown>
  count(): number
}

function watched(t: TestContext, reads: readonly string[] = []): Watched {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const stop = new AbortController()
  t.after(() => {
    stop.abort()
    rmSync(dir, { recursive: true, force: true })
  })
  const main = join(dir, 'yarder.yaml')
  writeFileSync(main, 'agent: {}')
  const events = new EventEmitter()
  let count = 0
  const onChange = (): void => {
    count++
    events.emit('change')
  }
  watchConfig(
    main,
    reads.map(r => join(dir, r)),
    onChange,
    stop.signal,
    20
  )
  const changed = async (act: () => void): Promise<unknown> => {
    const next = once(events, 'change', { signal: AbortSignal.timeout(10_000) })
    act()
    return next
  }
  return { dir, main, changed, count: () => count }
}

test('a main file that is written, or replaced by another, is noticed', async t => {
  const w = watched(t)
  await w.changed(() => writeFileSync(w.main, 'agent: { region: eu }'))
  await w.changed(() => {
    writeFileSync(`${w.main}.new`, 'agent: {}')
    renameSync(`${w.main}.new`, w.main)
  })
})

test('drop-ins are noticed, also in a conf.d that comes later or again', async t => {
  const w = watched(t)
  const confD = join(w.dir, 'conf.d')
  for (let i = 0; i < 2; i++) {
    await w.changed(() => {
      mkdirSync(confD)
      writeFileSync(join(confD, 'a.yaml'), '')
    })
    await w.changed(() => writeFileSync(join(confD, 'b.yaml'), ''))
    await w.changed(() => rmSync(confD, { recursive: true }))
  }
})

test("a secret that is replaced is noticed; files that are nobody's are not", async t => {
  const w = watched(t, ['secret'])
  writeFileSync(join(w.dir, '.yarder.yaml.swp'), 'x')
  writeFileSync(join(w.dir, 'other.yaml'), 'x')
  await w.changed(() => writeFileSync(join(w.dir, 'secret'), 'x'))
  assert.equal(w.count(), 1)
})
