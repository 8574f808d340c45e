// What goes into a support bundle: each part by itself, so that one that fails leaves the others.
import { readFileSync, readlinkSync } from 'node:fs'
import { cpus, release, totalmem, uptime } from 'node:os'
import { findConfig } from '../../config/load.ts'
import { formatProblem } from '../../config/problem.ts'
import { describe } from '../../core/errors.ts'
import { version } from '../command.ts'
import type { World } from '../command.ts'
import { readConfigFile } from '../config-file.ts'
import type { ConfigFile } from '../config-file.ts'
import { askText, controlPaths } from '../control.ts'
import { findDataDir } from '../data-dir.ts'
import { examine } from '../doctor.ts'
import { listPositions } from '../positions.ts'
import { cleanLog, cleanMetrics, cleanStatus } from './clean.ts'

export interface GatherOptions {
  readonly config?: string
  readonly dataDir?: string
}

const LOG_LINES = 500
const JOURNAL_MS = 10_000
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/**
 * Names of files and their texts. A part that could not be had is a file that says why. As root it becomes the service's
 * user at its end (`yarder doctor`): open before what only root may write.
 */
export async function gather(world: World, options: GatherOptions): Promise<Map<string, string>> {
  const { unitFacts, environmentOf } = await import('../../agent/doctor.ts')
  const unit = await unitFacts(AbortSignal.timeout(JOURNAL_MS))
  const inService: World = { ...world, env: { ...environmentOf(unit), ...world.env } }
  const { config, text: configText } = await configPart(inService, options)
  const files = new Map<string, string>()
  const mask = config?.checked.mask ?? ((text: string) => text)
  const part = async (name: string, make: () => string | Promise<string>): Promise<void> => {
    try {
      files.set(name, mask(await make()))
    } catch (error) {
      files.set(name, mask(`not available: ${describe(error)}\n`))
    }
  }
  await part('config.yaml', () => configText)
  await part('version.json', () => json(versions(world)))
  await part('host.txt', hostPart)
  const dir = await findDataDir(inService, options.dataDir, options.config).catch(() => undefined)
  const sockets = controlPaths(inService.env, dir?.path)
  await part('status.json', async () => json(cleanStatus(JSON.parse(await askText(sockets, 'status')))))
  await part('metrics.txt', async () => cleanMetrics(await askText(sockets, 'metrics')))
  await part('positions.json', async () => {
    if (dir === undefined) throw new Error('no data directory is known')
    return json(await listPositions({ ...inService, err: () => {} }, dir))
  })
  await part('log.txt', async () => cleanLog(await journal()) || `${elsewhere(files.get('status.json'))}\n`)
  await part('service.txt', () => (unit === undefined ? 'not installed\n' : serviceLimits(unit('MainPID'))))
  await part('doctor.json', async () => json(await examine(world, options)))
  return files
}

interface ConfigPart {
  readonly config?: ConfigFile
  readonly text: string
}

async function configPart(world: World, { config: explicit }: GatherOptions): Promise<ConfigPart> {
  try {
    const config = await readConfigFile(explicit, world.env)
    const { dump } = await import('../../config/checked.ts')
    const told = [...config.problems, ...config.warnings].map(p => `# ${formatProblem(p)}\n`).join('')
    return { config, text: told + dump(config.checked) }
  } catch (error) {
    const looked = findConfig(explicit, world.env).places.map(p => `${p.path}: ${p.state}`)
    return { text: `# ${describe(error)}\n# ${looked.join('\n# ')}\n` }
  }
}

const versions = ({ env }: World): object => ({
  yarder: version(),
  node: process.versions.node,
  v8: process.versions.v8,
  platform: `${process.platform}-${process.arch}`,
  kernel: release(),
  processors: cpus().length,
  memory_bytes: totalmem(),
  host_uptime_seconds: Math.round(uptime()),
  user: process.getuid?.(),
  groups: process.getgroups?.(),
  heap_limit_mb: env['YARDER_MAX_HEAP_MB']
})

/** Facts of the kernel and the distribution, none of which names the host. */
function hostPart(): string {
  const files = [
    '/etc/os-release',
    '/proc/self/limits',
    '/proc/sys/fs/inotify/max_user_watches',
    '/proc/sys/fs/inotify/max_user_instances',
    '/proc/sys/fs/file-nr',
    '/proc/loadavg',
    '/proc/meminfo',
    '/proc/pressure/io'
  ]
  return files.map(path => `== ${path}\n${read(path)}\n`).join('')
}

const serviceLimits = (pid: string): string =>
  ['limits', 'status', 'cgroup', 'io'].map(name => `== ${name}\n${read(`/proc/${pid}/${name}`)}\n`).join('')

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    return `not available: ${describe(error)}`
  }
}

/** The last lines that the service has said. */
async function journal(): Promise<string> {
  const { readJournal } = await import('../../agent/doctor.ts')
  return await readJournal(LOG_LINES, AbortSignal.timeout(JOURNAL_MS))
}

/** Where the log is when the journal has none of it; `status` is what the running agent has said. */
export function elsewhere(status = ''): string {
  const text = 'the journal has no line of yarder.service; the agent writes its log to its standard error'
  const pid = /^ {2}"pid": (\d+)/m.exec(status)?.[1]
  if (pid === undefined) return `${text}, wherever that was led by who started it`
  try {
    return `${text}, of process ${pid}: ${readlinkSync(`/proc/${pid}/fd/2`)}`
  } catch {
    return `${text}, of process ${pid}: ls -l /proc/${pid}/fd/2`
  }
}
