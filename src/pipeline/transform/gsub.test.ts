import assert from 'node:assert/strict'
import test from 'node:test'
import { build, faults, run } from '../../../test/lib/step.ts'
import { gsub } from './gsub.ts'

const replace = (pattern: string, replacement: string, a: unknown): unknown =>
  run(build(gsub, [{ field: 'a', pattern, replacement }]), { a }).event['a']

test('replaces every match', () => assert.equal(replace('/\\d+', '/:id', '/users/7/posts/12'), '/users/:id/posts/:id'))

test('knows groups in the spellings of Logstash and JavaScript', () => {
  assert.equal(replace('(\\w+)=(\\w+)', '\\2=\\1', 'a=b c=d'), 'b=a d=c')
  assert.equal(replace('(\\w+)=(\\w+)', '$2=$1', 'a=b'), 'b=a')
  assert.equal(replace('(?P<n>\\d)', '<$<n>>', 'x7'), 'x<7>')
  assert.equal(replace('\\d', '[\\0]', 'x7'), 'x[7]')
  assert.equal(replace('/', '\\\\', 'a/b'), 'a\\b')
})

test('does several in order, lists text by text, and removes by default', () => {
  const step = build(gsub, [
    { field: 'a', pattern: 'x', replacement: 'y' },
    { field: 'a', pattern: 'y' }
  ])
  assert.deepEqual(run(step, { a: ['axb', 3], b: 'x' }).event, { a: ['ab', 3], b: 'x' })
})

test('refuses a pattern that is none', () => {
  assert.match(faults(gsub, [{ field: 'a', pattern: '(' }]).join(), /\[0\]\.pattern: must be a regular expression/)
})
