// Real Elasticsearch and OpenSearch nodes for tests, made of jars that Maven brings.
//
// What was found out by running them (2026-11, JDK 17):
// - The codelibs cluster runner for Elasticsearch ends at 7.10.2 on Central. Elastic publishes the server itself and the
//   module transport-netty4 there up to today's 8.19 and 9.x, which is enough for HTTP; 9.x needs JDK 21.
// - Central lacks the other modules: no GET / (RootPlugin.java stands in), no data stream API, no ingest processors, no
//   x-pack (security, ILM, built-in templates). Bulk, mappings, templates, back-pressure and size limits are the server's own.
// - A node inside our own main doesn't mind root, needs no JNA and no --add-opens. Modules are read from the folder
//   path.home/modules; their `modulename` must be left out, as the server is on the class path.
// - Any setting goes as name=value: http.max_content_length=1mb gives 413 (by uncompressed size), thread_pool.write.size=1
//   with thread_pool.write.queue_size=1 gives 429 under 60 parallel requests, for items and for whole requests.
// - A node lives for seconds: with the first compiler alone and the serial collector its start costs half the CPU time.
// - Port 0 works for both http.port and transport.port, so no port is guessed.
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { debianPackage } from './debian.ts'
import { exclusively, inCi, run, start, until } from './process.ts'

export type Flavour = 'elasticsearch-8.19' | 'opensearch-2.19'

/** A running node. `settings` is what it was started with, defaults included. */
export interface Elasticsearch {
  readonly url: string
  readonly version: string
  readonly pid: number
  readonly logFile: string
  readonly settings: Readonly<Record<string, string>>
  /** SIGTERM, SIGKILL after 10 s; removes the data. May be called twice. */
  stop(): Promise<void>
}

interface Recipe {
  readonly main: string
  /** Maven coordinates, group:artifact:version. */
  readonly artifacts: readonly string[]
  /** Jars that belong into a module folder of the server, by the start of their names. */
  readonly module?: { readonly name: string; readonly classname: string; readonly jars: RegExp }
  readonly version: string
}

const recipes: Record<Flavour, Recipe> = {
  'elasticsearch-8.19': {
    main: 'ElasticsearchPeer',
    artifacts: ['org.elasticsearch:elasticsearch:8.19.21', 'org.elasticsearch.plugin:transport-netty4:8.19.21'],
    module: {
      name: 'transport-netty4',
      classname: 'org.elasticsearch.transport.netty4.Netty4Plugin',
      jars: /^(transport-netty4|netty)-/
    },
    version: '8.19.21'
  },
  'opensearch-2.19': {
    main: 'OpenSearchPeer',
    artifacts: [
      'org.opensearch:opensearch:2.19.6',
      'org.opensearch.plugin:transport-netty4-client:2.19.6',
      'org.apache.logging.log4j:log4j-core:2.25.4' // optional in the server's own list, needed all the same
    ],
    version: '2.19.6'
  }
}

const sources = fileURLToPath(new URL('./peer/', import.meta.url))
const cache = fileURLToPath(new URL('../../../.cache/peers/', import.meta.url))
const jvm = ['-Xms512m', '-Xmx1g', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
const tools = ['maven', 'openjdk-17-jdk-headless']

/**
 * Makes a flavour ready to start. Answers undefined, or on a user's machine the reason to skip: Java, Maven or the way to
 * Central is missing. With CI=true it throws instead.
 */
export async function elasticsearchMissing(flavour: Flavour): Promise<string | undefined> {
  try {
    const reason = await withTools()
    if (reason !== undefined) return reason
    await prepare(flavour)
    return undefined
  } catch (error) {
    if (inCi()) throw error
    return `preparing ${flavour} failed: ${String(error)}`
  }
}

async function withTools(): Promise<string | undefined> {
  const versions = await Promise.allSettled([run(['mvn', '--version']), run(['javac', '-version'])])
  if (versions.every(version => version.status === 'fulfilled')) return undefined
  return debianPackage(tools)
}

/** Starts a node on a free port of 127.0.0.1 and waits until it is green or yellow. Call elasticsearchMissing() first. */
export async function startElasticsearch(options: {
  flavour: Flavour
  settings?: Record<string, string>
}): Promise<Elasticsearch> {
  const home = await prepare(options.flavour)
  const work = await mkdtemp(join(tmpdir(), 'yarder-peer-'))
  const settings = {
    'cluster.name': 'peer',
    'node.name': 'peer',
    'discovery.type': 'single-node',
    'network.host': '127.0.0.1',
    'http.port': '0',
    'transport.port': '0',
    'cluster.routing.allocation.disk.threshold_enabled': 'false', // a developer's full disk is not what is tested
    ...options.settings,
    'path.home': join(home, 'home'),
    'path.data': join(work, 'data'),
    'path.logs': join(work, 'logs')
  }
  await mkdir(settings['path.logs'])
  const args = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  const classPath = `${join(home, 'classes')}:${join(home, 'lib')}/*`
  const node = await start(['java', ...jvm, '-cp', classPath, recipes[options.flavour].main, ...args], {
    logFile: join(work, 'node.log'),
    cwd: work
  })
  const stop = async (): Promise<void> => {
    await node.stop()
    await rm(work, { recursive: true, force: true })
  }
  try {
    const port = await until(
      `${options.flavour} to listen`,
      async () => {
        node.check()
        return readFile(join(settings['path.logs'], 'port'), 'utf8').catch(() => undefined)
      },
      120_000
    )
    const url = `http://127.0.0.1:${port}`
    await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=60s`).then(mustBeOk)
    const root = (await fetch(url).then(mustBeOk)) as { version: { number: string } }
    return { url, version: root.version.number, pid: node.pid, logFile: node.logFile, settings, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function mustBeOk(response: Response): Promise<unknown> {
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${text.slice(0, 500)}`)
  return JSON.parse(text)
}

/** Gives the folder with lib, classes and home; it is renamed to its name when complete, so half of one is never used. */
async function prepare(flavour: Flavour): Promise<string> {
  const recipe = recipes[flavour]
  const files = [`${recipe.main}.java`, 'RootPlugin.java', 'log4j2.properties']
  const contents = await Promise.all(files.map(file => readFile(join(sources, file), 'utf8')))
  const key = createHash('sha256')
    .update(JSON.stringify([recipe, contents]))
    .digest('hex')
    .slice(0, 12)
  const home = join(cache, `${flavour}-${key}`)
  const complete = (): Promise<boolean> =>
    stat(home).then(
      () => true,
      () => false
    )
  if (await complete()) return home
  // One at a time for both flavours: Maven's local repository is not made for two writers.
  await exclusively('maven', async () => {
    if (await complete()) return
    const half = join(cache, `${flavour}.half`)
    await rm(half, { recursive: true, force: true })
    await mkdir(join(half, 'home', 'config'), { recursive: true })
    await bringJars(recipe, half)
    await compile(recipe, half)
    await rename(half, home)
  })
  return home
}

async function bringJars(recipe: Recipe, half: string): Promise<void> {
  await writeFile(join(half, 'pom.xml'), pom(recipe))
  await run(['mvn', '-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], {
    cwd: half,
    timeoutMs: 900_000
  })
}

function pom(recipe: Recipe): string {
  const dependencies = recipe.artifacts.map(artifact => {
    const [group, name, version] = artifact.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>peer</groupId><artifactId>peer</artifactId><version>1</version>
<dependencies>${dependencies.join('\n')}</dependencies>
</project>
`
}

async function compile(recipe: Recipe, half: string): Promise<void> {
  const lib = join(half, 'lib')
  const log4j = await readFile(join(sources, 'log4j2.properties'))
  await writeFile(join(half, 'home', 'config', 'log4j2.properties'), log4j)
  await run(['javac', '-cp', `${lib}/*`, '-d', join(half, 'classes'), join(sources, `${recipe.main}.java`)])
  if (recipe.module === undefined) return

  const { name, classname, jars } = recipe.module
  const folder = await moduleFolder(half, name, classname, recipe.version)
  for (const jar of await readdir(lib)) {
    if (jars.test(jar)) await rename(join(lib, jar), join(folder, jar))
  }
  const root = await moduleFolder(half, 'peer-root', 'RootPlugin', recipe.version)
  await run(['javac', '-cp', `${lib}/*`, '-d', join(half, 'root'), join(sources, 'RootPlugin.java')])
  await run(['jar', '--create', '--file', join(root, 'peer-root.jar'), '-C', join(half, 'root'), '.'])
}

async function moduleFolder(half: string, name: string, classname: string, version: string): Promise<string> {
  const folder = join(half, 'home', 'modules', name)
  await mkdir(folder, { recursive: true })
  const lines = [
    `name=${name}`,
    `description=${name}`,
    `classname=${classname}`,
    `version=${version}`,
    `elasticsearch.version=${version}`,
    'java.version=17'
  ]
  await writeFile(join(folder, 'plugin-descriptor.properties'), lines.join('\n') + '\n')
  return folder
}
