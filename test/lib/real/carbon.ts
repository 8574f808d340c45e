// Debian's carbon-cache, which writes whisper files in a folder of its own, and whisper-fetch, which reads them.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { debianPackage } from './debian.ts'
import { freePort, run, start, until } from './process.ts'

export interface Carbon {
  /** For lines, by TCP. */
  readonly port: number
  /** All values that are kept of a path, the oldest first; none when there is no such path. */
  fetch(path: string): Promise<number[]>
}

/** The reason to skip a test, or undefined. */
export const noCarbon = (): Promise<string | undefined> => debianPackage(['graphite-carbon', 'python3-whisper'])

/** Starts a carbon that keeps a value a second, and ends with the test. */
export async function startCarbon(t: TestContext): Promise<Carbon> {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-carbon-'))
  const [port, pickle, query] = await Promise.all([freePort(), freePort(), freePort()])
  const data = join(dir, 'whisper')
  mkdirSync(data)
  mkdirSync(join(dir, 'log'))
  const options = {
    STORAGE_DIR: dir,
    LOCAL_DATA_DIR: data,
    CONF_DIR: dir,
    LOG_DIR: join(dir, 'log'),
    PID_DIR: dir,
    USER: '',
    MAX_CACHE_SIZE: 'inf',
    MAX_UPDATES_PER_SECOND: 'inf',
    MAX_CREATES_PER_MINUTE: 'inf',
    ENABLE_TAGS: 'False',
    LINE_RECEIVER_INTERFACE: '127.0.0.1',
    LINE_RECEIVER_PORT: port,
    PICKLE_RECEIVER_INTERFACE: '127.0.0.1',
    PICKLE_RECEIVER_PORT: pickle,
    CACHE_QUERY_INTERFACE: '127.0.0.1',
    CACHE_QUERY_PORT: query
  }
  const lines = Object.entries(options).map(([key, value]) => `${key} = ${value}\n`)
  writeFileSync(join(dir, 'carbon.conf'), `[cache]\n${lines.join('')}`)
  writeFileSync(join(dir, 'storage-schemas.conf'), '[all]\npattern = .*\nretentions = 1s:1h\n')
  const running = await start(
    ['/usr/bin/carbon-cache', `--config=${join(dir, 'carbon.conf')}`, '--nodaemon', 'start'],
    { logFile: join(dir, 'carbon.log') }
  )
  t.after(async () => {
    await running.stop()
    rmSync(dir, { recursive: true, force: true })
  })
  await until('carbon to listen', async () => {
    running.check()
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return true
    } catch {
      return false
    } finally {
      socket.destroy()
    }
  })
  return {
    port,
    async fetch(path) {
      const file = `${join(data, ...path.split('.'))}.wsp`
      if (!existsSync(file)) return []
      const text = await run(['/usr/bin/whisper-fetch', '--drop=nulls', file])
      return text
        .trimEnd()
        .split('\n')
        .filter(line => line !== '')
        .map(line => Number(line.split('\t')[1]))
    }
  }
}
