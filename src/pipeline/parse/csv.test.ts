import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { memoryState } from '../../core/state.ts'
import { build, faults, run, source } from '../../../test/lib/step.ts'
import { csv } from './csv.ts'
import { scanCsv } from './csv/scan.ts'

function fields(line: string, options: object = {}): unknown {
  const { message, ...rest } = run(build(csv, { columns: ['a', 'b', 'c'], ...options }), line).event
  assert.equal(message, line)
  return rest
}

const FAILED = { tags: ['_csvparsefailure'] }
const table: Array<[line: string, fields: unknown, options?: object]> = [
  ['1,2,3', { a: '1', b: '2', c: '3' }],
  ['1,2', { a: '1', b: '2' }],
  ['1,,3,4,5', { a: '1', b: '', c: '3', column4: '4', column5: '5' }],
  ['1,,3', { a: '1', c: '3' }, { skip_empty_columns: true }],
  ['"x, ""y""",2,"3\n4"', { a: 'x, "y"', b: '2', c: '3\n4' }],
  ['"",2,""', { a: '', b: '2', c: '' }],
  ['1,it"s,3', { a: '1', b: 'it"s', c: '3' }],
  ['"1",2,', { a: '1', b: '2', c: '' }],
  ['"open,2', FAILED],
  ['"1"x,2', FAILED],
  ['1\t2', { a: '1', b: '2' }, { separator: '\\t' }],
  ["'1;x';2", { a: '1;x', b: '2' }, { separator: ';', quote_char: "'" }],
  ['1||2', { a: '1', b: '2' }, { separator: '||' }],
  ['1,2', { x: { y: '1', z: '2' } }, { columns: ['x.y', 'x.z'] }],
  ['1,2', { t: { a: '1', b: '2' } }, { target: 't' }],
  ['', { a: '' }]
]
for (const [line, expected, options] of table) {
  test(`reads ${JSON.stringify(line)}${options === undefined ? '' : ` with ${JSON.stringify(options)}`}`, () =>
    assert.deepEqual(fields(line, options), expected))
}

test('the first line of each file names its columns, also after a restart in the middle', () => {
  const state = memoryState()
  const step = build(csv, { columns: 'auto' }, { state })
  const users = { source: source('users') }
  const header = run(step, '\ufeffDate,PreviousUserCount,,UserCountDay', { ...users, offset: 0 })
  assert.equal(header.kept, false)
  assert.equal(run(step, 'x,y', { source: source('other'), offset: 0 }).kept, false)
  const expected = { Date: '2019-01-01', PreviousUserCount: '5', column3: '7', UserCountDay: '2' }
  const { message: _, ...row } = run(step, '2019-01-01,5,7,2', { ...users, offset: 40 }).event
  assert.deepEqual(row, expected)
  const restarted = build(csv, { columns: 'auto' }, { state })
  const { message: __, ...again } = run(restarted, '2019-01-01,5,7,2', { ...users, offset: 40 }).event
  assert.deepEqual(again, expected)
})

test('a line of a file whose first line was never seen is tagged', () => {
  const out = run(build(csv, { columns: 'auto' }), '1,2', { offset: 10 })
  assert.deepEqual(out.event, { message: '1,2', ...FAILED })
})

test('keeps the columns of a thousand files at most', () => {
  const state = memoryState()
  const step = build(csv, { columns: 'auto' }, { state })
  for (let i = 0; i < 1100; i++) run(step, 'a,b', { source: source(`f${i}`), offset: 0 })
  assert.equal([...state.entries('csv')].length, 1000)
})

test('skip_header drops the line of the names', () => {
  const step = build(csv, { columns: ['a', 'b'], skip_header: true })
  assert.equal(run(step, 'a,b').kept, false)
  assert.equal(run(step, 'a,c').kept, true)
})

test('refuses a quote of several characters and no columns', () => {
  assert.match(faults(csv, { columns: ['a'], quote_char: '""' }).join(), /one character/)
  assert.match(faults(csv, {}).join(), /columns: is required/)
})

test('reads back any cells that were written by RFC 4180', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', 'é') })
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1 }), cells => {
      const line = cells.map(c => (/[",\n]/.test(c) ? `"${c.replaceAll('"', '""')}"` : c)).join(',')
      const got: string[] = []
      assert.equal(scanCsv(line, ',', '"', got), true)
      assert.deepEqual(got, cells)
    })
  )
})
