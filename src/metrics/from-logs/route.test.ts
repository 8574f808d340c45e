import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildMetric } from '../../../test/lib/metric.ts'
import { cursorAt } from '../../../test/lib/step.ts'
import { memoryState } from '../../core/state.ts'
import { routeTemplate } from './route.ts'

test('what varies in a path becomes a placeholder, what names a route stays', () => {
  const template = routeTemplate([])
  const cases: Record<string, string> = {
    '/': '/',
    '/users/123': '/users/{id}',
    '/users/123/orders/': '/users/{id}/orders/',
    '/users/123?tab=1#top': '/users/{id}',
    'https://example.com/users/123?x': '/users/{id}',
    'http://example.com': '/',
    '/a;jsessionid=0A1B/b': '/a',
    '/v1/items/550e8400-e29b-41d4-a716-446655440000': '/v1/items/{id}',
    '/commit/9fceb02d0ae598e9': '/commit/{id}',
    '/deadbeef': '/deadbeef',
    '/archive/2026-11-22': '/archive/{date}',
    '/price/12.50': '/price/{id}',
    '/static/app.3f2a9c1b.js': '/static/app.{id}.js',
    '/robots.txt': '/robots.txt',
    '/api/v2/search': '/api/v2/search',
    '/u/jo@example.com': '/u/{id}',
    '/t/01ARZ3NDEKTSV4RRFFQ69G5FAV': '/t/{id}',
    [`/${'x'.repeat(65)}`]: '/{id}',
    [`/${'a/'.repeat(20)}`]: `/${'a/'.repeat(12)}**`,
    '*': '*',
    '': '',
    'GET /x': '{invalid}',
    '\\x16\\x03': '{invalid}'
  }
  for (const [path, route] of Object.entries(cases)) assert.equal(template(path), route, path)
})

test('known routes come first, in their order', () => {
  const template = routeTemplate(['/users/me', '/users/{name}', '/static/**', '/shop/{town}/open'])
  const cases: Record<string, string> = {
    '/users/me': '/users/me',
    '/users/joe?x=1': '/users/{name}',
    '/users/': '/users/',
    '/users/joe/7': '/users/joe/{id}',
    '/static/a/b/c.css': '/static/**',
    '/static': '/static',
    '/shop/new-york/open': '/shop/{town}/open'
  }
  for (const [path, route] of Object.entries(cases)) assert.equal(template(path), route, path)
})

test('of any text a route comes that stays as it is', () => {
  const template = routeTemplate(['/a/{b}'])
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl({ withQueryParameters: true })), text => {
      const route = template(text)
      assert.ok(!/[?#;]/.test(route))
      if (!route.endsWith('/**')) assert.equal(template(route === '{invalid}' ? text : route), route)
    })
  )
})

test('the label {route: field} counts requests by their route', () => {
  const labels = { path: { route: 'request', known: ['/users/{name}/**'] } }
  const metric = buildMetric('r_total', { type: 'counter', labels })
  for (const request of ['/i/1', '/i/2?a', '/users/x/1', '/users/y/2']) metric.observe({ request }, cursorAt())
  metric.keep(memoryState())
  const seen = [...metric.family().samples].map(({ labels: l, value }) => [l['path'], value])
  assert.deepEqual(seen, [
    ['/i/{id}', 2],
    ['/users/{name}/**', 2]
  ])
})

test('a route that is none is refused with its place', () => {
  const refused = (label: unknown): RegExpExecArray | null => {
    try {
      buildMetric('r_total', { type: 'counter', labels: { path: label } })
      return null
    } catch (error) {
      return /[\s\S]*/.exec((error as Error).message)
    }
  }
  assert.match(refused({ route: '' })![0], /^labels\.path\.route: must be a field, got ""/)
  assert.match(refused({ route: 'a', known: '/x' })![0], /^labels\.path\.known: must be a list of routes/)
  for (const known of ['x', '/a/**/b', '/a?b', '/{a', '/{1}', 7])
    assert.match(refused({ route: 'a', known: ['/', known] })![0], /^labels\.path\.known\[1\]: must be a path such as/)
  assert.match(refused({ route: 'a', other: 1 })![0], /^labels\.path: must be a field, a template/)
})
