// What came of checks, in the words of those who read test results: JUnit's XML and TAP.
import type { CheckedOnce } from '../agent/check-once.ts'
import { oneLine } from './one-line.ts'

const isSkipped = (r: CheckedOnce): boolean => r.skipped === true

/** As GitLab, Jenkins and their like read it. What is unknown is an error of the test, what is not ok a failure. */
export function junit(results: readonly CheckedOnce[]): string {
  const count = (...states: string[]): number => results.filter(r => !isSkipped(r) && states.includes(r.state)).length
  const time = results.reduce((sum, r) => sum + r.seconds, 0)
  const failed = count('warning', 'critical')
  const numbers = `tests="${results.length}" failures="${failed}" errors="${count('unknown')}" skipped="${results.filter(isSkipped).length}" time="${time.toFixed(3)}"`
  const cases = results.map(r => {
    const open = `    <testcase classname="yarder.${xml(r.type)}" name="${xml(r.name)}" time="${r.seconds.toFixed(3)}"`
    if (r.state === 'ok') return `${open}>\n      <system-out>${xml(r.message)}</system-out>\n    </testcase>`
    if (isSkipped(r)) return `${open}>\n      <skipped message="${xml(oneLine(r.message))}"/>\n    </testcase>`
    const kind = r.state === 'unknown' ? 'error' : 'failure'
    const told = `      <${kind} type="${r.state}" message="${xml(oneLine(r.message))}">${xml(r.reason)}</${kind}>`
    return `${open}>\n${told}\n    </testcase>`
  })
  const suite = [`  <testsuite name="yarder check" ${numbers}>`, ...cases, '  </testsuite>']
  return ['<?xml version="1.0" encoding="UTF-8"?>', `<testsuites ${numbers}>`, ...suite, '</testsuites>', ''].join('\n')
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

/** XML 1.0 has no place for control characters, not even as entities. */
const xml = (text: string): string =>
  text
    .replace(/[&<>"']/g, c => ENTITIES[c]!)
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')

/** For TAP, where a `#` would begin a directive. */
const plain = (text: string): string => text.replace(/[\\#]/g, c => `\\${c}`)

/** The Test Anything Protocol, version 14; whatever is not ok is `not ok`, with a block that says how. */
export function tap(results: readonly CheckedOnce[]): string {
  const lines = results.flatMap((r, i) => {
    if (isSkipped(r)) return [`ok ${i + 1} - ${plain(`${r.name} (${r.type})`)} # SKIP ${plain(oneLine(r.message))}`]
    const line = `${i + 1} - ${plain(`${r.name} (${r.type}) ${oneLine(r.message)}`)}`
    if (r.state === 'ok') return [`ok ${line}`]
    const block = { severity: r.state, reason: r.reason, message: r.message, duration_ms: Math.round(r.seconds * 1000) }
    // JSON is YAML.
    const inner = Object.entries(block).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`)
    return [`not ok ${line}`, '  ---', ...inner, '  ...']
  })
  return ['TAP version 14', `1..${results.length}`, ...lines, ''].join('\n')
}
