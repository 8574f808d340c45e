import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Changes } from '../core/component.ts'
import { parseFieldRef } from '../core/event.ts'
import type { Event } from '../core/event.ts'
import { isMap } from '../core/field.ts'
import { compileReshape } from './reshape.ts'

/** A document goes through as text, between others. */
function reshaped(document: unknown, changes: Partial<Changes>): string {
  const reshape = compileReshape({ drop: [], fields: {}, ...changes })
  const text = `${JSON.stringify(document)}\n`
  const bytes = Buffer.from(`{"before":1}\n${text}{"after":1}\n`)
  const size = Buffer.byteLength(text)
  const out = Buffer.alloc(5 + size + reshape.room, 'x')
  const end = reshape(bytes, 13, 13 + size, out, 5)
  assert.equal(out.toString('utf8', 0, 5), 'xxxxx')
  return out.toString('utf8', 5, end)
}

test('fields are left out, nested and dotted ones too, and others added; the time stays', () => {
  const document = {
    '@timestamp': '2026-11-22T12:00:00.000Z',
    message: 'a "quoted" one, with } and ] and \\',
    host: { name: 'h', ip: ['10.0.0.1', '{'] },
    a: { b: { c: 1 } },
    'x.y': 1,
    fields: { team: 'one', shop: 1 },
    log: { offset: 0 }
  }
  const drop = ['message', 'host.ip', '[a][b]', '@timestamp', 'x.y']
  assert.equal(
    reshaped(document, { drop, fields: { team: 'two' } }),
    '{"@timestamp":"2026-11-22T12:00:00.000Z","host":{"name":"h"},"fields":{"team":"two","shop":1},"log":{"offset":0}}\n'
  )
  assert.equal(
    reshaped(document, { drop: ['fields', 'a', 'host', 'log', 'x.y', 'message'] }),
    '{"@timestamp":"2026-11-22T12:00:00.000Z"}\n'
  )
})

test('fields are added where there are none, or something else of that name', () => {
  assert.equal(reshaped({ n: 1 }, { fields: { a: 'ü' } }), '{"n":1,"fields":{"a":"ü"}}\n')
  assert.equal(reshaped({ fields: 'text', n: 1 }, { fields: { a: 1 } }), '{"fields":{"a":1},"n":1}\n')
  assert.equal(reshaped({ fields: { b: 1 } }, { drop: ['fields'], fields: { a: 1 } }), '{"fields":{"a":1}}\n')
  assert.equal(reshaped({}, { fields: { a: 1 } }), '{"fields":{"a":1}}\n')
  assert.equal(reshaped({ n: 1 }, { drop: ['n'] }), '{}\n')
})

/** The same on the document as an object. */
function expected(document: Event, { drop, fields }: Changes): Event {
  const out = structuredClone(document)
  for (const ref of drop) {
    if (ref === '@timestamp') continue
    removed(out, parseFieldRef(ref)!)
    delete out[ref]
  }
  if (Object.keys(fields).length > 0) out['fields'] = { ...(isMap(out['fields']) ? out['fields'] : {}), ...fields }
  return out
}

function removed(holder: Event, [key, ...rest]: string[]): void {
  if (key === undefined || !Object.hasOwn(holder, key)) return
  const inner = holder[key]
  if (rest.length > 0 && !isMap(inner)) return
  if (rest.length > 0) removed(inner as Event, rest)
  if (rest.length === 0 || Object.keys(inner as Event).length === 0) delete holder[key]
}

test('it gives what changing the parsed document gives, whatever is in it', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'fields', '@timestamp', 'ü"', 'a.b')
  const value = fc.letrec<{ value: unknown; object: Event }>(tie => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', '\n', 'é') }),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(n => (Object.is(n, -0) ? 0 : n)),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 3 }),
      tie('object')
    ),
    object: fc.dictionary(name, tie('value'), { maxKeys: 5, noNullPrototype: true })
  })).object
  const ref = fc.oneof(
    fc.constantFrom('a', 'b', 'fields', '@timestamp', 'a.b'),
    fc.array(name, { minLength: 2, maxLength: 3 }).map(keys => keys.map(key => `[${key}]`).join(''))
  )
  fc.assert(
    fc.property(
      value,
      fc.array(ref, { maxLength: 4 }),
      fc.constantFrom<Event>({}, { a: 1 }, { b: { c: 'ü' } }),
      (document, drop, fields) => {
        const text = reshaped(document, { drop, fields })
        assert.deepEqual(JSON.parse(text), expected(document, { drop, fields }))
        assert.ok(text.endsWith('}\n') && text.indexOf('\n') === text.length - 1)
      }
    ),
    { numRuns: 3000 }
  )
})
