// One run of journalctl: an argument list and never a shell, its entries as they come, ended with all that it started.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { YarderError } from '../../core/errors.ts'
import { ExportParser } from './export.ts'
import type { Entry, Limits } from './export.ts'

const PROGRAM = 'journalctl'
/** What it gets of the agent's environment; the rest may be secret. */
const PASSED = ['PATH', 'TZ']
/** Of what it says on stderr, the end is kept. */
const MAX_SAID = 4096
/** systemd's words to somebody who sees only entries of his own; they end with the groups that see all. */
const FEW_ENTRIES = /not seeing messages from other users/
const DAMAGE = /^.*(?:truncated|corrupt|ignoring|Bad message).*$/gim

export interface Run {
  readonly argv: readonly string[]
  readonly limits: Limits
  /** The journal has entries that this user may not see, which journalctl leaves out in silence otherwise. */
  onHidden(): void
  /** It goes on without a part of the journal that it can't read, in its words. */
  onDamage(words: string): void
}

/** The entries as they are printed. Rejects with a YarderError when it can't be started or ends by a fault. */
export async function* runJournalctl(run: Run, signal: AbortSignal): AsyncGenerator<Entry[], void> {
  if (signal.aborted) return
  const env = Object.fromEntries(PASSED.flatMap(k => (process.env[k] === undefined ? [] : [[k, process.env[k]]])))
  const child = spawn(PROGRAM, run.argv, {
    // A group of its own, so that a pager or whatever else it starts ends with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, LC_ALL: 'C', SYSTEMD_COLORS: '0' }
  })
  let said = ''
  let hidden = false
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MAX_SAID)
    for (const [words] of said.matchAll(DAMAGE)) run.onDamage(words)
    if (hidden || !FEW_ENTRIES.test(said)) return
    hidden = true
    run.onHidden()
  })
  const closed = once(child, 'close') as Promise<[code: number | null, by: string | null]>
  closed.catch(() => {})
  const kill = (): void => killGroup(child)
  signal.addEventListener('abort', kill, { once: true })
  const parser = new ExportParser(run.limits)
  try {
    for await (const bytes of child.stdout as AsyncIterable<Buffer>) {
      if (signal.aborted) return
      const entries = parser.push(bytes)
      if (entries.length > 0) yield entries
    }
    const [code, by] = await closed
    if (signal.aborted) return
    if (code !== 0) throw faultOf(said, code === null ? `killed by ${by}` : `exit status ${code}`)
  } catch (error) {
    if (signal.aborted) return
    if (error instanceof YarderError) throw error
    throw new YarderError('STORAGE', `running ${PROGRAM}`, { cause: error })
  } finally {
    signal.removeEventListener('abort', kill)
    kill()
    child.stdout.destroy()
    // Whoever is not waited for stays as a zombie until the process looks; this is no more than a moment.
    await closed.catch(() => {})
  }
}

/** Its last words, which say what is wrong. */
function faultOf(said: string, end: string): YarderError {
  const words = said
    .split('\n')
    .filter(line => line.trim() !== '' && !/^Hint:|^ {6}/.test(line))
    .at(-1)
  return new YarderError('STORAGE', `${PROGRAM}: ${words ?? end}`)
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Nobody of it lives any more.
  }
}
