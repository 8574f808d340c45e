// The version of a release and its day: package.json says the first, debian/changelog the second; `--check` compares all places.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Release {
  readonly version: string
  /** Seconds since the epoch: the time of all files in a package, `SOURCE_DATE_EPOCH` where that is set. */
  readonly epoch: number
  /** ISO day. */
  readonly date: string
}

const json = (root: string, file: string): { version: string } =>
  JSON.parse(readFileSync(join(root, file), 'utf8')) as { version: string }

/** Throws when debian/changelog has no entry that can be read. */
export function release(root: string): Release {
  const { time } = debianEntry(root)
  const epoch = Number(process.env['SOURCE_DATE_EPOCH'] ?? time)
  return { version: json(root, 'package.json').version, epoch, date: new Date(epoch * 1000).toISOString().slice(0, 10) }
}

/** The newest entry of debian/changelog, as deb-changelog(5) lays it out. */
function debianEntry(root: string): { version: string; time: number } {
  const text = readFileSync(join(root, 'debian/changelog'), 'utf8')
  const version = /^yarder \((.+?)-\d+\) /.exec(text)?.[1]
  const time = Date.parse(/^ -- .+ <.+> {2}(.+)$/m.exec(text)?.[1] ?? '') / 1000
  if (version === undefined || Number.isNaN(time)) throw new Error('debian/changelog: its first entry cannot be read')
  return { version, time }
}

/** Who answers for the packages, with an address: debian/control says it, and all packages carry it. */
export function maintainer(root: string): string {
  const found = /^Maintainer: (.+)$/m.exec(readFileSync(join(root, 'debian/control'), 'utf8'))?.[1]
  if (found === undefined) throw new Error('debian/control names no maintainer')
  return found
}

/** Place → version, of every place that states one. */
export function statedVersions(root: string): Map<string, string> {
  const spec = readFileSync(join(root, 'rpm/yarder.spec'), 'utf8')
  const told = execFileSync(join(root, 'bin/yarder'), ['--version'], { encoding: 'utf8' })
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
  const { version } = json(root, 'package.json')
  const entry = /^## (\S+)/m.exec(changelog)?.[1] ?? 'none'
  return new Map([
    ['package.json', version],
    ['package-lock.json', json(root, 'package-lock.json').version],
    ['debian/changelog', debianEntry(root).version],
    ['rpm/yarder.spec', /^Version:\s*(\S+)$/m.exec(spec)?.[1] ?? 'none'],
    ['yarder --version', told.trim().split(' ')[1] ?? 'none'],
    // What is not released yet has no version there.
    ['CHANGELOG.md', entry === 'Unreleased' ? version : entry]
  ])
}

if (import.meta.main) {
  const stated = statedVersions(fileURLToPath(new URL('../..', import.meta.url)))
  const wanted = stated.get('package.json')!
  for (const [place, version] of stated) {
    if (version === wanted) continue
    console.error(`${place} says ${version}, package.json ${wanted}`)
    process.exitCode = 1
  }
  if (process.exitCode === undefined) console.log(`${wanted} everywhere: ${[...stated.keys()].join(', ')}`)
}
