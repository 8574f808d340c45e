// What runs on a host and what it logs, seen in its files alone: nothing is connected to and no program is asked.
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

export interface Host {
  /** True when a file matches the pattern, which is absolute; a folder that may not be listed has none. */
  has(pattern: string): boolean
  /** `nginx` of `nginx.service`: what runs in a unit of its own, or starts with the host. */
  readonly units: ReadonlySet<string>
  /** Ports of TCP that something listens on. */
  readonly ports: ReadonlySet<number>
}

/** Looks at the host whose root file system stands at `root`. */
export function lookAtHost(root: string): Host {
  const under = (path: string): string => join(root, path)
  return {
    has: pattern => matches(under(pattern)),
    units: new Set([...enabledUnits(under('/etc/systemd/system')), ...runningUnits(under('/proc'))]),
    ports: new Set([...listening(under('/proc/net/tcp')), ...listening(under('/proc/net/tcp6'))])
  }
}

function matches(pattern: string): boolean {
  try {
    return /[*?[{]/.test(pattern) ? globSync(pattern).length > 0 : existsSync(pattern)
  } catch {
    return false
  }
}

/** Links in `*.target.wants`, as systemctl enable makes them. */
function enabledUnits(folder: string): string[] {
  const wants = names(folder).filter(name => name.endsWith('.wants'))
  return wants.flatMap(name => names(join(folder, name))).flatMap(unitName)
}

/** From the control group of each process: `0::/system.slice/nginx.service` (cgroups(7)). */
function runningUnits(proc: string): string[] {
  return names(proc)
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => read(join(proc, pid, 'cgroup')).split('\n'))
    .filter(line => line.includes('/system.slice/'))
    .flatMap(line => unitName(basename(line)))
}

/** `postgresql` of `postgresql@15-main.service`; none of what is no service. */
const unitName = (name: string): string[] => {
  const found = /^([\w.-]+?)(?:@[^/]*)?\.service$/.exec(name)
  return found === null ? [] : [found[1]!]
}

/** Local ports in the state LISTEN (proc_pid_net(5), "tcp"). */
function listening(path: string): number[] {
  return read(path)
    .split('\n')
    .slice(1)
    .flatMap(line => {
      const [, local = '', , state] = line.trim().split(/\s+/, 4)
      return state === '0A' ? [Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16)] : []
    })
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
