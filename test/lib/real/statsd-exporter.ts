// Prometheus' statsd_exporter on this machine: reads StatsD in every dialect and shows what it understood.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { goMissing, goProgram } from './go.ts'
import { freePort, start, until } from './process.ts'

const folder = fileURLToPath(new URL('./peer/statsd-exporter/', import.meta.url))
const built = (): Promise<string> => goProgram(folder, 'statsd_exporter', 'github.com/prometheus/statsd_exporter')

/** As `goMissing`. */
export const statsdExporterMissing = (): Promise<string | undefined> => goMissing(built)

export interface StatsdExporter {
  /** By UDP and by TCP. */
  readonly port: number
  /** A Unix socket for datagrams. */
  readonly path: string
  /** Its page, as text. */
  page(): Promise<Buffer>
}

/** Starts one that ends with the test. Call statsdExporterMissing() first. */
export async function startStatsdExporter(t: TestContext): Promise<StatsdExporter> {
  const dir = mkdtempSync(join(tmpdir(), 'yarder-'))
  const path = join(dir, 'statsd.sock')
  const port = await freePort()
  const web = await freePort()
  const running = await start(
    [
      await built(),
      `--web.listen-address=127.0.0.1:${web}`,
      `--statsd.listen-udp=127.0.0.1:${port}`,
      `--statsd.listen-tcp=127.0.0.1:${port}`,
      `--statsd.listen-unixgram=${path}`
    ],
    { logFile: join(dir, 'log') }
  )
  t.after(async () => {
    await running.stop()
    rmSync(dir, { recursive: true, force: true })
  })
  const page = async (): Promise<Buffer> => {
    const answer = await fetch(`http://127.0.0.1:${web}/metrics`)
    return Buffer.from(await answer.arrayBuffer())
  }
  await until('statsd_exporter to listen', async () => {
    running.check()
    return page().then(
      () => true,
      () => false
    )
  })
  return { port, path, page }
}
