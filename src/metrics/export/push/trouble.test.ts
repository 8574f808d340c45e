import assert from 'node:assert/strict'
import { test } from 'node:test'
import { context } from '../../../../test/lib/step.ts'
import type { LogData } from '../../../core/log.ts'
import { silentLog } from '../../../core/log.ts'
import { createTrouble } from './trouble.ts'

test('two kinds of trouble in every push are told once each, and their end once', () => {
  const told: string[] = []
  const say = (level: string) => (data: LogData) => void told.push(`${level} ${String(data['errno'] ?? '')}`.trim())
  const trouble = createTrouble(context({ log: { ...silentLog, warn: say('warn'), info: say('info') } }), 'there')
  const fail = (code: string): void => trouble.add(Object.assign(new Error(code), { code }))
  for (let push = 0; push < 3; push++) {
    fail('EMSGSIZE')
    fail('ECONNREFUSED')
    trouble.pushed()
  }
  assert.deepEqual(told, ['warn EMSGSIZE', 'warn ECONNREFUSED'])
  trouble.pushed()
  trouble.pushed()
  assert.deepEqual(told.splice(0), ['warn EMSGSIZE', 'warn ECONNREFUSED', 'info'])
  fail('EMSGSIZE')
  assert.deepEqual(told, ['warn EMSGSIZE'])
})
