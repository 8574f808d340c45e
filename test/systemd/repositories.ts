// Signed repositories of both kinds, in a folder that a web server can serve as it is.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { tool } from '../../tools/package/stage.ts'

/** A key of GnuPG for one test, in a home of its own. */
export interface Key {
  /** Its fingerprint. */
  readonly id: string
  readonly env: { readonly GNUPGHOME: string }
  /** The public half, as people import it. */
  readonly text: string
  /** Ends the agent that gpg has started. */
  forget(): void
}

export function makeKey(folder: string): Key {
  mkdirSync(folder, { mode: 0o700 })
  const env = { GNUPGHOME: folder }
  const gpg = (...args: string[]): string => tool('gpg', ['--batch', '--quiet', ...args], { env })
  gpg('--passphrase', '', '--quick-generate-key', 'yarder test', 'rsa3072', 'sign', '1d')
  const id = /^fpr:+([0-9A-F]+):/m.exec(gpg('--with-colons', '--list-keys'))![1]!
  return { id, env, text: gpg('--armor', '--export'), forget: () => void tool('gpgconf', ['--kill', 'all'], { env }) }
}

/** Adds a .deb to the repository in `folder`, which is made at the first time. */
export function addDeb(folder: string, deb: string, key: Key): void {
  mkdirSync(join(folder, 'conf'), { recursive: true })
  const facts = {
    Codename: 'sid',
    Suite: 'unstable',
    Components: 'main',
    Architectures: 'amd64 arm64',
    SignWith: key.id
  }
  const text = Object.entries(facts).map(([name, value]) => `${name}: ${value}\n`)
  writeFileSync(join(folder, 'conf/distributions'), text.join(''))
  writeFileSync(join(folder, 'key.asc'), key.text)
  tool('reprepro', ['-b', folder, 'includedeb', 'sid', deb], { env: key.env })
}

/** Adds .rpms to the repository in `folder`, signed, and describes it anew. */
export function addRpms(folder: string, rpms: readonly string[], key: Key): void {
  mkdirSync(folder, { recursive: true })
  for (const rpm of rpms) {
    const own = join(folder, basename(rpm))
    copyFileSync(rpm, own)
    tool('rpmsign', ['--define', `_gpg_name ${key.id}`, '--define', '__gpg /usr/bin/gpg', '--addsign', own], {
      env: key.env
    })
  }
  tool('createrepo_c', ['--quiet', '--compress-type=gz', folder])
  const index = join(folder, 'repodata/repomd.xml')
  tool('gpg', ['--batch', '--yes', '--armor', '--detach-sign', index], { env: key.env })
  writeFileSync(join(folder, 'key.asc'), key.text)
}

/**
 * A package that only claims to be what a Red Hat system has: no such system can be had for a test, so dnf installs
 * on a Debian, whose own libraries rpm knows nothing of.
 */
export function standIn(folder: string, forRpm: string): string {
  const needed = tool('rpm', ['-qp', '--requires', forRpm])
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('rpmlib('))
  mkdirSync(folder, { recursive: true })
  const spec = join(folder, 'base.spec')
  const provides = [...new Set(needed)].filter(line => !line.startsWith('config(')).map(line => `Provides: ${line}\n`)
  writeFileSync(
    spec,
    `Name: base\nVersion: 1\nRelease: 1\nSummary: Stand-in\nLicense: none\nBuildArch: noarch\n${provides.join('')}%description\nStand-in.\n%files\n`
  )
  tool('rpmbuild', ['-bb', '--define', `_topdir ${folder}`, spec])
  return join(folder, 'RPMS/noarch/base-1-1.noarch.rpm')
}
