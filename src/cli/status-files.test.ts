import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FileStatus } from '../core/component.ts'
import { laggingLines, ledgerLines } from './status-files.ts'

const NOTHING = { seen: 0, skipped: 0, acked: 0, waiting: 0, unread: 0, leftOut: 0, lost: 0 }
const file = (path: string, more: Partial<FileStatus> = {}): FileStatus => ({
  path,
  size: 2048,
  read: 2048,
  acked: 2048,
  state: 'idle',
  reason: '',
  ledger: { ...NOTHING, seen: 2048, acked: 2048 },
  ...more
})
const fine = [file('/a'), file('/b'), file('/c')]

test('files that are done are only counted', () => {
  assert.deepEqual(laggingLines(fine), ['3 files, all acknowledged'])
  assert.deepEqual(laggingLines([file('/a')]), ['1 file, all acknowledged'])
  assert.deepEqual(laggingLines([]), [])
})

test('files that lag or have trouble are listed, the worst first', () => {
  const lines = laggingLines([
    ...fine,
    file('/slow', { acked: 0 }),
    file('/lost', { state: 'missing', reason: 'not found', ledger: { ...NOTHING, seen: 2048, lost: 2048 } }),
    file('/late', { acked: 1024, state: 'rotated', reason: 'renamed', expiresSeconds: 2400 }),
    file('/gone', { acked: 1000, expiresSeconds: 0 })
  ])
  assert.deepEqual(lines, [
    '/gone  1.0 KiB behind of 2.0 KiB  unread data is about to be rotated away',
    '/late  1.0 KiB behind of 2.0 KiB  rotated: renamed  unread data will be rotated away in about 40 min',
    '/lost  all acknowledged  missing: not found  2.0 KiB lost',
    '/slow  2.0 KiB behind of 2.0 KiB',
    '3 files more, all acknowledged'
  ])
})

test('a file that lies under another name by now is shown with both', () => {
  const renamed = file('/a.log', { acked: 0, at: '/a.log.1' })
  assert.deepEqual(laggingLines([renamed]), ['/a.log (now /a.log.1)  2.0 KiB behind of 2.0 KiB'])
  assert.match(ledgerLines([renamed])[1]!, /  \/a\.log \(now \/a\.log\.1\)$/)
  assert.doesNotMatch(ledgerLines([file('/a.log', { at: '/a.log' })])[1]!, /now/)
})

test('very many files that lag do not fill the screen', () => {
  const lines = laggingLines(Array.from({ length: 1030 }, (_, i) => file(`/${i}`, { acked: i })))
  assert.equal(lines.length, 21)
  assert.equal(lines[20], '1,010 files more lag or have trouble; --files shows all')
})

test('the table shows each file with all parts of its ledger', () => {
  const ledger = { seen: 3000, skipped: 1, acked: 2048, waiting: 20, unread: 900, leftOut: 30, lost: 1 }
  assert.deepEqual(ledgerLines([file('/b', { ledger }), file('/a', { ledger: undefined })]), [
    '   seen  skipped    acked  waiting  unread  left out  lost  path',
    '      -        -        -        -       -         -     -  /a',
    '2.9 KiB      1 B  2.0 KiB     20 B   900 B      30 B   1 B  /b  1 B lost'
  ])
  assert.deepEqual(ledgerLines([]), [])
})

test('a file of which nothing could be read is not called acknowledged', () => {
  const shut = file('/shut', { size: 0, read: 0, acked: 0, state: 'unreadable', reason: 'no permission' })
  assert.deepEqual(laggingLines([shut, { ...shut, path: '/none', state: 'missing' }]), [
    '/shut  not read  unreadable: no permission',
    '/none  not read  missing: no permission'
  ])
})
