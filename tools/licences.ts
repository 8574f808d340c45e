// Holds the licences of what is shipped to those that may be shipped, as the lockfile says; and asks npm for known holes.
//
//   npm run licences    1 when a package that is shipped has another licence, or none
//   npm run audit       1 when npm knows a hole in one; NOT CHECKED, said as that, when the registry does not answer
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Licences that ask for no more than to be named, which the packages' copyright file does. */
const ALLOWED = new Set(['MIT', 'MIT-0', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD'])

interface Locked {
  readonly version: string
  readonly license?: string
  readonly dev?: boolean
}

/** Of a lockfile: what is shipped and may not be, a line each; and how many are shipped. */
export function strangeLicences(lockfile: string): { readonly strange: readonly string[]; readonly shipped: number } {
  const { packages } = JSON.parse(lockfile) as { packages: Readonly<Record<string, Locked>> }
  const shipped = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true)
  const strange = shipped
    .filter(([, { license }]) => !ALLOWED.has(license ?? ''))
    .map(
      ([path, { version, license }]) =>
        `${path.replace(/^.*node_modules\//, '')} ${version}: ${license ?? 'no licence'}`
    )
  return { strange, shipped: shipped.length }
}

function licences(): number {
  const { strange, shipped } = strangeLicences(readFileSync(`${ROOT}/package-lock.json`, 'utf8'))
  for (const line of strange) console.error(`may not be shipped: ${line}`)
  if (strange.length === 0) console.log(`${shipped} packages are shipped, each under ${[...ALLOWED].join(', ')}`)
  return strange.length === 0 ? 0 : 1
}

interface Audit {
  readonly metadata?: { readonly vulnerabilities?: { readonly total?: number } }
}

/** What npm's answer says: the number of known holes; undefined when it is no answer. */
export function holesIn(answer: string): number | undefined {
  try {
    return (JSON.parse(answer) as Audit).metadata?.vulnerabilities?.total
  } catch {
    return undefined
  }
}

function audit(): number {
  let answer: string
  try {
    answer = execFileSync('npm', ['audit', '--omit=dev', '--json'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 120_000
    })
  } catch (error) {
    answer = (error as { stdout?: string }).stdout ?? ''
  }
  const holes = holesIn(answer)
  if (holes === undefined) {
    console.error('NOT CHECKED: the registry has not answered npm audit')
    return 0
  }
  console.log(`npm audit knows ${holes} holes in what is shipped`)
  if (holes > 0) console.error(answer)
  return holes > 0 ? 1 : 0
}

if (import.meta.main) process.exitCode = process.argv[2] === 'audit' ? audit() : licences()
