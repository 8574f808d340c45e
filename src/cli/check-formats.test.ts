import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { debianPackage } from '../../test/lib/real/debian.ts'
import type { CheckedOnce } from '../agent/check-once.ts'
import { junit, tap } from './check-formats.ts'

const noPython = await debianPackage(['python3'])

const results: CheckedOnce[] = [
  { name: 'web', type: 'http', state: 'ok', reason: 'ok', message: 'HTTP 200', seconds: 0.0123 },
  {
    name: 'db',
    type: 'command',
    state: 'critical',
    reason: 'exit',
    message: 'bad <"quote"> & \u0007 #1\nline \\2',
    seconds: 1.5
  },
  { name: 'odd', type: 'dns', state: 'unknown', reason: 'error', message: "don't know", seconds: 0 }
]

test('JUnit has each check as a case, and nothing that breaks its XML', () => {
  assert.equal(
    junit(results),
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" errors="1" skipped="0" time="1.512">
  <testsuite name="yarder check" tests="3" failures="1" errors="1" skipped="0" time="1.512">
    <testcase classname="yarder.http" name="web" time="0.012">
      <system-out>HTTP 200</system-out>
    </testcase>
    <testcase classname="yarder.command" name="db" time="1.500">
      <failure type="critical" message="${junit([results[1]!]).split('message="')[1]!.split('"')[0]!}">exit</failure>
    </testcase>
    <testcase classname="yarder.dns" name="odd" time="0.000">
      <error type="unknown" message="don&apos;t know">error</error>
    </testcase>
  </testsuite>
</testsuites>
`
  )
  const message = /message="([^"]*)"/.exec(junit([results[1]!]))![1]!
  assert.match(message, /^bad &lt;&quot;quote&quot;&gt; &amp; /)
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(message, /[\u0000-\u001f<>]/)
})

test('a parser of XML reads it back as it was', { skip: noPython }, () => {
  const program =
    'import sys,json,xml.etree.ElementTree as e; print(json.dumps([c.attrib["name"] + ": " + c[0].tag + " " + (c[0].get("message") or c[0].text) for c in e.parse(sys.stdin).iter("testcase")]))'
  const said = execFileSync('python3', ['-c', program], { input: junit(results), encoding: 'utf8' })
  assert.deepEqual(JSON.parse(said), [
    'web: system-out HTTP 200',
    'db: failure bad <"quote"> & \\x07 #1\\nline \\2',
    "odd: error don't know"
  ])
})

test('TAP counts the checks and says in a block how one is not ok', () => {
  const lines = tap(results).split('\n')
  assert.deepEqual(lines.slice(0, 3), ['TAP version 14', '1..3', 'ok 1 - web (http) HTTP 200'])
  assert.match(lines[3]!, /^not ok 2 - db \(command\) bad <"quote"> & .*\\#1/)
  assert.deepEqual(lines.slice(4), [
    '  ---',
    '  severity: "critical"',
    '  reason: "exit"',
    '  message: "bad <\\"quote\\"> & \\u0007 #1\\nline \\\\2"',
    '  duration_ms: 1500',
    '  ...',
    "not ok 3 - odd (dns) don't know",
    '  ---',
    '  severity: "unknown"',
    '  reason: "error"',
    '  message: "don\'t know"',
    '  duration_ms: 0',
    '  ...',
    ''
  ])
})
