// Whether what we write goes to the journal, and how journald learns how important a line is.
import { fstatSync } from 'node:fs'

/** True when the descriptor is the one that systemd has connected with the journal (systemd.exec(5), JOURNAL_STREAM). */
export function leadsToJournal(fd: number, env: NodeJS.ProcessEnv): boolean {
  const stream = env['JOURNAL_STREAM']
  if (stream === undefined) return false
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true })
    return stream === `${dev}:${ino}`
  } catch {
    return false
  }
}

/** What a command says to people, for journald: problems as errors, each line by itself, as sd-daemon(3) has it. */
export function forJournal(text: string): string {
  return text.replace(/^(?=.)/gm, '<3>').replace(/^<3>(?=warning: )/gm, '<4>')
}
