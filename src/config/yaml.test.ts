import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatProblem } from './problem.ts'
import { plainData } from './read.ts'
import { locate } from './tree.ts'
import type { Node } from './tree.ts'
import { inlineYaml, parseYaml, plainValue, toYaml } from './yaml.ts'

const read = (text: string): Node => {
  const { root, problems } = parseYaml(text, 'f')
  assert.deepEqual(problems.map(formatProblem), [])
  return root!
}
const faults = (text: string): string[] => parseYaml(text, 'f').problems.map(formatProblem)

test('JSON reads as the same data as YAML', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), value => {
      const text = JSON.stringify(value, null, 1)
      if (text.includes('"__proto__"')) return
      assert.deepEqual(
        plainData(read(text)),
        JSON.parse(text, (_k, v: unknown) => (Object.is(v, -0) ? 0 : v))
      )
    })
  )
})

test('what is written as YAML reads as the same data', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), value => {
      const plain = JSON.parse(JSON.stringify(value), (_k, v: unknown) => (Object.is(v, -0) ? 0 : v)) as unknown
      if (JSON.stringify(plain).includes('"__proto__"')) return
      assert.deepEqual(plainData(read(toYaml(plain))), plain)
      assert.deepEqual(plainData(read(`a: ${inlineYaml(plain)}`)), { a: plain })
    })
  )
})

test('no text makes the reader throw', () => {
  const piece = fc.constantFrom(
    ...'abc:-[]{},&*!|>\'"%@`#?~<$\n\t \u0000\ufeff\r'.split(''),
    '  ',
    '\n- ',
    ': ',
    '<<: ',
    '&a ',
    '*a',
    '---\n'
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), pieces => {
      parseYaml(pieces.join(''), 'f')
    }),
    { numRuns: 500 }
  )
})

test('every key and value knows its line and column', () => {
  const root = read('\ufeffa: 1\nb:\n  - x\n  - c: "y"\n    d.e: { f: z }\n')
  const at = (path: string): string => {
    const { line, column } = locate(root, path, root.at).at
    return `${line}:${column}`
  }
  assert.deepEqual(['a', 'b', 'b[0]', 'b[1].c', 'b[1].d.e', 'b[1].d.e.f'].map(at), [
    '1:4',
    '2:1',
    '3:5',
    '4:8',
    '5:5',
    '5:15'
  ])
  assert.equal(at('b[1].nothing.here'), '4:5')
  assert.equal(at('b[7]'), '2:1')
})

test('a bomb of aliases is refused before it fills the memory', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let i = 1; i < 12; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`
    )
  const before = process.memoryUsage().heapUsed
  const told = faults(lines.join('\n'))
  assert.equal(told.length, 1)
  assert.match(told[0]!, /^f:\d+:\d+ a4\[\d\]: aliases stand for more than 100000 values$/)
  assert.ok(process.memoryUsage().heapUsed - before < 100e6)
})

test('aliases in reason are put in, and a merge gives way to what stands beside it', () => {
  const root = read('x: &x { a: 1, b: 2 }\ny: { b: 3, <<: *x }\nz: { <<: [{ a: 0 }, *x], c: 4 }\nw: *x\n')
  assert.deepEqual(plainData(root), {
    x: { a: 1, b: 2 },
    y: { b: 3, a: 1 },
    z: { c: 4, a: 0, b: 2 },
    w: { a: 1, b: 2 }
  })
})

test('nesting without end is refused, however it is written', () => {
  for (const text of ['['.repeat(100_000), '{a: '.repeat(20_000), '- '.repeat(50_000), 'a:\n'.repeat(3)]) {
    assert.ok(parseYaml(text, 'f').problems.length > 0, text.slice(0, 20))
  }
  assert.deepEqual(faults(`${'['.repeat(150)}${']'.repeat(150)}`).length, 1)
  assert.deepEqual(faults(`${'['.repeat(90)}${']'.repeat(90)}`), [])
})

test('a number keeps its digits', () => {
  const root = read('a: 12345678901234567890\nb: 1.20\nc: 010\nd: 0x1f\ne: 9007199254740991')
  assert.deepEqual(plainData(root), { a: '12345678901234567890', b: 1.2, c: 10, d: 31, e: 9007199254740991 })
  const text = (key: string): unknown => {
    const { node } = locate(root, key, root.at)
    return node?.kind === 'scalar' ? node.text : undefined
  }
  assert.deepEqual(['a', 'b', 'c', 'd'].map(text), ['12345678901234567890', '1.20', '010', '0x1f'])
})

test('a text put in by a variable has the type it would have in the file', () => {
  for (const text of [
    '1',
    '1.5',
    '-3',
    '+4',
    '1e3',
    '.5',
    'true',
    'False',
    '~',
    'null',
    'yes',
    '0',
    '1.',
    '12345678901234567890',
    'x',
    '1 2'
  ])
    assert.deepEqual(plainValue(text), plainData(read(text)), text)
})

test('a file that is too large is refused', () => {
  assert.deepEqual(faults(`# ${'x'.repeat(17 * 1024 * 1024)}`), ['f:1:1: is larger than 16 MiB'])
})
