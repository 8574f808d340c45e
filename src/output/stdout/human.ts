// One record as a line for people: time, level, message, then the fields that say something.

/** What every record of a host has alike, or what stands in the line already. */
const PLAIN = new Set([
  '@timestamp',
  '@version',
  'message',
  'host',
  'agent',
  'ecs',
  'input',
  'log',
  'event',
  'level',
  'severity',
  'loglevel'
])

const LEVEL_COLOURS: Array<[pattern: RegExp, code: number]> = [
  [/^(emerg|alert|crit|fatal|err|severe)/i, 31],
  [/^(warn|notice)/i, 33],
  [/^(debug|trace|fine)/i, 90]
]
const DIM = 2
const CYAN = 36

type Fields = Record<string, unknown>

/** `json` is one document; what is none is shown as it is. Nothing in it can steer the terminal. */
export function humanLine(json: string, colour: boolean): string {
  const document = parsed(json)
  if (document === undefined) return shown(json)
  const paint = (code: number, text: string): string =>
    colour && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text
  const level = levelOf(document)
  const levelColour = LEVEL_COLOURS.find(([pattern]) => pattern.test(level))?.[1] ?? 32
  const fields = Object.entries(document)
    .filter(([name]) => !PLAIN.has(name))
    .map(([name, value]) => `${paint(CYAN, shown(name))}=${valueText(value)}`)
  const parts = [
    paint(DIM, shown(String(document['@timestamp'] ?? ''))),
    paint(levelColour, shown(level)),
    shown(String(document['message'] ?? '')),
    ...fields
  ]
  return parts.filter(part => part !== '').join(' ')
}

function levelOf(document: Fields): string {
  const log = document['log'] as Fields | undefined
  const found = [log?.['level'], document['level'], document['severity'], document['loglevel']].find(
    v => typeof v === 'string' || typeof v === 'number'
  )
  return found === undefined ? '' : String(found).toUpperCase()
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : (JSON.stringify(value) ?? '')
  return shown(text)
}

/** Control characters, the C1 range and what turns the direction of writing around are spelled out. */
const shown = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, c =>
    c === '\n' ? '\\n' : c === '\t' ? '\\t' : c === '\r' ? '\\r' : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  )

function parsed(json: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
  } catch {
    return undefined
  }
}
