// Debian's nginx, run in a folder of its own on a free port of 127.0.0.1, for real access logs and real rotations.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, start, until } from './process.ts'

/** A running nginx that answers 200 with a few bytes for every path but /missing/…, which is a 404. */
export interface Nginx {
  readonly url: string
  readonly port: number
  /** The master's process id, also in `pidFile`; SIGUSR1 makes it open its logs again, as logrotate's postrotate does. */
  readonly pid: number
  readonly pidFile: string
  readonly accessLog: string
  readonly errorLog: string
  /** SIGTERM by process id, then removes the folder (the access log is the caller's and stays). May be called twice. */
  stop(): Promise<void>
}

/** Starts nginx with its access log in the combined format at `accessLog`. Ask debianPackage(['nginx']) first. */
export async function startNginx(options: { accessLog: string }): Promise<Nginx> {
  const prefix = await mkdtemp(join(tmpdir(), 'yarder-nginx-'))
  const port = await freePort()
  const pidFile = join(prefix, 'nginx.pid')
  const errorLog = join(prefix, 'error.log')
  await mkdir(join(prefix, 'html'))
  await writeFile(join(prefix, 'nginx.conf'), config({ port, prefix, pidFile, accessLog: options.accessLog }))
  const nginx = await start(['/usr/sbin/nginx', '-p', prefix, '-c', join(prefix, 'nginx.conf'), '-e', errorLog], {
    logFile: join(prefix, 'output.log')
  })
  const stop = async (): Promise<void> => {
    await nginx.stop()
    await rm(prefix, { recursive: true, force: true })
  }
  try {
    await until('nginx to listen', async () => {
      nginx.check()
      const pid = await readFile(pidFile, 'utf8').catch(() => '')
      return pid.trim() === String(nginx.pid) && (await answers(port))
    })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: nginx.pid,
    pidFile,
    accessLog: options.accessLog,
    errorLog,
    stop
  }
}

/** A connection without a request: unlike a GET, it leaves no line in the access log. */
async function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

function config(at: { port: number; prefix: string; pidFile: string; accessLog: string }): string {
  // Workers of a root master would become nobody, who can't write into our folder.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `${user}
daemon off;
worker_processes 1;
pid ${at.pidFile};
events { worker_connections 512; }
http {
  ${folders.map(name => `${name}_temp_path ${join(at.prefix, name)};`).join('\n  ')}
  access_log ${at.accessLog} combined;
  server {
    listen 127.0.0.1:${at.port};
    location / { return 200 "ok\\n"; }
    location /missing/ { return 404; }
  }
}
`
}
