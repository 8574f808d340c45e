// The packages as files: what the linters say, what both ways of building agree on, and that a second build is the same bytes.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { buildPackage } from '../../tools/package.ts'
import { buildWithDpkg, buildWithRpmbuild } from '../../tools/package/native.ts'
import type { Arch } from '../../tools/package/runtime.ts'
import { stage, tool } from '../../tools/package/stage.ts'
import { statedVersions } from '../../tools/package/version.ts'
import { debianPackage } from '../lib/real/debian.ts'

const root = join(import.meta.dirname, '../..')
const arch = process.arch as Arch
const reason = await debianPackage(['debhelper', 'lintian', 'mandoc', 'rpm', 'rpmlint'])
const options = reason === undefined ? { timeout: 600_000 } : { skip: reason }

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'yarder-packages-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const sum = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

/** Mode, owner and name of all that a .deb installs; and its scripts and conffiles. */
function insideDeb(path: string): string[] {
  const files = tool('dpkg-deb', ['-c', path])
    .split('\n')
    .map(line => line.replace(/ +\d+ \d{4}-\d\d-\d\d \d\d:\d\d /, ' '))
  // One archiver notes the root itself.
  const scripts = ['conffiles', 'postinst', 'postrm', 'prerm'].map(name => tool('dpkg-deb', ['-I', path, name]))
  return [...files.filter(line => line !== '' && !line.endsWith(' ./')).sort(), ...scripts, ...controlOf(path)]
}

const controlOf = (path: string): string[] =>
  tool('dpkg-deb', [
    '-f',
    path,
    'Package',
    'Version',
    'Architecture',
    'Depends',
    'Section',
    'Maintainer',
    'Description'
  ])
    .split('\n')
    .sort()

function insideRpm(path: string): string[] {
  const format = '[%{FILEMODES:perms} %{FILEFLAGS:fflags} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES}\n]'
  const header = '%{NAME} %{VERSION}-%{RELEASE} %{ARCH} %{LICENSE} %{SUMMARY}\n%{DESCRIPTION}\n'
  const scripts = tool('rpm', ['-qp', '--scripts', path]).replace(/^\w+ scriptlet.*$/gm, '')
  return [
    // A link has no mode of its own, and nFPM writes none.
    ...tool('rpm', ['-qp', '--qf', format, path])
      .replace(/^l[-rwx]+/gm, 'link')
      .trimEnd()
      .split('\n')
      .sort(),
    tool('rpm', ['-qp', '--qf', header, path]),
    scripts.replace(/\s+/g, ' ')
  ]
}

test('the .deb of nFPM and that of dpkg-buildpackage are the same files, scripts and facts', options, async t => {
  const nfpm = await buildPackage(folder(t), 'deb', arch, true)
  assert.deepEqual(insideDeb(nfpm), insideDeb(buildWithDpkg(folder(t), true)))
})

test('the .rpm of nFPM and that of rpmbuild are the same files, scripts and facts', options, async t => {
  const nfpm = await buildPackage(folder(t), 'rpm', arch, true)
  assert.deepEqual(insideRpm(nfpm), insideRpm(await buildWithRpmbuild(folder(t), arch, true)))
})

test('lintian and rpmlint have nothing to say that is not explained', options, async t => {
  const out = folder(t)
  const deb = await buildPackage(out, 'deb', arch, true)
  const rpm = await buildPackage(out, 'rpm', arch, true)
  // A package for a test is not compressed.
  const lintian = [
    '--fail-on',
    'error,warning,info',
    '--display-info',
    '--suppress-tags',
    'uses-no-compression-for-data-tarball'
  ]
  assert.equal(tool('lintian', [...lintian, '--allow-root', deb]), '')
  assert.match(tool('rpmlint', ['-r', join(root, 'rpm/yarder.rpmlintrc'), rpm]), / 0 errors, 0 warnings/)
  assert.equal(
    tool('dpkg-parsechangelog', ['-l', join(root, 'debian/changelog'), '-S', 'Version']).trim(),
    `${statedVersions(root).get('package.json')}-1`
  )
})

test('a second build gives the same bytes', options, async t => {
  for (const format of ['deb', 'rpm'] as const) {
    const [first, second] = [
      await buildPackage(folder(t), format, arch, true),
      await buildPackage(folder(t), format, arch, true)
    ]
    assert.equal(sum(first), sum(second), format)
  }
})

test('one version everywhere', () => {
  const stated = statedVersions(root)
  assert.ok(stated.size >= 6)
  assert.deepEqual(new Set(stated.values()).size, 1, JSON.stringify([...stated]))
})

test('the manual pages are right, and know every command and every component', options, async t => {
  const tree = join(folder(t), 'root')
  await stage(tree, 'deb', arch)
  const page = (name: string): string => tool('man', ['--pager=cat', '-l', join(tree, 'usr/share/man', name)])
  for (const name of ['man1/yarder.1.gz', 'man5/yarder.yaml.5.gz'])
    assert.equal(tool('mandoc', ['-T', 'lint', '-W', 'warning', join(tree, 'usr/share/man', name)]), '')
  assert.match(page('man1/yarder.1.gz'), /yarder reload/)
  assert.match(page('man5/yarder.yaml.5.gz'), /outputs: elasticsearch/)
  for (const script of [
    'bash-completion/completions/yarder',
    'fish/vendor_completions.d/yarder.fish',
    'zsh/vendor-completions/_yarder'
  ])
    assert.match(readFileSync(join(tree, 'usr/share', script), 'utf8'), /reload/)
})
