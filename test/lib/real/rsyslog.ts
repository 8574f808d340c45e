// Debian's rsyslogd, run in a folder of its own on free ports of 127.0.0.1, for syslog as a real collector understands it.
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, start, until } from './process.ts'
import type { Running } from './process.ts'

/** A message as rsyslogd took it apart. */
export interface Taken {
  readonly pri: number
  readonly time: string
  readonly host: string
  readonly app: string
  readonly proc: string
  readonly msgId: string
  readonly data: string
  readonly text: string
}

export interface RsyslogOptions {
  readonly listener: 'imudp' | 'imtcp'
  /** Speaks TLS by this driver, and wants a certificate of this authority from clients. */
  readonly tls?: { driver: 'ossl' | 'gtls'; caFile: string; certFile: string; keyFile: string }
}

export class Rsyslog {
  readonly port: number
  readonly #folder: string
  readonly #options: RsyslogOptions
  #running: Running | undefined

  constructor(port: number, folder: string, options: RsyslogOptions) {
    this.port = port
    this.#folder = folder
    this.#options = options
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** All that was taken, each as often as it came. */
  taken(): Taken[] {
    const path = join(this.#folder, 'out.log')
    if (!existsSync(path)) return []
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
    return lines.map(line => {
      const [pri, time, host, app, proc, msgId, data, ...text] = line.split('\u0001')
      return {
        pri: Number(pri),
        time: time!,
        host: host!,
        app: app!,
        proc: proc!,
        msgId: msgId!,
        data: data!,
        text: text.join('\u0001')
      }
    })
  }

  /** Starts it, again on the same port after stop(). */
  async up(): Promise<void> {
    const started = join(this.#folder, 'started')
    const config = join(this.#folder, 'rsyslog.conf')
    await rm(started, { force: true })
    await writeFile(config, configText(this.#folder, this.port, this.#options))
    this.#running = await start(['/usr/sbin/rsyslogd', '-n', '-f', config, '-i', join(this.#folder, 'pid')], {
      logFile: join(this.#folder, 'rsyslogd.log')
    })
    await until('rsyslogd to listen', () => {
      this.#running!.check()
      return listens(this.port, this.#options.listener === 'imudp' ? 'udp' : 'tcp')
    })
  }

  /** What it said about itself. */
  said(): string {
    return readFileSync(join(this.#folder, 'rsyslogd.log'), 'utf8')
  }

  /** SIGTERM. May be called twice. */
  async stop(): Promise<void> {
    await this.#running?.stop()
  }

  async remove(): Promise<void> {
    await this.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

export async function startRsyslog(options: RsyslogOptions): Promise<Rsyslog> {
  const folder = await mkdtemp(join(tmpdir(), 'yarder-rsyslog-'))
  const rsyslog = new Rsyslog(await freePort(), folder, options)
  await rsyslog.up()
  return rsyslog
}

/** Whether a socket of this port is bound, by what the kernel says: a datagram would be a message. */
function listens(port: number, protocol: 'udp' | 'tcp'): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return [protocol, `${protocol}6`].some(name => {
    const lines = readFileSync(`/proc/net/${name}`, 'utf8').split('\n').slice(1)
    return lines.some(line => {
      const [, local, , state] = line.trim().split(/\s+/)
      return local?.endsWith(`:${hex}`) === true && state === (protocol === 'tcp' ? '0A' : '07')
    })
  })
}

function configText(folder: string, port: number, { listener, tls }: RsyslogOptions): string {
  const fields = [
    'pri',
    'timereported:::date-rfc3339',
    'hostname',
    'app-name',
    'procid',
    'msgid',
    'structured-data',
    'msg'
  ]
  const secured =
    tls === undefined
      ? ''
      : `StreamDriver.Name="${tls.driver}" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/certvalid"`
  const material =
    tls === undefined
      ? ''
      : `DefaultNetstreamDriverCAFile="${tls.caFile}" DefaultNetstreamDriverCertFile="${tls.certFile}" DefaultNetstreamDriverKeyFile="${tls.keyFile}"`
  // A direct queue: what it has read is in the file before it reads on.
  return `global(workDirectory="${folder}" ${material})
main_queue(queue.type="Direct")
module(load="${listener}" ${listener === 'imtcp' ? secured : ''})
template(name="fields" type="string" string="${fields.map(name => `%${name}%`).join('\u0001')}\\n")
input(type="${listener}" address="127.0.0.1" port="${port}")
action(type="omfile" file="${join(folder, 'out.log')}" template="fields" flushOnTXEnd="on" asyncWriting="off")
`
}
