// Rotates a real file by an injected clock, and looks at what is said beforehand.
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { Rig } from './rig.ts'

const MIN = 60_000

class Host {
  readonly rig: Rig
  readonly path: string
  #ahead = 0
  #rotations = 0
  #kept: number
  #packs: boolean

  constructor(t: TestContext, kept: number, options: Record<string, unknown> = {}, packs = false) {
    this.rig = new Rig(t, { start_at: 'beginning', close_inactive: '10m', ...options })
    this.#kept = kept
    this.#packs = packs
    mkdirSync(this.rig.logs)
    this.path = join(this.rig.logs, 'a.log')
    this.rig.wall = () => Date.now() + this.#ahead
    this.write('first\n')
    this.rig.start()
  }

  write(text: string, path = this.path): void {
    appendFileSync(path, text)
    const seconds = this.rig.wall() / 1000
    utimesSync(path, seconds, seconds)
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 5 * MIN) {
      const step = Math.min(left, 5 * MIN)
      this.#ahead += step
      this.rig.skew += step
      await this.rig.poll()
    }
  }

  #name(n: number): string {
    return `${this.path}.${n}${this.#packs && n > 1 ? '.gz' : ''}`
  }

  /** What logrotate does with `rotate`, `create` and `delaycompress`; takes two minutes. */
  async rotate(): Promise<void> {
    rmSync(this.#name(this.#kept), { force: true })
    for (let n = this.#kept - 1; n > 0; n--) {
      const from = this.#name(n)
      if (!existsSync(from)) continue
      renameSync(from, this.#packs && n === 1 ? `${this.path}.2` : this.#name(n + 1))
      if (this.#packs && n === 1) this.#pack()
    }
    renameSync(this.path, this.#name(1))
    this.write(`${'x'.repeat(20 + ((this.#rotations++ * 77) % 400))}\n`)
    await this.rig.poll()
    await this.pass(2 * MIN)
  }

  #pack(): void {
    const seconds = this.rig.wall() / 1000 - 1800
    writeFileSync(`${this.path}.2.gz`, gzipSync('packed\n'))
    utimesSync(`${this.path}.2.gz`, seconds, seconds)
    rmSync(`${this.path}.2`)
  }

  async hours(n: number): Promise<void> {
    for (let i = 0; i < n; i++) {
      await this.pass(58 * MIN)
      await this.rotate()
    }
  }

  warnings(): [string, unknown][] {
    return this.rig.said.flatMap((said, i) =>
      said.includes('rotated away') ? [[said, this.rig.data[i]!['left']] as [string, unknown]] : []
    )
  }

  expires(): number | undefined {
    return this.rig.scrape().get(`yarder_input_unread_expires_seconds{in,${this.path}}`)
  }
}

test('an outage that lasts longer than the log is kept is told beforehand, and that it is over', async t => {
  const host = new Host(t, 3)
  const { rig } = host
  await host.hours(6)
  assert.deepEqual(host.warnings(), [])
  await rig.stop()
  rig.start()
  rig.settles = false
  host.write('in the outage\n')
  await host.pass(10 * MIN)
  const near = (minutes: number): void => {
    const seconds = host.expires()
    assert.ok(seconds !== undefined && Math.abs(seconds / 60 - minutes) <= 4, `${seconds} s, not ${minutes} min`)
  }
  near(3 * 60 + 48)
  assert.deepEqual(host.warnings(), [], 'most of the time is left')
  await host.pass(48 * MIN)
  await host.rotate()
  await host.hours(1)
  await host.pass(10 * MIN)
  near(110)
  const warned = host.warnings()
  assert.equal(warned.length, 1)
  assert.equal(warned[0]![0], 'warn Unread data of a file will be rotated away.')
  assert.match(String(warned[0]![1]), /^about (1[01]\d min|2 h)$/)
  await host.pass(48 * MIN)
  await host.rotate()
  await host.pass(40 * MIN)
  near(18)
  assert.deepEqual(
    host
      .warnings()
      .slice(1)
      .map(([said]) => said),
    ['error Unread data of a file will be rotated away very soon.']
  )
  const status = rig.input.describe()
  assert.match(status.message, /^unread data of \/.*\/a\.log will be rotated away in about (1[456789]|2[012]) min/)
  assert.equal(status.files.filter(file => file.expiresSeconds !== undefined).length, 1)
  for (const batch of rig.held) batch.settle('out')
  rig.settles = true
  await host.pass(MIN)
  assert.equal(host.warnings().at(-1)![0], 'info Unread data that was to be rotated away has been taken over.')
  assert.equal(host.warnings().length, 3)
  assert.equal(host.expires(), undefined)
  assert.equal(rig.input.describe().message, '')
})

test('compressed generations count once, and their place is known', async t => {
  const host = new Host(t, 3, {}, true)
  await host.hours(6)
  host.rig.settles = false
  host.write('in the outage\n')
  await host.pass(30 * MIN)
  const seconds = host.expires()
  assert.ok(seconds !== undefined && Math.abs(seconds / 60 - (3 * 60 + 28)) <= 4, `${seconds} s`)
})

test('while rotation adds one file after the other nobody knows how many are kept, and nothing is said', async t => {
  const host = new Host(t, 100)
  await host.hours(6)
  host.rig.settles = false
  host.write('in the outage\n')
  await host.hours(3)
  assert.equal(host.expires(), undefined)
  assert.deepEqual(host.warnings(), [])
})

test('an output that is behind and will catch up in time is no danger', async t => {
  const host = new Host(t, 1)
  const { rig } = host
  await host.hours(5)
  rig.settles = false
  for (let i = 0; i < 50; i++) host.write(`${'x'.repeat(1000)}\n`)
  await host.pass(10 * MIN)
  assert.ok(host.expires() !== undefined, 'nothing is taken over')
  // What came in a minute is taken over in the next: behind at every look, yet never for long.
  for (let i = 0; i < 40; i++) {
    host.write(`${'x'.repeat(1000)}\n`)
    await host.pass(MIN)
    rig.held.shift()!.settle('out')
  }
  assert.ok(rig.held.length > 0)
  assert.equal(host.expires(), undefined)
  assert.deepEqual(host.warnings(), [])
})

test('a log that is rotated by its size, at odd times', async t => {
  const host = new Host(t, 2)
  const { rig } = host
  const grow = async (minutes: number, parts = 10): Promise<void> => {
    for (let i = 0; i < parts; i++) {
      host.write(`${'x'.repeat(999)}\n`)
      await host.pass((minutes / 10) * MIN)
    }
  }
  for (const minutes of [30, 90, 45, 120, 60]) {
    await grow(minutes)
    await host.rotate()
  }
  rig.settles = false
  await grow(60, 6)
  // 1000 bytes in six minutes and about 10,200 in a file: 25 minutes to the next rotation, then two of an hour each.
  const minutes = (host.expires() ?? NaN) / 60
  assert.ok(minutes > 25 + 100 && minutes < 30 + 140, `${minutes} min`)
  await grow(20, 5)
  await host.rotate()
  await grow(20)
  await host.rotate()
  await grow(20, 9)
  const [said] = host.warnings().at(-1)!
  assert.equal(said, 'error Unread data of a file will be rotated away very soon.')
  assert.equal(rig.data.findLast(data => 'rotates_by' in data)!['rotates_by'], 'size')
})

test('files beyond the first 200 share one series, which has the most urgent of them', async t => {
  const host = new Host(t, 0)
  const { rig } = host
  const paths = Array.from({ length: 205 }, (_, i) => join(rig.logs, `many${i}.log`))
  for (let round = 0; round < 4; round++) {
    for (const path of paths) {
      rmSync(path, { force: true })
      host.write(`${'x'.repeat(1 + round * 50)}\n`, path)
    }
    await host.pass(60 * MIN)
  }
  rig.settles = false
  for (const path of paths) host.write('in the outage\n', path)
  await host.pass(10 * MIN)
  const shown = [...rig.scrape()].filter(([name]) => name.startsWith('yarder_input_unread_expires_seconds'))
  assert.equal(shown.length, 201)
  const overflow = shown.find(([name]) => name.includes('__overflow__'))![1]
  assert.ok(shown.every(([, seconds]) => seconds <= overflow))
  await rig.input.close()
  assert.deepEqual(
    [...rig.scrape().keys()].filter(name => name.includes('expires')),
    []
  )
})

test('a log that is there is remembered in place of one of a thousand that are gone', async t => {
  const host = new Host(t, 3)
  const { rig, path } = host
  for (let i = 0; i < 1000; i++) rig.state.set('rotations/in', `/gone/${i}.log`, { live: 'x', rotations: [] })
  await rig.input.close()
  rig.startAgain()
  await host.pass(5 * MIN)
  await host.rotate()
  await host.pass(5 * MIN)
  const rows = new Map(rig.state.entries('rotations/in'))
  assert.equal(rows.size, 1000)
  assert.ok(rows.has(path))
})
