import assert from 'node:assert/strict'
import { closeSync, fstatSync, openSync } from 'node:fs'
import { test } from 'node:test'
import { forJournal, leadsToJournal } from './journal.ts'

test('only the very descriptor that systemd names leads to the journal', t => {
  const fd = openSync('/dev/null', 'w')
  t.after(() => closeSync(fd))
  const { dev, ino } = fstatSync(fd)
  assert.equal(leadsToJournal(fd, { JOURNAL_STREAM: `${dev}:${ino}` }), true)
  assert.equal(leadsToJournal(fd, { JOURNAL_STREAM: `${dev}:${ino + 1}` }), false)
  assert.equal(leadsToJournal(fd, {}), false)
  assert.equal(leadsToJournal(9999, { JOURNAL_STREAM: '1:2' }), false)
})

test('each line of a message gets its priority', () => {
  assert.equal(
    forJournal('a.yaml:1:2 inputs: no\nwarning: a.yaml:3:1 odd\nyarder run: cannot\n'),
    '<3>a.yaml:1:2 inputs: no\n<4>warning: a.yaml:3:1 odd\n<3>yarder run: cannot\n'
  )
})
