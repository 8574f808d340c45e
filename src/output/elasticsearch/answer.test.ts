import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { HttpResponse } from '../../core/http.ts'
import { judgeStatus, readAnswer, reasonOf, refusal } from './answer.ts'

const buffer = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const item = (status: number, type = 'some_exception', reason = 'why'): object => ({
  create: status < 300 ? { status } : { status, error: { type, reason } }
})
const response = (status: number, body: unknown, headers = {}): HttpResponse => ({
  status,
  headers,
  body: typeof body === 'string' ? Buffer.from(body) : buffer(body),
  truncated: false
})

test('each status of an item has its meaning', () => {
  const statuses = [200, 201, 409, 429, 500, 503, 400, 403, 404]
  const answer = readAnswer(buffer({ errors: true, items: statuses.map(s => item(s)) }), statuses.length)
  assert.deepEqual(answer.retry, [3, 4, 5])
  assert.deepEqual(
    answer.rejected.map(r => [r.index, r.status, r.reason]),
    [
      [6, 400, 'some_exception: why'],
      [7, 403, 'some_exception: why'],
      [8, 404, 'some_exception: why']
    ]
  )
  assert.deepEqual([answer.duplicates, answer.reason, answer.overloaded], [1, '429 some_exception: why', true])
})

test('an answer to fewer or more documents than were sent is none', () => {
  for (const items of [[], [item(201)], [item(201), item(201), item(201)]])
    for (const errors of [true, false])
      assert.throws(() => readAnswer(buffer({ errors, items }), 2), { code: 'PROTOCOL', message: /instead of 2/ })
  assert.throws(() => readAnswer(buffer({ errors: true }), 2), { code: 'PROTOCOL' })
})

test('what is no bulk answer is told apart', () => {
  for (const text of [
    '',
    '<html>',
    '{"errors":false,"items":[{"cre',
    'null',
    '[]',
    '{}',
    '{"took":1}',
    '{"errors":"no"}'
  ])
    assert.throws(() => readAnswer(Buffer.from(text), 1), { code: 'PROTOCOL' }, text)
  assert.throws(() => readAnswer(buffer({ errors: true, items: [{ create: {} }] }), 1), { code: 'PROTOCOL' })
  assert.throws(() => readAnswer(buffer({ errors: true, items: [null] }), 1), { code: 'PROTOCOL' })
})

test('all stored is understood in the short form, with other fields, and without items', () => {
  const empty = { retry: [], rejected: [], duplicates: 0, reason: '', overloaded: false, failureStored: 0 }
  for (let n = 1; n < 5; n++) {
    const items = Array.from({ length: n }, () => item(201))
    assert.deepEqual(readAnswer(buffer({ errors: false, items }), n), empty)
    assert.deepEqual(readAnswer(buffer({ took: 3, errors: false, items }), n), empty)
  }
  assert.deepEqual(readAnswer(buffer({ errors: false }), 3), empty)
})

test('every index is in at most one list, whatever comes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 200, max: 599 }), { minLength: 1, maxLength: 50 }), statuses => {
      const a = readAnswer(buffer({ errors: true, items: statuses.map(s => item(s)) }), statuses.length)
      const named = [...a.retry, ...a.rejected.map(r => r.index)]
      assert.equal(new Set(named).size, named.length)
      assert.ok(named.every(i => i >= 0 && i < statuses.length))
    })
  )
})

test('a reason names the innermost cause, in one bounded line', () => {
  const cause = { type: 'number_format_exception', reason: 'For input string: "x"' }
  assert.equal(
    reasonOf({ type: 'document_parsing_exception', reason: 'failed to parse\nfield [a]', caused_by: cause }),
    'document_parsing_exception: failed to parse field [a] (number_format_exception: For input string: "x")'
  )
  assert.equal(reasonOf(undefined), 'without a reason')
  assert.ok(reasonOf({ type: 't', reason: 'x'.repeat(5000) }).length <= 1000)
})

test('only a 413, or a 400 about the documents, is a reason to split', () => {
  assert.equal(judgeStatus(response(413, '')), 'split')
  assert.equal(
    judgeStatus(response(400, { error: { type: 'x_content_parse_exception', reason: 'bad' }, status: 400 })),
    'split'
  )
  assert.equal(judgeStatus(response(400, '<html>The plain HTTP request was sent to HTTPS port')), 'hold')
  const parameter = {
    type: 'illegal_argument_exception',
    reason: 'request [/_bulk] contains unrecognized parameter: [x]'
  }
  assert.equal(judgeStatus(response(400, { error: parameter })), 'hold')
  for (const status of [301, 401, 403, 404, 406, 429, 500, 503]) assert.equal(judgeStatus(response(status, '')), 'hold')
})

test('a refusal begins with what it is and ends with what the server said', () => {
  const what = 'POST http://h:9200/'
  const error = refusal(
    what,
    response(401, { error: { type: 'security_exception', reason: 'missing credentials' } }),
    5
  )
  assert.equal(
    error.message,
    'unauthorised: POST http://h:9200/ answered 401: security_exception: missing credentials; check user and password, key or token'
  )
  assert.equal(error.retryAfterMs, 5)
  assert.match(
    refusal(what, response(302, '', { location: 'http://other/' })).message,
    /^redirects are not followed: .* to http:\/\/other\//
  )
  assert.match(
    refusal(what, response(503, '<html><b>no\nbackend</b></html>')).message,
    /^unavailable: .* 503: no backend$/
  )
})

test('what went to the failure store is stored, and counted', () => {
  const used = { create: { status: 201, failure_store: 'used' } }
  const failed = { create: { status: 400, error: { type: 't', reason: 'r' }, failure_store: 'failed' } }
  const answer = readAnswer(buffer({ errors: true, items: [item(201), used, failed, used] }), 4)
  assert.equal(answer.failureStored, 2)
  assert.deepEqual(
    answer.rejected.map(r => r.index),
    [2]
  )
  assert.equal(readAnswer(buffer({ errors: false, items: [used] }), 1).failureStored, 1)
})

test('a missing index refuses a document, but where it is awaited', () => {
  const body = buffer({ errors: true, items: [item(404, 'index_not_found_exception')] })
  assert.equal(readAnswer(body, 1).rejected.length, 1)
  assert.deepEqual(readAnswer(body, 1, true).retry, [0])
})
