import assert from 'node:assert/strict'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { Rig } from './rig.ts'

type Op =
  | { do: 'append'; file: number; lines: number; banner: boolean }
  | { do: 'rename' | 'copytruncate' | 'truncate' | 'delete' | 'compress' | 'half'; file: number }
  | { do: 'look' | 'poll' | 'turn' | 'stop' | 'kill' | 'commit' | 'settle' | 'idle' }

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      file: fc.nat(1),
      lines: fc.integer({ min: 1, max: 40 }),
      banner: fc.boolean()
    })
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'rename' as const,
        'copytruncate' as const,
        'truncate' as const,
        'delete' as const,
        'compress' as const,
        'half' as const
      ),
      file: fc.nat(1)
    })
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'look' as const,
        'poll' as const,
        'turn' as const,
        'stop' as const,
        'kill' as const,
        'commit' as const,
        'settle' as const,
        'idle' as const
      )
    })
  }
)

/** What was written, and which lines a reader may lack: those that were deleted or cut without a copy. */
class World {
  readonly rig: Rig
  readonly written = new Map<string, number>()
  readonly excusable = new Set<string>()
  n = 0

  constructor(rig: Rig) {
    this.rig = rig
  }

  path(file: number): string {
    return join(this.rig.logs, `f${file}.log`)
  }

  line(text: string): string {
    this.written.set(text, (this.written.get(text) ?? 0) + 1)
    return text
  }

  append(file: number, count: number, banner: boolean): void {
    const path = this.path(file)
    let text = ''
    if (banner && !existsSync(path)) text += '# a banner that all files share\n'
    for (let i = 0; i < count; i++) text += `${this.line(`${this.n++} ${'x'.repeat((this.n * 7) % 90)}`)}\n`
    appendFileSync(path, text)
  }

  /** The numbered lines in a file: what is at stake when it is taken away for good. */
  atStake(path: string): string[] {
    return readFileSync(path, 'latin1')
      .split('\n')
      .filter(l => /^\d+ /.test(l))
  }

  shift(path: string): void {
    for (let i = 8; i > 0; i--) {
      for (const end of ['', '.gz']) {
        if (existsSync(`${path}.${i}${end}`)) renameSync(`${path}.${i}${end}`, `${path}.${i + 1}${end}`)
      }
    }
  }
}

async function step(w: World, o: Op): Promise<void> {
  const { rig } = w
  const never = new AbortController().signal
  if (o.do === 'append') return w.append(o.file, o.lines, o.banner)
  if ('file' in o) {
    const path = w.path(o.file)
    if (!existsSync(path)) return
    if (o.do === 'rename') {
      w.shift(path)
      renameSync(path, `${path}.1`)
    } else if (o.do === 'copytruncate') {
      w.shift(path)
      copyFileSync(path, `${path}.1`)
      truncateSync(path)
    } else if (o.do === 'truncate') {
      for (const line of w.atStake(path)) w.excusable.add(line)
      truncateSync(path)
    } else if (o.do === 'delete') {
      for (const line of w.atStake(path)) w.excusable.add(line)
      unlinkSync(path)
    } else if (o.do === 'half') {
      // One line in two writes, with a look between.
      const text = w.line(`${w.n++} in two writes`)
      appendFileSync(path, text.slice(0, 5))
      await rig.input.look(true)
      await rig.input.feed(rig.emit, never)
      appendFileSync(path, `${text.slice(5)}\n`)
    } else if (existsSync(`${path}.1`)) {
      const st = statSync(`${path}.1`)
      writeFileSync(`${path}.1.gz`, gzipSync(readFileSync(`${path}.1`)))
      utimesSync(`${path}.1.gz`, st.atimeMs / 1000, st.mtimeMs / 1000)
      unlinkSync(`${path}.1`)
    }
    return
  }
  if (o.do === 'look') await rig.input.look(true)
  else if (o.do === 'poll') await rig.poll()
  else if (o.do === 'turn') await rig.input.feed(rig.emit, never, 1)
  else if (o.do === 'stop') {
    await rig.stop()
    rig.start()
  } else if (o.do === 'kill') {
    await rig.kill()
    rig.start()
  } else if (o.do === 'commit') rig.state.commit()
  else if (o.do === 'settle') {
    // Any order: the last first.
    for (const batch of rig.held.splice(0).reverse()) batch.settle('out')
    rig.settles = !rig.settles
  } else rig.skew += 70_000
}

async function play(
  t: { after(fn: () => void | Promise<void>): void },
  ops: readonly Op[],
  options: Record<string, unknown>
): Promise<void> {
  const rig = new Rig(t, { start_at: 'beginning', read_bytes: '4KiB', ...options })
  mkdirSync(rig.logs)
  rig.start()
  const w = new World(rig)
  // What was there before the first look is history.
  await rig.poll()
  for (const o of ops) await step(w, o)
  for (const file of [0, 1]) w.append(file, 1, false)
  await rig.finish()
  rig.skew += 70_000
  await rig.finish()
  const seen = new Map<string, number>()
  for (const text of rig.records().values()) seen.set(text, (seen.get(text) ?? 0) + 1)
  for (const [line, count] of w.written) {
    const times = seen.get(line) ?? 0
    assert.ok(times <= count, `"${line}" was read ${times} times`)
    assert.ok(times === count || w.excusable.has(line), `"${line}" was lost`)
  }
  rig.ordered()
  await rig.stop()
}

const runs = Number(process.env['YARDER_RUNS'] ?? 100)
const cases: Array<[string, Record<string, unknown>]> = [
  ['rotated names outside the patterns', {}],
  ['rotated names inside the patterns', { paths: ['log/*.log*'] }],
  ['few descriptors, soon closed', { max_open_files: 1, close_inactive: '1s' }],
  ['records that wait for lines to join', { multiline: { pattern: '^\\s', flush_timeout: '1s' } }],
  ['all of it', { paths: ['log/*.log*'], max_open_files: 2, close_inactive: '1s', close_removed: '1s' }]
]
for (const [what, options] of cases) {
  test(`any order of writes, rotations and restarts gives every line once: ${what}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(op, { minLength: 5, maxLength: 40 }), async ops => {
        const cleanups: Array<() => void | Promise<void>> = []
        try {
          await play({ after: fn => cleanups.push(fn) }, ops, options)
        } finally {
          for (const fn of cleanups) await fn()
        }
      }),
      { numRuns: runs, endOnFailure: process.env['YARDER_SHRINK'] === undefined }
    )
  })
}
