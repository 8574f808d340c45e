// Facility and severity of a syslog message, out of the words and numbers that logs have for them.

/** By their codes: RFC 5424, table 1, under the names that syslog.conf has. */
export const FACILITY_NAMES: readonly string[] =
  'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock local0 local1 local2 local3 local4 local5 local6 local7'.split(
    ' '
  )

/** By their codes: RFC 5424, table 2. */
export const SEVERITY_NAMES: readonly string[] = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug']

/** What loggers call the same. */
const LEVEL_WORDS: Readonly<Record<string, number>> = {
  emergency: 0,
  panic: 0,
  critical: 2,
  fatal: 2,
  error: 3,
  severe: 3,
  warn: 4,
  information: 6,
  informational: 6,
  config: 6,
  trace: 7,
  verbose: 7,
  silly: 7,
  fine: 7,
  finer: 7,
  finest: 7
}

/** Levels of pino and bunyan. */
const LEVEL_NUMBERS: Readonly<Record<string, number>> = { 10: 7, 20: 7, 30: 6, 40: 4, 50: 3, 60: 2 }

/** Code 0 to 23 of a facility's name or number; undefined when it is none. */
export function facilityOf(text: string): number | undefined {
  const word = text.trim().toLowerCase()
  if (/^\d{1,2}$/.test(word)) return Number(word) < FACILITY_NAMES.length ? Number(word) : undefined
  const code = FACILITY_NAMES.indexOf(word)
  return code === -1 ? undefined : code
}

/** Code 0 to 7 of a level: a syslog name or number, a logger's word, or a number as pino has it; undefined when it is none. */
export function severityOf(text: string): number | undefined {
  const word = text.trim().toLowerCase()
  if (/^[0-7]$/.test(word)) return Number(word)
  const code = SEVERITY_NAMES.indexOf(word)
  if (code !== -1) return code
  return Object.hasOwn(LEVEL_WORDS, word)
    ? LEVEL_WORDS[word]
    : Object.hasOwn(LEVEL_NUMBERS, word)
      ? LEVEL_NUMBERS[word]
      : undefined
}
