import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentOf, offendingField, parseLetter, rawLine } from './letter.ts'

// Reasons as Elasticsearch 8.19 and OpenSearch 2.19 give them.
const REASONS: ReadonlyArray<readonly [string, string | undefined]> = [
  [
    "document_parsing_exception: [1:9] failed to parse field [size] of type [long] in document with id 'a-1'. Preview of field's value: 'abc' (illegal_argument_exception: For input string: \"abc\")",
    'size'
  ],
  ["mapper_parsing_exception: failed to parse field [http.bytes] of type [long] in document with id 'x'", 'http.bytes'],
  [
    'document_parsing_exception: [1:8] object mapping for [user] tried to parse field [user] as object, but found a concrete value',
    'user'
  ],
  [
    'strict_dynamic_mapping_exception: [1:5] mapping set to strict, dynamic introduction of [b] within [_doc] is not allowed',
    'b'
  ],
  [
    'strict_dynamic_mapping_exception: mapping set to strict, dynamic introduction of [b] within [a] is not allowed',
    'a.b'
  ],
  ['illegal_argument_exception: mapper [x] cannot be changed from type [long] to [text]', 'x'],
  ['illegal_argument_exception: Document contains at least one immense term in field="message" (whose …', 'message'],
  [
    "document_parsing_exception: failed to parse field [ts] of type [date] in document with id '1' (failed to parse date field [yesterday] with format [x])",
    'ts'
  ],
  ['illegal_argument_exception: Limit of total fields [1000] has been exceeded', undefined],
  ['larger than the server takes: 1200000 bytes', undefined]
]

test('the offending field is found where the reason names one', () => {
  for (const [reason, field] of REASONS) assert.equal(offendingField(reason), field, reason)
})

test('the raw line is event.original, else message', () => {
  assert.equal(rawLine({ message: 'm', event: { original: 'o' } }), 'o')
  assert.equal(rawLine({ message: 'm', 'event.original': 'o' }), 'o')
  assert.equal(rawLine({ message: 'm', event: null }), 'm')
  assert.equal(rawLine({ event: { original: 7 } }), undefined)
  assert.equal(rawLine(null), undefined)
})

test('the document is taken as it was spelled, also when fields quote its key, and from lines that were edited', () => {
  const document = '{"n":1.10,"t":",\\"document\\":{}"}'
  const head = `{"at":"2026-11-22T12:00:00.000Z","output":"o","reason":",\\"document\\":7","id":"x"`
  for (const [line, wanted] of [
    [`${head},"document":${document}}`, document],
    [`${head}, "document": ${document} }`, JSON.stringify(JSON.parse(document))],
    [`${head},"document":${document},"more":1}`, JSON.stringify(JSON.parse(document))]
  ] as const) {
    const bytes = Buffer.from(line)
    assert.equal(documentOf(bytes, parseLetter(bytes)!).toString(), `${wanted}\n`)
  }
})

test('a line that lacks what a letter needs is none', () => {
  for (const line of ['', '{', '7', 'null', '{}', '{"at":"x","id":"i","reason":"r","document":{}}'])
    assert.equal(parseLetter(Buffer.from(line)), undefined, line)
})
