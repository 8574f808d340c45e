// argv → cli. The only place that ends the process and takes signals.
import { writeSync } from 'node:fs'
import { runCli } from './cli/cli.ts'
import { forJournal, leadsToJournal } from './service/journal.ts'
import { createLog, levelName, parseLevel } from './service/log.ts'
import { createLineWriter } from './service/stderr.ts'

const MIN_NODE = 26
const major = Number(process.versions.node.split('.')[0])

function main(): void {
  // What ps and systemctl show; else it would be the name of a thread of Node.
  process.title = 'yarder'
  if (major < MIN_NODE) {
    process.stderr.write(
      `yarder: needs Node ${MIN_NODE} or later, this is ${process.version}; start it with bin/yarder, which brings its own\n`
    )
    process.exit(1)
  }
  // Set up before anything can go wrong, the command line included.
  const writer = createLineWriter(2)
  const journal = leadsToJournal(2, process.env)
  const level = parseLevel(process.env['LOGLEVEL'] ?? '')
  const logs = createLog({
    format: 'text',
    level: level === undefined ? 'info' : levelName(level),
    environment: process.env['APP_ENVIRON'] || 'DEVEL',
    writer,
    journal,
    terminal: process.stderr.isTTY
  })

  const end = (status: number): void => {
    logs.flush()
    writer.flush(500).then(
      () => process.exit(status),
      () => process.exit(status)
    )
  }
  process.on('uncaughtException', error => {
    logs.root.error({ err: error }, 'The agent ends by a bug.')
    end(1)
  })
  process.on('unhandledRejection', error => {
    logs.root.error({ err: error }, 'The agent ends by a bug.')
    end(1)
  })
  // A reader that went away (`yarder parse … | head`) is the end of the work, not a failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'EPIPE' ? 0 : 1))

  runCli(process.argv.slice(2), {
    env: process.env,
    out: text => {
      if (!writeAll(1, text)) end(0)
    },
    err: text => writer.write(journal ? forJournal(text) : text),
    terminal: process.stdout.isTTY,
    colour: process.stdout.isTTY && !process.env['NO_COLOR'],
    logs,
    end,
    onSignal: (signal, act) => {
      process.on(signal, act)
      return () => void process.off(signal, act)
    }
  }).then(end, error => {
    logs.root.error({ err: error }, 'The agent ends by a bug.')
    end(1)
  })
}

/**
 * Writes a command's result before anything else happens: process.stdout would keep what a slow reader has not taken in
 * memory, and lose it at the end. False when nobody reads any more.
 */
function writeAll(fd: number, text: string): boolean {
  const bytes = Buffer.from(text)
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EPIPE') return false
      if (code !== 'EAGAIN') throw error
      Atomics.wait(pause, 0, 0, 5)
    }
  }
  return true
}

main()
