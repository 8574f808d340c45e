import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cli } from '../../test/lib/world.ts'
import { catalog } from '../agent/components.ts'

test('docs without a word lists every component', async () => {
  const { status, stdout } = await cli(['docs'])
  assert.equal(status, 0)
  for (const { name } of [...catalog.steps, ...catalog.units.inputs.definitions])
    assert.ok(stdout.includes(` ${name} `), name)
})

test('docs of a component tells each of its options', async () => {
  for (const word of ['date', 'steps.date', 'steps/date']) {
    const { status, stdout, stderr } = await cli(['docs', word])
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^date \(steps\): Takes the time of the record from a field\./)
    assert.match(stdout, /^ {2}timezone {2}\(string\)$/m)
  }
})

test('docs of something unknown says what is near, and exits 2', async () => {
  assert.deepEqual(await cli(['docs', 'stdni']), {
    status: 2,
    stdout: '',
    stderr: 'yarder docs: nothing is called "stdni"; did you mean "stdin"?\n'
  })
})

test('docs prints the schema, the sample and pages of Markdown', async () => {
  const schema = JSON.parse((await cli(['docs', '--schema'])).stdout) as { properties: object }
  assert.ok('inputs' in schema.properties)
  assert.match((await cli(['docs', '--sample'])).stdout, /^pipelines:$/m)
  assert.match((await cli(['docs', '--markdown', 'stdin'])).stdout, /^# `stdin` \(inputs\)$/m)
  assert.match((await cli(['docs', '--markdown'])).stdout, /^# Reference of the configuration$/m)
  const both = await cli(['docs', '--schema', 'stdin'])
  assert.equal(both.status, 2)
  assert.match(both.stderr, /--schema is about the whole configuration/)
})

test('docs of conditions is found under each word for them, in plain text and as Markdown', async () => {
  const { status, stdout } = await cli(['docs', 'conditions'])
  assert.equal(status, 0)
  assert.match(stdout, /^conditions: Which records: /)
  for (const word of ['when', 'condition']) assert.equal((await cli(['docs', word])).stdout, stdout)
  assert.match((await cli(['docs', '--markdown', 'when'])).stdout, /^# `conditions`$/m)
})
