import assert from 'node:assert/strict'
import test from 'node:test'
import { build, run } from '../../../test/lib/step.ts'
import { strip } from './strip.ts'

test('cuts blanks off both ends', () => {
  assert.deepEqual(run(build(strip, ['level', 'l']), { level: ' INFO ', l: ['\tx\n'] }).event, {
    level: 'INFO',
    l: ['x']
  })
})
