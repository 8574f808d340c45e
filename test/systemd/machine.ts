// A whole machine with systemd as its first process, in systemd-nspawn: for tests, thrown away afterwards.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { debianPackage } from '../lib/real/debian.ts'
import { exclusively, run, until } from '../lib/real/process.ts'

/** What a command came to. */
export interface Outcome {
  readonly status: number
  readonly out: string
  readonly err: string
}

export interface Machine {
  /** Runs a program inside as root and answers what it came to, whatever that is. */
  does(...argv: string[]): Promise<Outcome>
  /** The same for one that must succeed; its standard output. */
  run(...argv: string[]): Promise<string>
  /** Waits until a program inside succeeds and prints something that fits. */
  until(what: RegExp, ...argv: string[]): Promise<string>
  /** Writes a file inside. */
  write(path: string, text: string): Promise<void>
}

const HOST_PACKAGES = ['systemd-container', 'mmdebstrap']
const SUITE = 'bookworm'
/** What a Debian server has at least, nginx whose log is tailed, polkit for checks that act, and what Red Hat installs packages with. */
const PACKAGES =
  'systemd-sysv,dbus,curl,procps,libatomic1,libstdc++6,ca-certificates,adduser,init-system-helpers,logrotate,nginx-light,polkitd,dnf,rpm'

/** Why no machine can be started here; undefined when one can. With CI=true that is an error. */
export async function noMachine(): Promise<string | undefined> {
  const reason =
    process.getuid?.() === 0
      ? await debianPackage(HOST_PACKAGES)
      : 'needs root, for containers: sudo npm run test:systemd'
  if (reason !== undefined && process.env['CI'] === 'true') throw new Error(reason)
  return reason
}

/** The root file system, made once by mmdebstrap from the package sources of this host, and never written to. */
function rootfs(more: readonly string[]): Promise<string> {
  const packages = [PACKAGES, ...more].join(',')
  const name = `${SUITE}-${createHash('sha256').update(packages).digest('hex').slice(0, 8)}`
  const folder = fileURLToPath(new URL('../../.cache/systemd', import.meta.url))
  const path = join(folder, name)
  return exclusively('rootfs', async () => {
    if (existsSync(path)) return path
    mkdirSync(folder, { recursive: true })
    rmSync(`${path}.new`, { recursive: true, force: true })
    const sources = existsSync('/etc/apt/sources.list.d/debian.sources')
      ? '/etc/apt/sources.list.d/debian.sources'
      : '/etc/apt/sources.list'
    const options = ['--variant=minbase', `--include=${packages}`, '--dpkgopt=path-exclude=/usr/share/locale/*']
    // The clock of a test machine may be anywhere.
    for (const option of ['Check-Valid-Until', 'Check-Date']) options.push(`--aptopt=Acquire::${option} "false"`)
    await run(['mmdebstrap', ...options, SUITE, `${path}.new`, sources], { timeoutMs: 600_000 })
    renameSync(`${path}.new`, path)
    return path
  })
}

/**
 * Boots a machine; it ends with the test. `files` (host path → path inside) are mounted read-only. Its root is the
 * cached one below an overlay in memory, and its network has nothing but a loopback. `more` are packages of Debian
 * besides, for which a root of its own is made.
 */
export async function bootMachine(
  t: TestContext,
  files: Record<string, string> = {},
  more: readonly string[] = []
): Promise<Machine> {
  const root = await rootfs(more)
  // All machines share one control group (--keep-unit), in which only one systemd can be at home.
  const over = Promise.withResolvers<void>()
  const mine = Promise.withResolvers<void>()
  const turn = exclusively('machine', () => {
    mine.resolve()
    return over.promise
  })
  await mine.promise
  const folder = mkdtempSync(join(tmpdir(), 'yarder-machine-'))
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '-')
  const binds = Object.entries(files).map(([from, to]) => `--bind-ro=${from}:${to}`)
  const log = join(folder, 'console.log')
  const fd = openSync(log, 'a')
  // Without a running systemd on the host there is nobody to register with (--register, --keep-unit). A test that is
  // killed takes the machine with it (--pdeathsig).
  const nspawn = spawn(
    'setpriv',
    // prettier-ignore
    ['--pdeathsig', 'TERM', 'systemd-nspawn', '-D', root, '--boot', '--volatile=overlay', `--machine=${name}`,
      '--register=no', '--keep-unit', '--kill-signal=SIGRTMIN+3', '--console=pipe', '--link-journal=no',
      '--resolv-conf=off', '--timezone=off', '--private-network', ...binds],
    { stdio: ['ignore', fd, fd], env: { ...process.env, TMPDIR: folder } }
  )
  closeSync(fd)
  const console = (): string => readFileSync(log, 'utf8').slice(-2000)
  let leader = 0
  t.after(async () => {
    await powerOff(nspawn, () => leader)
    try {
      rmdirSync(`/run/systemd/nspawn/propagate/${name}`)
    } catch {
      // Usually nspawn has done it.
    }
    rmSync(folder, { recursive: true, force: true })
    over.resolve()
    await turn
  })
  leader = await until('the first process of the machine', () => {
    if (nspawn.exitCode !== null) throw new Error(`systemd-nspawn ended: ${console()}`)
    return leaderOf(nspawn.pid!)
  })
  const machine = inside(leader)
  await until(
    `the machine to be up (${console()})`,
    async () => {
      const { out } = await machine.does('systemctl', 'is-system-running')
      return /^(running|degraded)$/m.test(out)
    },
    60_000
  )
  return machine
}

/** The child of nspawn that is process 1 in a namespace of its own. */
function leaderOf(pid: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
    return children.map(Number).find(child => /^NSpid:\s+\d+\s+1$/m.test(readFileSync(`/proc/${child}/status`, 'utf8')))
  } catch {
    return undefined
  }
}

async function powerOff(nspawn: ChildProcess, leader: () => number): Promise<void> {
  const gone = (): boolean => nspawn.exitCode !== null || nspawn.signalCode !== null
  nspawn.kill('SIGTERM')
  await until('the machine to power off', gone, 10_000).catch(() => {
    // A killed nspawn leaves the machine behind; its first process takes all others with it.
    if (leader() > 1) process.kill(leader(), 'SIGKILL')
    nspawn.kill('SIGKILL')
  })
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

function inside(leader: number): Machine {
  const enter = (argv: readonly string[], input?: string): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      const env = [`PATH=${PATH}`, 'HOME=/root', 'LANG=C.UTF-8', 'DEBIAN_FRONTEND=noninteractive', 'SYSTEMD_PAGER=']
      // timeout(1) must be inside: who kills nsenter does not kill what it has started in another process namespace.
      const all = ['-t', String(leader), '-a', 'env', '-i', ...env, 'timeout', '-k', '5', '120', ...argv]
      const child = spawn('nsenter', all, { stdio: 'pipe' })
      let out = ''
      let err = ''
      child.stdout.on('data', chunk => (out += String(chunk)))
      child.stderr.on('data', chunk => (err += String(chunk)))
      child.on('error', reject)
      child.on('close', status => resolve({ status: status ?? -1, out, err }))
      child.stdin.end(input)
    })
  const machine: Machine = {
    does: (...argv) => enter(argv),
    async run(...argv) {
      const { status, out, err } = await enter(argv)
      if (status !== 0)
        throw new Error(`${argv.join(' ')} ended with ${status}: ${out.slice(-2000)}${err.slice(-2000)}`)
      return out
    },
    async until(what, ...argv) {
      let last = ''
      const found = until(`${argv.join(' ')} to say ${what}`, async () => {
        const { status, out, err } = await enter(argv)
        last = out + err
        return status === 0 && what.test(out) ? out : undefined
      })
      return found.catch((error: unknown) => {
        throw new Error(`it said last: ${last.slice(-2000)}`, { cause: error })
      })
    },
    async write(path, text) {
      const { status, err } = await enter(['tee', path], text)
      if (status !== 0) throw new Error(`writing ${path}: ${err}`)
    }
  }
  return machine
}
