import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { until } from '../../lib/real/process.ts'
import { Judge } from './judge.ts'
import type { Verdict } from './judge.ts'
import { startWriter } from './writer.ts'
import type { Style } from './writer.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function judged(paths: readonly string[], written: ReadonlyMap<string, { lines: number }>): Verdict {
  const judge = new Judge()
  for (const path of paths) {
    const text = readFileSync(path, 'utf8')
    assert.ok(text === '' || text.endsWith('\n'), 'the last line is whole')
    for (const line of text.split('\n').slice(0, -1)) judge.take(line, 0)
  }
  return judge.verdict(new Map([...written].map(([writer, { lines }]) => [writer, lines])))
}

for (const style of ['lines', 'chunks', 'halves', 'mixed'] as const satisfies readonly Style[]) {
  test(`what a writer counts is in its files, written as ${style}, over a rename and SIGHUP`, async t => {
    const dir = folder(t)
    const path = join(dir, 'a.log')
    const files = [
      { writer: 'a', path },
      { writer: 'b', path: join(dir, 'b.log') }
    ]
    const writer = await startWriter(t, { files, rate: 20_000, style })
    const lines = async (of: string): Promise<number> => (await writer.status()).get(of)!.lines
    await until('lines', async () => (await lines('a')) > 500)
    renameSync(path, `${path}.1`)
    process.kill(writer.pid, 'SIGHUP')
    await until('the new file', async () => (await writer.status()).get('a')!.opens === 2)
    const before = await lines('a')
    await until('more lines', async () => (await lines('a')) > before + 500)
    const written = await writer.stop()
    const verdict = judged([`${path}.1`, path, join(dir, 'b.log')], written)
    assert.deepEqual([verdict.lost, verdict.doubled, verdict.damaged, verdict.invented], [0, 0, 0, 0], verdict.text)
    assert.equal(statSync(path).size + statSync(`${path}.1`).size, written.get('a')!.bytes)
  })
}

test('a paused writer writes nothing, and a resumed one goes on', async t => {
  const path = join(folder(t), 'a.log')
  const writer = await startWriter(t, { files: [{ writer: 'a', path }], rate: 10_000, style: 'halves', paused: true })
  assert.equal(statSync(path).size, 0)
  await writer.resume()
  await until('lines', () => statSync(path).size > 0)
  const { lines } = (await writer.pause()).get('a')!
  assert.equal(judged([path], new Map([['a', { lines }]])).lost, 0)
  assert.equal((await writer.status()).get('a')!.lines, lines)
  assert.deepEqual(await writer.stop(), await writer.status())
})
