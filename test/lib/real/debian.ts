// Real programs from Debian's packages: installed in continuous integration, asked for on a user's machine.
import { access, rm, writeFile } from 'node:fs/promises'
import { exclusively, inCi, run } from './process.ts'

const policy = '/usr/sbin/policy-rc.d'

/**
 * Makes sure that Debian packages are installed. Answers undefined when they are, else the reason to skip a test,
 * with the command that would help. With CI=true it installs what is missing (as root) and throws where it can't.
 * No service is started by an installation: invoke-rc.d asks policy-rc.d first, and 101 means no.
 */
export async function debianPackage(names: readonly string[]): Promise<string | undefined> {
  const missing = await notInstalled(names)
  if (missing.length === 0) return undefined
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`
  if (!inCi()) return `needs Debian packages: ${command}`
  if (process.getuid?.() !== 0) throw new Error(`needs root to run: ${command}`)
  await exclusively('apt', async () => {
    const still = await notInstalled(names)
    if (still.length > 0) await withoutServices(() => install(still))
  })
  return undefined
}

async function notInstalled(names: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    names.map(async name => {
      const status = await run(['dpkg-query', '-W', '-f', '${db:Status-Status}', name]).catch(() => 'absent')
      return status === 'installed'
    })
  )
  return names.filter((_, index) => found[index] !== true)
}

async function install(names: readonly string[]): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }
  const waiting = ['-q', '-o', 'DPkg::Lock::Timeout=300']
  await run(['apt-get', ...waiting, 'update'], { env })
  await run(['apt-get', ...waiting, 'install', '-y', '--no-install-recommends', ...names], { env, timeoutMs: 600_000 })
}

async function withoutServices(task: () => Promise<void>): Promise<void> {
  const hasPolicy = await access(policy).then(
    () => true,
    () => false
  )
  if (hasPolicy) return task()
  await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await task()
  } finally {
    await rm(policy)
  }
}
