import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import fc from 'fast-check'
import { catalog } from '../../test/golden/config/catalog.ts'
import { buildProblems, dump } from './checked.ts'
import type { Checked, Outcome } from './checked.ts'
import { findConfig, loadConfig, loadText } from './load.ts'
import { formatProblem } from './problem.ts'

type Loaded = Outcome<typeof catalog>

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}
const load = (text: string, env: Record<string, string> = {}): Loaded => loadText(text, catalog, env)
const good = (text: string, env: Record<string, string> = {}): Checked<typeof catalog> => {
  const { checked, problems } = load(text, env)
  assert.deepEqual(problems.map(formatProblem), [])
  return checked
}

test('the main file is -c, else $YARDER_CONFIG, else the standard place if it is there', t => {
  const dir = folder(t)
  const standard = join(dir, 'yarder.yaml')
  assert.equal(findConfig('/a', { YARDER_CONFIG: '/b' }, standard).path, '/a')
  assert.equal(findConfig(undefined, { YARDER_CONFIG: '/b' }, standard).path, '/b')
  assert.deepEqual(findConfig(undefined, { YARDER_CONFIG: '' }, standard), {
    path: undefined,
    places: [{ from: 'default', path: standard, state: 'absent' }]
  })
  writeFileSync(standard, '')
  assert.equal(findConfig(undefined, {}, standard).path, standard)
})

test('what stands in the way of reading a file is told with what would be right', t => {
  const dir = folder(t)
  const main = join(dir, 'yarder.yaml')
  const told = (path: string): string[] => loadConfig(path, catalog, {}).problems.map(formatProblem)
  assert.deepEqual(told(join(dir, 'gone.yaml')), [`${join(dir, 'gone.yaml')}: there is no such file`])
  assert.deepEqual(told(join(dir, 'no', 'x.yaml')), [`${join(dir, 'no', 'x.yaml')}: there is no such file`])
  mkdirSync(join(dir, 'empty'))
  assert.deepEqual(told(join(dir, 'empty')), [`${join(dir, 'empty')}: is a folder, not a configuration`])
  writeFileSync(main, '')
  assert.deepEqual(told(join(dir, 'yarderr.yml')), [
    `${join(dir, 'yarderr.yml')}: there is no such file; did you mean "${main}"?`
  ])
  assert.deepEqual(told(dir), [`${dir}: is a folder, not a configuration; did you mean "${main}"?`])
})

test('a file that is no UTF-8 is told with the place where it stops being so', t => {
  const path = join(folder(t), 'yarder.yaml')
  const told = (bytes: Buffer): string[] => {
    writeFileSync(path, bytes)
    return loadConfig(path, catalog, {}).problems.map(formatProblem)
  }
  const here = 'is no UTF-8 text from here on; save it as UTF-8'
  assert.deepEqual(told(Buffer.from([0xff])), [`${path}:1:1: ${here}`])
  assert.deepEqual(told(Buffer.from('# \u00fc\n# \ufffd\nagent: { region: "M\u00fcnchen" }\n')), [])
  assert.deepEqual(told(Buffer.from('agent:\r\n  region: M\u00fcnchen\r\n', 'latin1')), [`${path}:2:12: ${here}`])
  assert.deepEqual(told(Buffer.from('\ufeffagent: {}', 'utf16le')), [`${path}:1:1: is UTF-16 text; save it as UTF-8`])
})

test('drop-ins add to every section, in the order of their names', t => {
  const dir = folder(t)
  const main = join(dir, 'yarder.yaml')
  mkdirSync(join(dir, 'conf.d'))
  writeFileSync(main, 'agent: { region: eu }\ninputs: { a: { type: stdin, outputs: late } }\n')
  writeFileSync(join(dir, 'conf.d', '20.yaml'), 'outputs: { late: { type: stdout } }\ninputs: { c: { type: stdin } }')
  writeFileSync(join(dir, 'conf.d', '10.yaml'), '{"inputs": {"b": {"type": "stdin"}}, "agent": {"watch": true}}')
  const { checked, problems } = loadConfig(main, catalog, {})
  assert.deepEqual(problems, [])
  assert.deepEqual(
    checked.units.inputs.map(u => u.name),
    ['a', 'b', 'c']
  )
  assert.deepEqual(checked.sections.agent.values, { environment: 'DEVEL', region: 'eu', fields: {}, watch: true })
  assert.deepEqual(checked.files, [main, join(dir, 'conf.d', '10.yaml'), join(dir, 'conf.d', '20.yaml')])
  assert.deepEqual(checked.units.inputs[1]?.at('type'), { file: join(dir, 'conf.d', '10.yaml'), line: 1, column: 27 })
})

test('what is checked has the types of the fields', () => {
  const { sections, units, pipelines } = good(
    'inputs: { a: { type: stdin, pipeline: p, outputs: o, tags: [x] }, b: { type: stdin, pipeline: [json] } }\n' +
      'pipelines: { p: [json, { tag: { value: 1 } }] }\noutputs: { o: { type: stdout } }'
  )
  const { host, port } = sections.admin.values.listen
  assert.equal(`${host}:${port}`, '127.0.0.1:9680')
  const [a, b] = units.inputs
  assert.deepEqual([a?.common.tags, a?.common.outputs], [['x'], ['o']])
  assert.equal(a?.common.pipeline, pipelines.get('p'))
  assert.deepEqual(
    a?.common.pipeline?.steps.map(s => s.name),
    ['json', 'tag']
  )
  assert.deepEqual([b?.common.pipeline?.name, b?.common.pipeline?.inline], ['inputs.b.pipeline', true])
})

test('an option that says `when` beside or among the others guards the step', () => {
  const cursor = { source: { constants: {} } } as never
  for (const text of ['{ tag: { value: 1 }, when: { a: 1 } }', '{ tag: { value: 1, when: { a: 1 } } }']) {
    const step = good(`pipelines: { p: [${text}] }`).pipelines.get('p')!.steps[0]!
    const { run } = step.build({} as never)
    const [met, unmet]: Array<Record<string, unknown>> = [{ a: 1 }, { a: 2 }]
    assert.ok(run(met!, cursor) && run(unmet!, cursor))
    assert.deepEqual([met, unmet], [{ a: 1, tagged: 1 }, { a: 2 }])
  }
})

test('a signature changes with the options of its unit and with nothing else', () => {
  const sign = (text: string, env = {}): unknown[] => {
    const { units, pipelines } = good(text, env)
    return [...units.outputs.map(u => u.signature), ...[...pipelines.values()].map(p => p.signature)]
  }
  const base = sign(
    'outputs: { a: { type: elasticsearch, username: x, password: "1" }, b: { type: stdout } }\npipelines: { p: [json] }'
  )
  assert.deepEqual(
    sign(
      'pipelines:\n  p:\n    - json\n# moved\noutputs:\n  b: { type: stdout }\n  a: { password: "${P}", username: x, type: elasticsearch }',
      { P: '1' }
    ),
    [base[1], base[0], base[2]]
  )
  const other = sign(
    'outputs: { a: { type: elasticsearch, username: x, password: "2" }, b: { type: stdout } }\npipelines: { p: [tag] }'
  )
  assert.deepEqual(
    other.map((s, i) => s === base[i]),
    [false, true, false]
  )
  assert.ok(!JSON.stringify(other).includes('"2"'))
})

test('a canary secret is in no message, dump or signature, wherever it stands', t => {
  const dir = folder(t)
  const canary = 'C4nary"\\ñ/secret+that-is-rather-long-'.repeat(4)
  writeFileSync(join(dir, 'canary'), canary, { mode: 0o600 })
  const places = [
    'agent: { region: "${file:canary}", watch: "${file:canary}", fields: "${file:canary}" }',
    'inputs: { a: { type: "${file:canary}" }, b: { type: stdin, pipeline: "${file:canary}", outputs: ["${file:canary}"] } }',
    'outputs: { a: { type: elasticsearch, hosts: ["http://u:${file:canary}@x", "${file:canary}", ["${file:canary}"]], tls: { k: ["${file:canary}"] } } }',
    'outputs: { a: { type: elasticsearch, index: "${file:canary}%{", headers: { a: "${file:canary}", b: ["${file:canary}"] }, password: "${file:canary}" } }',
    'pipelines: { a: [{ grok: { match: "%{NOSUCH} ${file:canary}" } }, "${file:canary}", { drop: { when: { a: { matches: "(${file:canary}" } } } }, { tag: { value: "${file:canary}" } }] }'
  ]
  for (const text of places) {
    const { checked, problems, warnings } = loadText(text, catalog, {}, 'f', dir)
    const built = buildProblems(checked, () => ({}))
    const shown = [...problems, ...warnings, ...built].map(formatProblem).join('\n') + dump(checked)
    assert.ok(!/C4nary/.test(shown), shown)
    assert.ok(!shown.includes('rather-long'), shown)
  }
})

test('a dump has the defaults, masks what is secret and reads as the same configuration', () => {
  const text =
    'agent: { environment: "a$${b}" }\noutputs: { o: { type: elasticsearch, hosts: ["http://u:pw@h"], tls: { verify: no } } }\n' +
    'pipelines: { p: [{ json: {}, when: { a: 1 } }, { convert: { a: float } }] }\ninputs: { i: { type: file, paths: [1.20] } }'
  const shown = dump(good(text))
  assert.match(shown, /environment: a\$\$\{b\}\n/)
  assert.match(shown, /http:\/\/u:\*\*\*@h/)
  assert.match(shown, /- '1\.20'\n/)
  const again = load(shown)
  assert.deepEqual(again.problems, [])
  assert.equal(dump(again.checked), shown)
  assert.match(dump(good('outputs: { o: { type: elasticsearch, password: hunter2 } }')), /password: '\*\*\*'/)
})

test('nothing that YAML or JSON can say makes the reader throw', () => {
  const words = [
    'agent',
    'inputs',
    'outputs',
    'pipelines',
    'metrics',
    'exporters',
    'type',
    'file',
    'stdin',
    'paths',
    'pipeline',
    'grok',
    'match',
    'json',
    'convert',
    'when',
    'drop',
    'any',
    'not',
    'elasticsearch',
    'hosts',
    'tls',
    'counter',
    'input',
    'statsd',
    '${X}',
    '${',
    '',
    '__proto__',
    'constructor'
  ]
  const leaf = fc.oneof(fc.constantFrom<unknown>(...words, null, true, 1, -1.5, [], {}), fc.string())
  const { tree } = fc.letrec<{ tree: unknown }>(tie => ({
    tree: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      leaf,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom(...words), tie('tree'), { maxKeys: 5 })
    )
  }))
  fc.assert(
    fc.property(fc.oneof(tree, fc.jsonValue()), value => {
      const { checked, problems } = load(JSON.stringify(value) ?? '')
      buildProblems(checked, () => ({}))
      dump(checked)
      for (const p of problems) assert.ok(p.at !== undefined && p.at.line >= 1 && p.at.column >= 1, formatProblem(p))
    }),
    { numRuns: 400 }
  )
})

const RIGHT = {
  agent: { environment: 'x', region: 'eu', fields: { team: 'a' }, watch: true },
  admin: { listen: '127.0.0.1:1' },
  inputs: {
    a: { type: 'file', paths: ['x', 'y'], max_line_bytes: '1KiB', pipeline: 'p', outputs: ['o'], fields: { k: [1] } },
    b: { type: 'stdin', pipeline: [{ json: {} }, 'json'], outputs: 'o' }
  },
  metrics: { m: { help: 'x', input: ['a', 'b'], when: { any: [{ k: { gte: 1 } }, { l: ['m'] }], not: { n: 1 } } } },
  outputs: {
    o: { type: 'elasticsearch', hosts: ['http://h'], headers: { h: 'v' }, tls: { verify: true }, password: 'pw' }
  },
  exporters: { statsd: { port: 1 }, prometheus: null },
  pipelines: {
    p: [
      { grok: { match: ['x', 'y'], field: 'a.b', when: { a: 1 } } },
      { drop: { when: { a: { matches: 'x' } } } },
      { tag: { value: { deep: [1] } }, when: { b: [1, 2] } },
      { convert: { n: 'float' } }
    ]
  }
}

/** The configuration with one part of it replaced, once for each part; with the path of the part. */
function* withEachReplaced(value: unknown, by: unknown, path = ''): Iterable<[path: string, value: unknown]> {
  if (path !== '') yield [path, by]
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    for (const [at, changed] of withEachReplaced(inner, by, `${path}/${key}`))
      yield [at, Array.isArray(value) ? value.with(Number(key), changed) : { ...value, [key]: changed }]
  }
}

test('an unset variable is told once, wherever it stands, and nothing that follows from it', () => {
  assert.deepEqual(load(JSON.stringify(RIGHT)).problems.map(formatProblem), [])
  let count = 0
  for (const [path, value] of withEachReplaced(RIGHT, '${UNSET}')) {
    const told = load(JSON.stringify(value)).problems.map(formatProblem)
    assert.equal(told.length, 1, `${path}: ${told.join('\n')}`)
    assert.match(told[0]!, /environment variable UNSET is not set/)
    count++
  }
  assert.ok(count > 80)
})

test('no value in the place of any other makes the reader throw', () => {
  const values = [
    null,
    true,
    0,
    -1e300,
    '',
    'x',
    '***',
    '[',
    '%{',
    '${',
    [],
    {},
    [[]],
    [null],
    { a: null },
    { type: 'file' },
    'stdin'
  ]
  for (const by of values) {
    for (const [, value] of withEachReplaced(RIGHT, by)) {
      const { checked, problems } = load(JSON.stringify(value))
      buildProblems(checked, () => ({}))
      dump(checked)
      for (const p of problems) assert.ok(p.at !== undefined && p.path !== '', formatProblem(p))
    }
  }
})

test('a configuration of 24,000 lines with one wrong value in it is told by one line', () => {
  const lines = ['inputs:']
  for (let i = 0; i < 1500; i++) {
    lines.push(
      `  app_${i}:`,
      '    type: file',
      '    paths:',
      `      - /srv/app_${i}/*.log`,
      `      - /srv/app_${i}/**/*.txt`
    )
    lines.push(
      "    exclude: ['*.gz']",
      `    pipeline: p_${i}`,
      `    outputs: [es_${i % 50}]`,
      `    fields: { app: app_${i} }`
    )
  }
  lines.push('pipelines:')
  for (let i = 0; i < 1500; i++) {
    lines.push(
      `  p_${i}:`,
      '    - grok:',
      "        match: '%{COMBINEDAPACHELOG}'",
      '    - convert:',
      '        bytes: integer'
    )
    lines.push('    - drop:', `        when: { request: { matches: '^/${i}' } }`)
  }
  lines.push('outputs:')
  for (let i = 0; i < 50; i++) lines.push(`  es_${i}:`, '    type: elasticsearch', `    hosts: ['http://es_${i}:9200']`)
  const { units, pipelines } = good(lines.join('\n'))
  assert.deepEqual([units.inputs.length, pipelines.size, units.outputs.length], [1500, 1500, 50])
  const line = lines.indexOf('        bytes: integer', 20_000) + 1
  lines[line - 1] = '        bytes: int'
  const told = load(lines.join('\n')).problems.map(formatProblem)
  assert.equal(told.length, 1)
  assert.ok(told[0]!.startsWith(`yarder.yaml:${line}:16 pipelines.p_`), told[0] ?? '')
})
