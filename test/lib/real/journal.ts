// Real journal files, written by systemd's own tool out of entries that a test makes up.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { debianPackage } from './debian.ts'

const REMOTE = '/lib/systemd/systemd-journal-remote'

/** Why no journal can be made here; undefined when it can. */
export const noJournal = (): Promise<string | undefined> => debianPackage(['systemd', 'systemd-journal-remote'])

/** Fields by name; a Buffer stands for bytes as they are. */
export type JournalFields = Readonly<Record<string, string | Buffer>>

export interface JournalOptions {
  /** 32 hexadecimal digits. */
  readonly boot?: string
  /** Of the first entry, microseconds since the epoch; the others follow by a millisecond each. */
  readonly from?: number
}

const BOOT = 'a'.repeat(32)
export const FROM = Date.UTC(2026, 10, 22, 12) * 1000

/** What is written on the wire for an entry: https://systemd.io/JOURNAL_EXPORT_FORMATS/ */
export function exported(entries: readonly JournalFields[], { boot = BOOT, from = FROM }: JournalOptions = {}): Buffer {
  const parts: Buffer[] = []
  entries.forEach((fields, i) => {
    parts.push(
      Buffer.from(
        `__REALTIME_TIMESTAMP=${from + i * 1000}\n__MONOTONIC_TIMESTAMP=${(from % 1e10) + i * 1000}\n_BOOT_ID=${boot}\n`
      )
    )
    for (const [name, value] of Object.entries(fields)) parts.push(field(name, value))
    parts.push(Buffer.from('\n'))
  })
  return Buffer.concat(parts)
}

function field(name: string, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string)
  if (typeof value === 'string' && !value.includes('\n')) return Buffer.from(`${name}=${value}\n`)
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(bytes.length))
  return Buffer.concat([Buffer.from(`${name}\n`), size, bytes, Buffer.from('\n')])
}

/** Adds entries to a journal file, which is made when it isn't there. Ask `noJournal` first. */
export async function addToJournal(
  folder: string,
  entries: readonly JournalFields[],
  options: JournalOptions & { readonly file?: string } = {}
): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const child = spawn(REMOTE, ['-o', join(folder, `${options.file ?? 'a'}.journal`), '-'], {
    stdio: ['pipe', 'ignore', 'pipe']
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stdin.on('error', () => {})
  child.stdin.end(exported(entries, options))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`systemd-journal-remote: ${said.slice(-500)}`)
}
