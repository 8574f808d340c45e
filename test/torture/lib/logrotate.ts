// Debian's logrotate, forced to rotate now.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../lib/real/process.ts'
import type { Writer } from './writer.ts'

export interface Rotation {
  /** Where its configuration and state file go. */
  readonly folder: string
  /** The log, or a pattern. */
  readonly log: string
  /** Directives beside `rotate 1000`, so that nothing is removed unless a later `rotate` says so. */
  readonly directives: readonly string[]
  /** Gets SIGHUP after the rename, as a daemon does in `postrotate`; not needed with copytruncate. */
  readonly writer?: Writer
}

/** One forced rotation. Rejects with what logrotate says when it fails. */
export async function logrotate({ folder, log, directives, writer }: Rotation): Promise<void> {
  const conf = join(folder, 'logrotate.conf')
  const hup = writer === undefined ? '' : `postrotate\nkill -HUP ${writer.pid}\nendscript\n`
  const body = ['rotate 1000', ...directives].join('\n')
  writeFileSync(conf, `"${log}" {\n${body}\n${hup}}\n`, { mode: 0o644 })
  await run(['/usr/sbin/logrotate', '--force', '--state', join(folder, 'logrotate.state'), conf])
}
