// What `yarder doctor` has found, and how a command that mends it is written.

/** One fact about the host or the configuration. */
export interface Finding {
  /** `files`, `outputs`, `clock`, … */
  readonly area: string
  /** `warning` may be as somebody wants it; `problem` keeps something from working. */
  readonly state: 'ok' | 'warning' | 'problem'
  /** One line for people; never a secret, never what a log says. */
  readonly message: string
  /** A command line that mends it or, where none can, that shows more of it; for a person to read and run, never run here. */
  readonly mend?: string
}

/** Makes the findings of one area. */
export const findingsOf = (area: string) => ({
  ok: (message: string): Finding => ({ area, state: 'ok', message }),
  warning: (message: string, mend?: string): Finding => made(area, 'warning', message, mend),
  problem: (message: string, mend?: string): Finding => made(area, 'problem', message, mend)
})

const made = (area: string, state: Finding['state'], message: string, mend: string | undefined): Finding =>
  mend === undefined ? { area, state, message } : { area, state, message, mend }

/** A word of a command line, quoted where a shell would read more into it. */
export const word = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

/** Commands that write a drop-in for the service and put it into force. */
export const dropIn = (name: string, ...lines: readonly string[]): string =>
  `mkdir -p /etc/systemd/system/yarder.service.d && printf '%s\\n' '[Service]' ${lines.map(word).join(' ')} > ` +
  `/etc/systemd/system/yarder.service.d/${name}.conf && systemctl daemon-reload && systemctl restart yarder`

/** `3 files`, `1 file`. */
export const counted = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`
