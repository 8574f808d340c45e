// What the sandbox of a service shows the agent in the place of what the host has, and what opens it.
import { accessSync, constants, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, errnoOf } from '../core/errors.ts'
import { mountOf, parseMounts } from '../core/mounts.ts'

/** Where the packages put what gives the service more rights. */
export const DROP_INS = '/usr/share/yarder/drop-ins'
const SEE_HOST = `${DROP_INS}/see-host.conf`
/** Stands for every account that a user namespace has no number for (user_namespaces(7)). */
const NOBODY = 65_534

/**
 * Why a path that the agent does not find may be there for others, as with a `/tmp` of the service's own; undefined when
 * it is the host's. `path` is absolute; `proc` is where the kernel shows its processes.
 */
export function elsewhere(path: string, proc = '/proc'): string | undefined {
  const placeFor = (pid: string): string | undefined => {
    const mount = mountOf(parseMounts(readFileSync(join(proc, pid, 'mountinfo'), 'utf8')), path)
    return mount && `${mount.device} ${join(mount.root, path.slice(mount.point.length))}`
  }
  try {
    if (placeFor('self') === placeFor('1')) return undefined
  } catch {
    return undefined
  }
  return `the service does not see the host's ${path} (PrivateTmp= and its like); the drop-in ${SEE_HOST} lets it`
}

/** Why an owner cannot be told; undefined when it can. `id` is the number that the agent was given for it. */
export function ownerHidden(id: number, proc = '/proc'): string | undefined {
  if (id !== NOBODY) return undefined
  // Outside of all namespaces it is one line: `0 0 4294967295`.
  const everybody = /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync(join(proc, 'self/uid_map'), 'latin1'))
  return everybody ? undefined : `the service does not see owners (PrivateUsers=); the drop-in ${SEE_HOST} lets it`
}

/** Why others' processes cannot be counted; undefined when they can. The first process of a host is always there. */
export function processesHidden(proc: string): string | undefined {
  try {
    accessSync(join(proc, '1/comm'), constants.R_OK)
    return undefined
  } catch {
    return 'the processes of others are hidden from the service (ProtectProc=, or hidepid of /proc)'
  }
}

/** An error of the file system; when the agent may not look, with what would let it. */
export function notSeen(error: unknown): string {
  const denied = ['EACCES', 'EPERM'].includes(errnoOf(error))
  return denied
    ? `${describe(error)}; the drop-in ${DROP_INS}/read-all-files.conf lets the service look`
    : describe(error)
}
