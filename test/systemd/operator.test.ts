// What an administrator has besides: testinfra's look at an installed service, `yarder init`, `doctor` and `support-bundle`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { builtPackage } from './built.ts'
import { bootMachine, noMachine } from './machine.ts'

const reason = await noMachine()
const options = reason === undefined ? { timeout: 900_000 } : { skip: reason }
const SUITE = fileURLToPath(new URL('testinfra/test_yarder.py', import.meta.url))

interface Report {
  readonly problems: number
  readonly findings: readonly {
    readonly area: string
    readonly state: string
    readonly message: string
    readonly mend?: string
  }[]
}

test('the tools of an operator on an installed host', options, async t => {
  const files = { [await builtPackage('deb')]: '/pkg/yarder.deb', [SUITE]: '/pkg/test_yarder.py' }
  const m = await bootMachine(t, files)
  await m.run('dpkg', '-i', '/pkg/yarder.deb')
  const pytest = () =>
    m.does(
      'python3',
      '-m',
      'pytest',
      '-q',
      '-p',
      'no:cacheprovider',
      '--tb=line',
      '--hosts=local://',
      '/pkg/test_yarder.py'
    )

  await t.test(
    'testinfra finds package, service, socket, pages, user, files and configuration as they should be',
    async () => {
      const { status, out } = await pytest()
      assert.equal(status, 0, out)
      assert.match(out, /\b8 passed\b/)
    }
  )

  await t.test('on another port exactly the tests of the socket and of what it shows fail', async () => {
    await m.write('/etc/yarder/conf.d/port.yaml', 'admin: { listen: 127.0.0.1:9681 }\n')
    await m.run('systemctl', 'reload', 'yarder')
    const { status, out } = await pytest()
    await m.run('rm', '/etc/yarder/conf.d/port.yaml')
    await m.run('systemctl', 'reload', 'yarder')
    assert.equal(status, 1, out)
    assert.match(out, /\b3 failed, 5 passed\b/)
    for (const name of ['socket', 'metrics', 'health']) assert.match(out, new RegExp(`FAILED .*::test_${name}\\b`))
  })

  await t.test('init writes what the service can read, and nginx becomes numbers', async () => {
    await m.run('yarder', 'init', '-o', '/etc/yarder/conf.d/host.yaml')
    assert.match(await m.run('stat', '-c', '%a %U:%G', '/etc/yarder/conf.d/host.yaml'), /^640 root:yarder$/m)
    await m.run('yarder', 'validate')
    await m.run('systemctl', 'reload', 'yarder')
    await m.run('curl', '-sS', '-o', '/dev/null', 'http://127.0.0.1/missing')
    await m.until(
      /^nginx_requests_total\{verb="GET",status="404"\} 1$/m,
      'curl',
      '-sS',
      'http://127.0.0.1:9680/metrics'
    )
  })

  const doctor = async (): Promise<Report & { status: number }> => {
    const { status, out, err } = await m.does('yarder', 'doctor', '--json')
    assert.notEqual(out, '', err)
    return { ...(JSON.parse(out) as Report), status }
  }

  await t.test('doctor, as the user of the service, has no objection', async () => {
    const report = await doctor()
    assert.deepEqual(
      report.findings.filter(f => f.state === 'problem'),
      []
    )
    assert.equal(report.status, 0)
    const messages = report.findings.map(f => f.message).join('\n')
    assert.match(messages, /it runs as yarder, in the groups .*\badm\b/)
    assert.match(messages, /nginx_access: 1 file can be read by yarder/)
    assert.match(messages, /an agent uses \/var\/lib\/yarder: process \d+/)
    assert.match(messages, /127\.0\.0\.1:9680 answers/)
  })

  await t.test('the command that doctor gives for a file of root lets the service read it', async () => {
    await m.run('touch', '/var/log/nginx/secret-access.log')
    await m.run('chown', 'root:www-data', '/var/log/nginx/secret-access.log')
    await m.run('chmod', '640', '/var/log/nginx/secret-access.log')
    const bad = await doctor()
    assert.equal(bad.status, 1)
    const [refused] = bad.findings.filter(f => f.state === 'problem')
    assert.match(refused!.message, /secret-access\.log \(-rw-r-----.* gives no read permission/)
    assert.equal(refused!.mend, 'usermod -aG www-data yarder && systemctl restart yarder')
    await m.run('sh', '-c', refused!.mend)
    assert.equal((await doctor()).status, 0)
  })

  await t.test('the group of the service may ask it, and nobody else', async () => {
    const as = (group: string) =>
      m.does('setpriv', '--reuid', '65534', '--regid', group, '--clear-groups', 'yarder', 'status', '--json')
    const member = await as('yarder')
    assert.match(member.out, /"pid":\d+/, member.err)
    const stranger = await as('nogroup')
    assert.equal(stranger.status, 1)
    assert.match(stranger.err, /EACCES, only root, its own user and .* its group may ask it/)
  })

  await t.test(
    "for another user doctor says that it is not the service's view, and takes nothing from the service",
    async () => {
      const argv = ['setpriv', '--reuid', '65534', '--regid', 'yarder', '--clear-groups', 'yarder', 'doctor', '--json']
      const { findings } = JSON.parse((await m.does(...argv)).out) as Report
      assert.match(findings[0]!.message, /how it looks for nobody; the service runs as yarder/)
      assert.equal(findings[0]!.mend, 'sudo yarder doctor')
      const all = findings.map(f => `${f.state} ${f.message} $ ${f.mend}`).join('\n')
      assert.match(
        all,
        /^warning whether an agent uses \/var\/lib\/yarder cannot be seen by this user \$ sudo yarder doctor$/m
      )
      assert.match(all, /^ok 127\.0\.0\.1:9680 answers/m)
      assert.match(all, /nobody may not write in \/var\/lib\/yarder .* another user's/)
      assert.doesNotMatch(all, /chown/)
    }
  )

  await t.test('the support bundle has state, numbers, positions and log, and no line of nginx', async () => {
    await m.run('curl', '-sS', '-o', '/dev/null', 'http://127.0.0.1/canary-in-a-log')
    await m.until(/canary-in-a-log/, 'cat', '/var/lib/yarder/records.ndjson')
    await m.run('yarder', 'support-bundle', '-o', '/root/bundle.tar')
    const names = await m.run('tar', '-tf', '/root/bundle.tar')
    for (const name of ['config.yaml', 'status.json', 'metrics.txt', 'positions.json', 'log.txt', 'doctor.json'])
      assert.match(names, new RegExp(`/${name}$`, 'm'))
    const all = await m.run('tar', '-xOf', '/root/bundle.tar')
    assert.match(all, /Started\. listen=/)
    assert.match(all, /"path": "\/var\/log\/nginx\/access\.log"/)
    assert.match(all, /^yarder_build_info/m)
    assert.doesNotMatch(all, /canary-in-a-log/)
  })
})
