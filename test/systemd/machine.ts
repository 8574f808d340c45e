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
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync
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
  /** `systemctl reboot`: settles when it is up again, with what lay on its disk; what was in memory is lost. */
  reboot(): Promise<void>
}

const HOST_PACKAGES = ['systemd-container', 'mmdebstrap']
const SUITE = 'bookworm'
/** What a Debian server has at least, nginx whose log is tailed, polkit for checks that act, testinfra, and what Red Hat installs packages with. */
const PACKAGES =
  'systemd-sysv,dbus,curl,procps,libatomic1,libstdc++6,ca-certificates,adduser,init-system-helpers,logrotate,nginx-light,polkitd,python3-testinfra,dnf,rpm'

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
function rootfs(): Promise<string> {
  const name = `${SUITE}-${createHash('sha256').update(PACKAGES).digest('hex').slice(0, 8)}`
  const folder = fileURLToPath(new URL('../../.cache/systemd', import.meta.url))
  const path = join(folder, name)
  return exclusively('rootfs', async () => {
    if (existsSync(path)) return path
    mkdirSync(folder, { recursive: true })
    rmSync(`${path}.new`, { recursive: true, force: true })
    const sources = existsSync('/etc/apt/sources.list.d/debian.sources')
      ? '/etc/apt/sources.list.d/debian.sources'
      : '/etc/apt/sources.list'
    const options = ['--variant=minbase', `--include=${PACKAGES}`, '--dpkgopt=path-exclude=/usr/share/locale/*']
    // The clock of a test machine may be anywhere.
    for (const option of ['Check-Valid-Until', 'Check-Date']) options.push(`--aptopt=Acquire::${option} "false"`)
    await run(['mmdebstrap', ...options, SUITE, `${path}.new`, sources], { timeoutMs: 600_000 })
    renameSync(`${path}.new`, path)
    return path
  })
}

/**
 * Boots a machine; it ends with the test. `files` (host path → path inside) are mounted read-only. Its root is the
 * cached one below an overlay in memory, and its network has nothing but a loopback.
 */
export async function bootMachine(t: TestContext, files: Record<string, string> = {}): Promise<Machine> {
  const root = await rootfs()
  const folder = mkdtempSync(join(tmpdir(), 'yarder-machine-'))
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '-')
  const mounted = join(folder, 'root')
  mkdirSync(mounted)
  const binds = Object.entries(files).map(([from, to]) => `--bind-ro=${from}:${to}`)
  const log = join(folder, 'console.log')
  const fd = openSync(log, 'a')
  const argv = ['--pdeathsig', 'KILL', 'unshare', '--mount', SCRIPT, name, root, mounted, ...binds]
  const script = spawn('setpriv', argv, { stdio: ['ignore', fd, fd] })
  closeSync(fd)
  const console = (): string => readFileSync(log, 'utf8').slice(-2000)
  t.after(async () => {
    await powerOff(script)
    for (const left of leftOvers(name)) {
      try {
        rmdirSync(left)
      } catch {
        // Usually it is gone by then.
      }
    }
    rmSync(folder, { recursive: true, force: true })
  })

  /** The first process of the machine, once all of it is up. */
  const up = async (before?: number): Promise<number> => {
    const leader = await until('the first process of the machine', () => {
      if (script.exitCode !== null) throw new Error(`the machine has ended: ${console()}`)
      const [, found] = processesOf(script.pid!)
      return found === before ? undefined : found
    })
    await until(
      'the machine to be up',
      async () => {
        const { out } = await enter(leader, ['systemctl', 'is-system-running'])
        return /^(running|degraded)$/m.test(out)
      },
      60_000
    ).catch((cause: unknown) => {
      throw new Error(`the machine does not come up: ${console()}`, { cause })
    })
    return leader
  }
  let leader = await up()
  return inside(
    () => leader,
    async () => {
      // The call may end with the machine.
      await enter(leader, ['systemctl', 'reboot'])
      leader = await up(leader)
    }
  )
}

const SCRIPT = fileURLToPath(new URL('machine.sh', import.meta.url))

/** nspawn and the first process of its machine, as far as they run: the script's child, and its child in a namespace. */
function processesOf(script: number): [nspawn?: number, leader?: number] {
  const [nspawn] = childrenOf(script)
  if (nspawn === undefined) return []
  const leader = childrenOf(nspawn).find(child => /^NSpid:\s+\d+\s+1$/m.test(read(`/proc/${child}/status`)))
  return leader === undefined ? [nspawn] : [nspawn, leader]
}

const childrenOf = (pid: number): number[] =>
  read(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Folders of a machine that nspawn and the script leave, the innermost first. */
const leftOvers = (name: string): string[] => [
  ...['', 'systemd', 'unified']
    .map(tree => join('/sys/fs/cgroup', tree, name))
    .filter(existsSync)
    .flatMap(group => [
      ...readdirSync(group, { recursive: true, encoding: 'utf8' })
        .map(path => join(group, path))
        .filter(path => statSync(path).isDirectory())
        .sort((one, other) => other.length - one.length),
      group
    ]),
  `/run/systemd/nspawn/propagate/${name}`
]

async function powerOff(script: ChildProcess): Promise<void> {
  const gone = (): boolean => script.exitCode !== null || script.signalCode !== null
  const kill = (pid: number | undefined, signal: NodeJS.Signals): void => {
    if (pid !== undefined) process.kill(pid, signal)
  }
  if (gone()) return
  const [nspawn, leader] = processesOf(script.pid!)
  kill(nspawn, 'SIGTERM')
  await until('the machine to power off', gone, 10_000).catch(() => {
    // A killed nspawn leaves the machine behind; its first process takes all others with it.
    kill(leader, 'SIGKILL')
    kill(nspawn, 'SIGKILL')
    script.kill('SIGKILL')
  })
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Runs a program inside, with `input` on its standard input. */
function enter(leader: number, argv: readonly string[], input?: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
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
    // It may end without having read it.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}

function inside(leader: () => number, reboot: () => Promise<void>): Machine {
  const does = (...argv: string[]): Promise<Outcome> => enter(leader(), argv)
  return {
    does,
    reboot,
    async run(...argv) {
      const { status, out, err } = await does(...argv)
      if (status !== 0)
        throw new Error(`${argv.join(' ')} ended with ${status}: ${out.slice(-2000)}${err.slice(-2000)}`)
      return out
    },
    async until(what, ...argv) {
      let last = ''
      const found = until(`${argv.join(' ')} to say ${what}`, async () => {
        const { status, out, err } = await does(...argv)
        last = out + err
        return status === 0 && what.test(out) ? out : undefined
      })
      return found.catch((error: unknown) => {
        throw new Error(`it said last: ${last.slice(-2000)}`, { cause: error })
      })
    },
    async write(path, text) {
      const { status, err } = await enter(leader(), ['tee', path], text)
      if (status !== 0) throw new Error(`writing ${path}: ${err}`)
    }
  }
}
