import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadText } from '../config/load.ts'
import { catalog } from './components.ts'
import { feedbackLoops } from './feedback.ts'

/** The loops in a configuration that lies in /etc/yarder. */
function loops(text: string): string[] {
  const { checked, problems } = loadText(text, catalog, {})
  assert.deepEqual(problems, [])
  return feedbackLoops(checked, '/etc/yarder').map(({ at, path, message }) => `${at?.line} ${path}: ${message}`)
}

const config = (input: string, output: string, more = ''): string =>
  `inputs:\n  app: { type: file, ${input} }\noutputs:\n  copy: { type: file, ${output} }\n${more}`

test('an output into a file that an input reads is refused, with the place and what would be right', () => {
  assert.deepEqual(loops(config("paths: ['/var/log/app/*']", 'path: /var/log/app/out.ndjson')), [
    '4 outputs.copy.path: the input "app" reads /var/log/app/out.ndjson and its records come here again, without end; ' +
      'write where no input reads, or add it to inputs.app.exclude'
  ])
})

test('relative paths start from the folder of the configuration', () => {
  assert.equal(loops(config("paths: ['log/*.ndjson']", 'path: ./log/../log/out.ndjson')).length, 1)
  assert.equal(loops(config("paths: ['/etc/yarder/log/*']", 'path: log/out.ndjson')).length, 1)
  assert.deepEqual(loops(config("paths: ['/srv/log/*.ndjson']", 'path: log/out.ndjson')), [])
})

test('the file that it is rotated to counts too, unless it never is', () => {
  const [loop] = loops(config("paths: ['/l/*.1']", 'path: /l/out'))
  assert.match(loop!, /reads \/l\/out\.1 and/)
  assert.deepEqual(loops(config("paths: ['/l/*.1']", 'path: /l/out, max_bytes: 0')), [])
})

test('excluded, or sent elsewhere, nothing comes back', () => {
  assert.deepEqual(loops(config("paths: ['/l/*'], exclude: ['out*']", 'path: /l/out')), [])
  assert.deepEqual(loops(config("paths: ['/l/*'], exclude: [/l/out, /l/out.1]", 'path: /l/out')), [])
  const chain = '  next: { type: stdout }\n'
  assert.deepEqual(loops(config("paths: ['/l/*'], outputs: [next]", 'path: /l/out', chain)), [])
})

test('a circle through two inputs and two files is one as well', () => {
  const text = (last: string): string =>
    'inputs:\n' +
    "  a: { type: file, paths: ['/a/*'], outputs: [to-b] }\n" +
    `  b: { type: file, paths: ['/b/*'], outputs: [${last}] }\n` +
    'outputs:\n' +
    '  to-b: { type: file, path: /b/x }\n' +
    '  to-a: { type: file, path: /a/x }\n' +
    '  out: { type: stdout }\n'
  const [first, second] = loops(text('to-a'))
  assert.match(first!, /^5 outputs\.to-b\.path: the input "b" reads \/b\/x /)
  assert.match(second!, /^6 outputs\.to-a\.path: the input "a" reads \/a\/x /)
  assert.deepEqual(loops(text('out')), [])
})
