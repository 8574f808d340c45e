import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean } from './spelling.ts'

test('the name with the fewest edits is meant, a swap being one', () => {
  assert.equal(didYouMean('patsh', ['paths', 'poll']), '; did you mean "paths"?')
  assert.equal(didYouMean('Hosts', ['hosts', 'host']), '; did you mean "hosts"?')
})

test('the word of another agent comes before one that is only spelled alike', () => {
  assert.equal(didYouMean('include', ['exclude', 'paths']), '; did you mean "paths"?')
  assert.equal(didYouMean('ssl', ['tls', 'hosts']), '; did you mean "tls"?')
  assert.equal(didYouMean('transforms', ['pipeline', 'type']), '; did you mean "pipeline"?')
  assert.equal(didYouMean('transforms', ['inputs', 'pipelines']), '; did you mean "pipelines"?')
})

test('the only name that begins like the word is meant', () => {
  assert.equal(didYouMean('elastic', ['elasticsearch', 'file']), '; did you mean "elasticsearch"?')
  assert.equal(didYouMean('initially', ['init', 'max']), '; did you mean "init"?')
  assert.equal(didYouMean('max', ['max_events', 'max_bytes']), '; known are max_bytes, max_events')
})

test('without any likeness a short list is told, and nothing of a long one', () => {
  assert.equal(didYouMean('zzzzzz', ['b', 'a']), '; known are a, b')
  assert.equal(
    didYouMean(
      'zzzzzz',
      Array.from({ length: 30 }, (_, i) => `name${i}`)
    ),
    ''
  )
})

test('a word that has another thing instead of another name is told what', () => {
  assert.equal(
    didYouMean('fields_under_root', ['fields', 'tags']),
    '; what "fields" gives is put under "fields"; the step "set" puts a field at the top'
  )
})
