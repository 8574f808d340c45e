import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createLineWriter } from './stderr.ts'

const skip = process.getuid?.() !== 0 && 'mounts a small disk, which needs root'

test('lines arrive in order in a file, appended to what it holds', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const path = join(dir, 'log')
  const fd = openSync(path, 'a')
  t.after(() => closeSync(fd))
  const writer = createLineWriter(fd)
  for (let i = 0; i < 1000; i++) writer.write(`line ${i}\n`)
  await writer.flush(1000)
  assert.equal(readFileSync(path, 'utf8'), Array.from({ length: 1000 }, (_, i) => `line ${i}\n`).join(''))
})

test('what stdout writes to the same file stands between the lines, nothing over anything', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const path = join(dir, 'log')
  const fd = openSync(path, 'w')
  t.after(() => closeSync(fd))
  const writer = createLineWriter(fd)
  for (let i = 0; i < 10; i++) {
    writer.write(`message ${i}\n`)
    writeSync(fd, `result ${i}\n`)
  }
  await writer.flush(1000)
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  assert.equal(lines.length, 20)
  assert.equal(new Set(lines).size, 20)
})

test('a reader that stalls costs bounded memory, never time, and is told how much it missed', async t => {
  const program = `
    const { createLineWriter } = await import(${JSON.stringify(new URL('./stderr.ts', import.meta.url).href)})
    const writer = createLineWriter(2, 64 * 1024)
    for (let i = 0; i < 100_000; i++) writer.write('x'.repeat(50) + i + '\\n')
    process.stdout.write('written\\n')
    process.stdin.once('data', async () => { await writer.flush(5000); process.exit(0) })`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['pipe', 'pipe', 'pipe']
  })
  t.after(() => child.kill('SIGKILL'))
  child.stderr.pause()
  await new Promise<void>(resolve => child.stdout.once('data', () => resolve()))
  const chunks: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stdin.write('go\n')
  const status = await new Promise(resolve => child.once('close', resolve))
  assert.equal(status, 0)
  const text = Buffer.concat(chunks).toString()
  const lines = text.trimEnd().split('\n')
  const dropped = Number(/yarder: (\d+) lines of the agent's own log were dropped/.exec(text)?.[1])
  assert.ok(dropped > 0)
  assert.equal(lines.filter(l => l.startsWith('x')).length + dropped, 100_000)
})

test('a reader that is gone ends the writing quietly', async () => {
  const child = spawn(
    process.execPath,
    [
      '--input-type=module-typescript',
      '-e',
      `const { createLineWriter } = await import(${JSON.stringify(new URL('./stderr.ts', import.meta.url).href)})
       const writer = createLineWriter(2)
       process.stdin.once('data', async () => {
         for (let i = 0; i < 100; i++) writer.write('x\\n')
         await writer.flush(2000)
         process.exit(7)
       })`
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] }
  )
  child.stderr.destroy()
  child.stdin.write('go\n')
  assert.equal(await new Promise(resolve => child.once('close', resolve)), 7)
})

test(
  'a full disk costs the lines beyond the bound, which are counted; with room it goes on by itself',
  { skip },
  async t => {
    const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir])
    t.after(() => {
      execFileSync('umount', ['-l', dir])
      rmSync(dir, { recursive: true })
    })
    const fd = openSync(join(dir, 'log'), 'a')
    t.after(() => closeSync(fd))
    const writer = createLineWriter(fd, 16 * 1024)
    const line = (i: number): string => `line ${i} ${'x'.repeat(80)}\n`
    writeFileSync(join(dir, 'filler'), 'x'.repeat(60 * 1024))
    for (let i = 0; i < 1000; i++) writer.write(line(i))
    const before = performance.now()
    await writer.flush(5000)
    assert.ok(performance.now() - before < 4000, 'the end does not wait for the disk')
    rmSync(join(dir, 'filler'))
    const text = (): string => readFileSync(join(dir, 'log'), 'utf8')
    while (!text().includes('were dropped')) await setTimeout(20)
    writer.write('after\n')
    await writer.flush(5000)
    const lines = text().trimEnd().split('\n')
    const dropped = Number(/yarder: (\d+) lines of the agent's own log were dropped/.exec(text())?.[1])
    const kept = lines.filter(l => l.startsWith('line '))
    assert.equal(kept.length + dropped, 1000)
    assert.deepEqual(
      kept.map(l => `${l}\n`),
      Array.from({ length: kept.length }, (_, i) => line(i)),
      'no line is cut or out of order'
    )
    assert.equal(lines.at(-1), 'after')
  }
)
