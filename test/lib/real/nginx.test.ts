// Debian's nginx as the tests run it.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { debianPackage } from './debian.ts'
import { startNginx } from './nginx.ts'
import { until } from './process.ts'

const skip = (await debianPackage(['nginx'])) ?? false

test('nginx writes combined lines, opens its log again on SIGUSR1 and ends by process id', { skip }, async t => {
  const folder = await mkdtemp(join(tmpdir(), 'yarder-nginx-test-'))
  t.after(() => rm(folder, { recursive: true }))
  const accessLog = join(folder, 'access.log')
  const nginx = await startNginx({ accessLog })
  t.after(() => nginx.stop())
  assert.equal(await readFile(accessLog, 'utf8'), '')

  await fetch(`${nginx.url}/a?b=c`, { headers: { 'user-agent': 'one' } }).then(answer => answer.text())
  assert.match(await lines(accessLog, 1), /^127\.0\.0\.1 - - \[[^\]]+\] "GET \/a\?b=c HTTP\/1\.1" 200 3 "-" "one"\n$/)

  await rename(accessLog, `${accessLog}.1`)
  process.kill(nginx.pid, 'SIGUSR1')
  await until('the new log', () =>
    readFile(accessLog, 'utf8').then(
      () => true,
      () => false
    )
  )
  await fetch(`${nginx.url}/missing/x`).then(answer => answer.text())
  assert.match(await lines(accessLog, 1), /"GET \/missing\/x HTTP\/1\.1" 404 /)

  await nginx.stop()
  assert.throws(() => process.kill(nginx.pid, 0), { code: 'ESRCH' })
})

async function lines(path: string, count: number): Promise<string> {
  return until(`${count} lines in ${path}`, async () => {
    const text = await readFile(path, 'utf8')
    return text.split('\n').length > count && text
  })
}
