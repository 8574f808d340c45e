// Drives a file input over real files, moves its positions as `yarder positions` does, and counts what comes again.
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { METRICS } from '../../core/component.ts'
import { applyEdit, inputsIn, namesNow, planEdit, positionsOf } from './positions.ts'
import type { Change, Edit, EditPlan } from './positions.ts'
import { isRow, scopeOf } from './registry.ts'
import { Rig, takers } from './rig.ts'

const LINE = 16
const lines = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `line ${String(from + i).padStart(10, '0')}`)
const textOf = (from: number, to: number): string =>
  lines(from, to)
    .map(l => `${l}\n`)
    .join('')

/** An input that has read a hundred lines of `a.log`. */
async function hundred(t: TestContext, outputs: readonly string[] = ['out']): Promise<Rig & { file: string }> {
  const rig = new Rig(t, { start_at: 'beginning' })
  rig.outputs = outputs
  mkdirSync(rig.logs)
  const file = join(rig.logs, 'a.log')
  writeFileSync(file, textOf(0, 100))
  await rig.start().poll(2)
  assert.deepEqual(rig.texts, lines(0, 100))
  return Object.assign(rig, { file })
}

const edit = (more: Partial<Edit>): Edit => ({
  input: 'in',
  path: undefined,
  to: undefined,
  output: undefined,
  newIds: false,
  ...more
})

/** Stops the input, plans and applies the edit, and starts it again; what was got before is forgotten. */
async function change(rig: Rig, more: Partial<Edit>): Promise<EditPlan> {
  await rig.input.close()
  const plan = planEdit(rig.state, rig.outputs, edit(more), rig.wall())
  applyEdit(rig.state, 'in', plan)
  rig.state.commit()
  rig.got.length = 0
  rig.startAgain()
  await rig.poll(3)
  return plan
}

const at = (bytes: number): Edit['to'] => ({ kind: 'offset', bytes })
const only = (plan: EditPlan): Change => plan.changes[0]!

test('set back: every line from there comes again, with the ids and the arrival it had', async t => {
  const rig = await hundred(t)
  const before = new Map(rig.got.map(g => [`${g.id}@${g.offset}`, g]))
  // A day later the old lines would get another daily index.
  rig.wall = () => Date.now() + 86_400_000
  const plan = await change(rig, { path: rig.file, to: at(40 * LINE) })
  assert.deepEqual(rig.texts, lines(40, 100))
  for (const g of rig.got) {
    const first = before.get(`${g.id}@${g.offset}`)
    assert.equal(first?.text, g.text)
    assert.equal(new Date(g.arrival).getUTCDate(), new Date(first.arrival).getUTCDate())
  }
  assert.deepEqual(only(plan).notes, [`${60 * LINE} bytes are sent again to out`])
  appendFileSync(rig.file, textOf(100, 102))
  await rig.poll(2)
  assert.deepEqual(rig.texts, lines(40, 102))
})

test('set back with new ids: the same lines come again as other records', async t => {
  const rig = await hundred(t)
  const id = rig.got[0]!.id
  const plan = await change(rig, { to: at(0), newIds: true })
  assert.deepEqual(rig.texts, lines(0, 100))
  assert.ok(rig.got.every(g => g.id === only(plan).newId && g.id !== id))
  assert.deepEqual(
    positionsOf(rig.state, 'in').map(p => p.id),
    [only(plan).newId]
  )
})

test('an offset in the midst of a line is moved to the next line, and told', async t => {
  const rig = await hundred(t)
  const plan = await change(rig, { to: at(40 * LINE + 3) })
  assert.deepEqual(rig.texts, lines(41, 100))
  assert.equal(only(plan).to, 41 * LINE)
  assert.match(only(plan).notes[0]!, /^643 is in the midst of a line; the next one begins at 656$/)
})

test('last: so much before the end, at most the whole file', async t => {
  const rig = await hundred(t)
  await change(rig, { to: { kind: 'last', bytes: 5 * LINE } })
  assert.deepEqual(rig.texts, lines(95, 100))
  await change(rig, { to: { kind: 'last', bytes: 1e9 } })
  assert.deepEqual(rig.texts, lines(0, 100))
})

test('end skips a flood, but not the line that is being written', async t => {
  const rig = await hundred(t)
  await rig.input.close()
  appendFileSync(rig.file, `${textOf(100, 300)}half`)
  const plan = await change(rig, { to: { kind: 'end' } })
  assert.deepEqual(rig.texts, [])
  assert.deepEqual(only(plan).notes, [`${200 * LINE} bytes are not sent to out`])
  appendFileSync(rig.file, ' and whole\n')
  await rig.poll(2)
  assert.deepEqual(rig.texts, ['half and whole'])
})

test('one of two outputs: the other gets nothing again and loses nothing', async t => {
  const rig = await hundred(t, ['a', 'b'])
  rig.settles = false
  await change(rig, { to: at(30 * LINE), output: 'b' })
  assert.deepEqual(rig.texts, lines(30, 100))
  assert.ok(rig.held.length > 0)
  assert.ok(rig.held.every(batch => takers(batch, rig.outputs).join() === 'b'))
  const [position] = positionsOf(rig.state, 'in')
  assert.equal(position!.acked['a'], 100 * LINE)
})

test('one of two outputs skips: what the other reads is not offered to it', async t => {
  const rig = await hundred(t, ['a', 'b'])
  await rig.input.close()
  appendFileSync(rig.file, textOf(100, 200))
  rig.settles = false
  await change(rig, { to: at(150 * LINE), output: 'b' })
  const sent = (output: string): string[] =>
    rig.held
      .filter(batch => takers(batch, rig.outputs).includes(output))
      .flatMap(batch => lines(batch.offset / LINE, batch.offset / LINE + batch.count))
  assert.deepEqual(sent('a'), lines(100, 200))
  assert.deepEqual(sent('b'), lines(150, 200))
})

test('since: from the mark of that day, never later than asked', async t => {
  const rig = await hundred(t)
  const first = rig.wall()
  rig.wall = () => first + 86_400_000
  appendFileSync(rig.file, textOf(100, 200))
  await rig.poll(2)
  rig.wall = () => first + 2 * 86_400_000
  appendFileSync(rig.file, textOf(200, 300))
  await rig.poll(2)
  const midnight = Math.floor((first + 86_400_000) / 86_400_000) * 86_400_000
  const plan = await change(rig, { to: { kind: 'since', ms: midnight + 86_400_000 - 1 } })
  assert.equal(only(plan).to, 100 * LINE)
  assert.deepEqual(rig.texts, lines(100, 300))
  assert.match(only(plan).notes[0]!, /^from what arrived at .*, the nearest mark$/)
  assert.throws(() => planEdit(rig.state, ['out'], edit({ to: { kind: 'since', ms: first + 9e9 } }), 0), {
    message: /nothing of it arrived since/
  })
})

test('a renamed file is found by its inode and sent again from its new name', async t => {
  const rig = await hundred(t)
  await rig.input.close()
  renameSync(rig.file, `${rig.file}.1`)
  writeFileSync(rig.file, textOf(100, 110))
  rig.startAgain()
  await rig.poll(3)
  rig.state.commit()
  const paths = positionsOf(rig.state, 'in').map(p => [p.read, p.path, p.at])
  assert.deepEqual(
    paths.sort((a, b) => Number(a[0]) - Number(b[0])),
    [
      [10 * LINE, rig.file, undefined],
      [100 * LINE, rig.file, `${rig.file}.1`]
    ]
  )
  await change(rig, { path: `${rig.file}*`, to: at(0) })
  assert.deepEqual(rig.texts.sort(), lines(0, 110))
})

test('a path means the file that lies there now, whatever name the input last knew it by', async t => {
  const rig = new Rig(t)
  rig.options = { start_at: 'beginning', paths: join(rig.logs, '*.log*') }
  mkdirSync(rig.logs)
  const name = (n: number): string => join(rig.logs, `c.log.${n}`)
  for (const n of [1, 2, 3]) writeFileSync(name(n), textOf(n * 100, n * 100 + 100))
  await rig.start().poll(2)
  assert.equal(rig.texts.length, 300)
  await rig.input.close()
  const ids = new Map(positionsOf(rig.state, 'in').map(p => [p.path, p.id]))
  // What logrotate does, and no look has seen yet: 3 is gone, 2 lies at 3, 1 at 2.
  rmSync(name(3))
  renameSync(name(2), name(3))
  renameSync(name(1), name(2))
  assert.deepEqual(
    namesNow(rig.state, 'in'),
    new Map([
      [ids.get(name(1)), name(2)],
      [ids.get(name(2)), name(3)]
    ])
  )
  const plan = (more: Partial<Edit>): Change[] => [...planEdit(rig.state, rig.outputs, edit(more), rig.wall()).changes]
  const moved = plan({ path: name(3), to: at(0) })
  assert.deepEqual(
    moved.map(({ id, path }) => [id, path]),
    [[ids.get(name(2)), name(3)]]
  )
  // Not the one that is gone, either, whose last name it was.
  assert.deepEqual(
    plan({ path: name(3) }).map(({ id, path }) => [id, path]),
    [[ids.get(name(2)), name(3)]]
  )
  assert.throws(
    () => plan({ path: name(1), to: at(0) }),
    /no position at .*c\.log\.1; it has .*c\.log\.2, .*c\.log\.3$/
  )
})

test('a plan that is made again means the streams it meant before, wherever they lie by now', async t => {
  const rig = await hundred(t)
  await rig.input.close()
  const request = edit({ path: rig.file, to: at(0) })
  const first = planEdit(rig.state, rig.outputs, request, rig.wall())
  renameSync(rig.file, `${rig.file}.1`)
  const again = planEdit(rig.state, rig.outputs, request, rig.wall(), first.chosen)
  assert.deepEqual([only(again).id, only(again).path], [only(first).id, `${rig.file}.1`])
})

test('only what moves is told as moved: another output that stays is left out', async t => {
  const rig = await hundred(t, ['a', 'b'])
  const plan = await change(rig, { to: at(30 * LINE), output: 'b' })
  assert.deepEqual(only(plan).from, { b: 100 * LINE })
  const both = await change(rig, { to: at(0), newIds: true })
  assert.deepEqual(only(both).from, { a: 100 * LINE, b: 100 * LINE })
  const ids = await change(rig, { to: { kind: 'end' }, newIds: true, output: 'a' })
  assert.deepEqual(only(ids).from, { a: 100 * LINE })
})

test('a file that was compressed meanwhile can be sent again from its first byte only', async t => {
  const rig = await hundred(t)
  await rig.input.close()
  appendFileSync(rig.file, textOf(100, 120))
  const st = statSync(rig.file)
  rmSync(rig.file)
  writeFileSync(`${rig.file}.1.gz`, gzipSync(textOf(0, 120)))
  assert.ok(st.size > 0)
  rig.startAgain()
  await rig.poll(4)
  assert.deepEqual(rig.texts, lines(0, 120))
  await rig.input.close()
  assert.throws(() => planEdit(rig.state, ['out'], edit({ to: at(16) }), 0), { code: 'USAGE', message: /compressed/ })
  await change(rig, { to: at(0) })
  assert.deepEqual(rig.texts, lines(0, 120))
})

test('reset of a file reads it as a new one; reset of the input forgets that it ever ran', async t => {
  const rig = await hundred(t)
  const id = rig.got[0]!.id
  await change(rig, { path: rig.file })
  assert.deepEqual(rig.texts, lines(0, 100))
  assert.ok(rig.got.every(g => g.id !== id))
  rig.options = { start_at: 'end' }
  await change(rig, {})
  assert.deepEqual(rig.texts, [], 'start_at applies')
  assert.deepEqual(inputsIn(rig.state), ['in'])
  appendFileSync(rig.file, textOf(100, 101))
  await rig.poll(2)
  assert.deepEqual(rig.texts, lines(100, 101))
})

test('where nothing ships, what is set back is counted again; metrics stay when an output has come', async t => {
  const rig = await hundred(t)
  await rig.input.close()
  for (const [id, row] of rig.state.entries(scopeOf('in')))
    if (isRow(row)) rig.state.set(scopeOf('in'), id, { ...row, pos: { [METRICS]: 1600 } })
  const alone = only(planEdit(rig.state, [], edit({ to: at(0) }), 0))
  assert.deepEqual([alone.notes, alone.row!.pos], [['1600 bytes are counted again'], { [METRICS]: 0 }])
  const shipped = only(planEdit(rig.state, ['out'], edit({ to: at(0) }), 0))
  assert.deepEqual(shipped.notes, ['1600 bytes are sent again to out'])
  assert.deepEqual(shipped.row!.pos, { [METRICS]: 1600, out: 0 })
})

test('what cannot be right is refused with what would be', async t => {
  const rig = await hundred(t)
  await rig.input.close()
  const refusal = (more: Partial<Edit>, message: RegExp): void =>
    assert.throws(() => planEdit(rig.state, ['out'], edit(more), 0), { code: 'USAGE', message })
  refusal({ to: at(1601) }, /1601 is beyond the end of .*a\.log, which has 1600 bytes; --to end is 1600$/)
  refusal({ path: '/nowhere/*', to: at(0) }, /has no position at \/nowhere\/\*; it has .*a\.log$/)
  refusal({ input: 'other', to: at(0) }, /other has no positions yet/)
  refusal({ to: at(1600) }, /it is at 1600 already/)
  appendFileSync(rig.file, 'half a line')
  refusal({ to: at(1605) }, /no line of .* begins at 1605 or behind it; the last one begins at 1600/)
  rmSync(rig.file)
  refusal({ to: at(0) }, /its bytes were not found/)
})
