// Who this host and this agent are: the fields every record carries, read once at start.
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { arch, hostname, release } from 'node:os'
import type { Event } from '../core/event.ts'

/** Version of ECS whose names are used (protocols: ECS 9.4.0 is the released one; Beats still writes 8.0.0). */
const ECS_VERSION = '8.0.0'

export interface IdentityOptions {
  /** `agent.environment`; null leaves it out. */
  environment: string
  region: string | undefined
  fields: Record<string, unknown>
  tags: readonly string[]
  schema: 'logstash' | 'ecs'
  version: string
  agentId: string
  /** Root of the file system, for tests. */
  root?: string
}

/**
 * The constants of every record. In the schema `logstash` there is no `agent` object: the legacy access log patterns
 * write the browser there, and one index cannot hold both a text and an object under one name.
 */
export function identityFields(o: IdentityOptions): Event {
  const fields: Event = o.schema === 'logstash' ? { '@version': '1' } : {}
  if (o.schema === 'ecs') {
    fields['agent'] = {
      type: 'yarder',
      name: hostname(),
      version: o.version,
      id: o.agentId,
      ephemeral_id: randomBytes(8).toString('hex')
    }
  }
  fields['host'] = hostFields(o.root ?? '')
  fields['ecs'] = { version: ECS_VERSION }
  fields['app_environment'] = o.environment
  if (o.region !== undefined) fields['region'] = o.region
  if (Object.keys(o.fields).length > 0) fields['fields'] = o.fields
  if (o.tags.length > 0) fields['tags'] = [...o.tags]
  return fields
}

const ARCHITECTURES: Record<string, string> = { x64: 'x86_64', arm64: 'aarch64' }
const FAMILIES = ['debian', 'rhel', 'fedora', 'suse', 'arch', 'alpine']

function hostFields(root: string): Event {
  const release = osRelease(root)
  const likes = [release['ID'] ?? '', ...(release['ID_LIKE'] ?? '').split(' ')]
  const family = FAMILIES.find(f => likes.includes(f)) ?? release['ID']
  const name = hostname()
  return {
    name,
    hostname: name,
    id: readText(`${root}/etc/machine-id`),
    architecture: ARCHITECTURES[arch()] ?? arch(),
    containerized: containerized(root),
    os: {
      name: release['NAME'],
      version: release['VERSION'] ?? release['VERSION_ID'],
      codename: release['VERSION_CODENAME'] ?? /\(([^)]+)\)/.exec(release['VERSION'] ?? '')?.[1],
      platform: release['ID'],
      family: family === 'rhel' || family === 'fedora' ? 'redhat' : family,
      kernel: kernel()
    }
  }
}

const kernel = (): string => release()

/** NAME=value lines of os-release(5), quotes taken off. */
function osRelease(root: string): Record<string, string> {
  const text = readText(`${root}/etc/os-release`) ?? readText(`${root}/usr/lib/os-release`) ?? ''
  const out: Record<string, string> = {}
  for (const m of text.matchAll(/^([A-Z_]+)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(.*))$/gm)) {
    out[m[1]!] = (m[2]?.replace(/\\(.)/g, '$1') ?? m[3] ?? m[4] ?? '').trim()
  }
  return out
}

/** Whether PID 1 is a container's: the marker files that Docker and Podman leave, or systemd's own note. */
function containerized(root: string): boolean {
  if (existsSync(`${root}/.dockerenv`) || existsSync(`${root}/run/.containerenv`)) return true
  return readText(`${root}/run/systemd/container`) !== undefined
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}
