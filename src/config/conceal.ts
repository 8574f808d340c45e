// Which texts of a configuration are secret by where they stand, though no option is marked for it: the one place that says so.
import type { Node, ScalarNode } from './tree.ts'

/** How a text may be shown, and what of it must not be told elsewhere either. */
export interface Concealed {
  readonly shown: string
  readonly secrets: readonly string[]
}

const MASKED = '***'

/** Names of options, fields and arguments that hold a secret. */
const NAME =
  'passw|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|authorization|cookie|credential|community|(?:routing|integration|service|license|account|shared)[_-]?key'
const SECRET_NAME = new RegExp(NAME, 'i')
/** What is said about a secret is none: where it lies, of what kind it is. */
const ABOUT = /[_-](?:file|path|type|dir)$/i
/** Among headers and variables more names are telling. */
const TELLING_NAME = new RegExp(`${NAME}|auth|key|pass|pwd|pw$|cred|sign|session`, 'i')
/** Options of programs that begin as `-pSECRET` does. */
const OTHER_P =
  /^-p(?:ass|asswd|assword|assphrase|ath|ort|orts|rint|rint0|roto|rotocol|rune|erm|id|refix|rofile|lugin|rocess|ing)?$/
/** Options whose value is `user:password`. */
const ACCOUNT = /^(?:-u|-a|-U|--user|--authorization|--proxy-user|--proxy-authorization)$/
/** Where a whole command line may stand, if only by mistake, or what is sent. */
const WORDS = /^(?:command|args|exec|body|send)$/
const SECRET_OPTION = new RegExp(`^--?[\\w-]*(?:${NAME}|(?:^|-)(?:auth|pass|pwd)$)[\\w-]*$`, 'i')
/** A secret within an argument that is a whole command or a list of settings. */
const INSIDE = [
  new RegExp(`((?:^|[\\s;'"])--?[\\w-]*(?:${NAME}|pass\\b|pwd\\b)[\\w-]*(?:=|\\s+)["']?)([^\\s"';]+)`, 'gi'),
  new RegExp(`((?:^|[\\s;&?,'"])[\\w.-]*(?:(?:${NAME})[\\w-]*|pass|pwd|_key)\\s*=\\s*["']?)([^\\s"';&,]+)`, 'gi'),
  new RegExp(`((?:^|[\\s'"])[\\w-]*(?:${NAME}|auth|-key)[\\w-]*["']?:\\s*["']?)([^"']+)`, 'gi')
]

const plain = (shown: string): Concealed => ({ shown, secrets: [] })

/** With pieces that could be found by chance left out: an empty one, a port, a word of YAML, a field. */
const concealed = (shown: string, ...secrets: string[]): Concealed => ({
  shown,
  secrets: secrets.filter(secret => !/^(?:\d{0,5}|\*+|true|false|yes|no|none|null|%\{[^}]*\})$/i.test(secret))
})

function decoded(text: string): string[] {
  try {
    return [...new Set([text, decodeURIComponent(text)])]
  } catch {
    return [text]
  }
}

/** An address, alone in a text: its password (or its only name) and its query. */
function inAddress(text: string): Concealed {
  const found = /^([a-z][\w+.-]*:\/\/)?(?:([^\s/?#@:]*)(?::([^\s/?#]*))?@)?([^\s?#@]*)(\?\S+)?$/i.exec(text)
  const [, scheme = '', user, password, rest = '', query = ''] = found ?? []
  if (found === null || (scheme === '' && (password === undefined || !/^[\w.[\]:-]+(?:\/|$)/.test(rest))))
    return plain(text)
  const account = user === undefined ? '' : password === undefined ? `${MASKED}@` : `${user}:${MASKED}@`
  const pairs = [...new URLSearchParams(query)].filter(([name]) => TELLING_NAME.test(name))
  const secrets = [...pairs.map(([, value]) => value), ...(user === undefined ? [] : decoded(password ?? user))]
  return concealed(scheme + account + rest + (query === '' ? '' : `?${MASKED}`), ...secrets)
}

/** What of a value of a secret option is secret: of an address its account and what follows the host, else all of it. */
export function secretsOf(text: string): readonly string[] {
  if (!/^https?:\/\/\S+$/i.test(text) || !URL.canParse(text)) return [...withoutScheme(text)]
  const { pathname, search } = new URL(text)
  const [own = ''] = /(?<=^\w+:\/\/[^/?]*)[/?].*$/.exec(text) ?? []
  return [...inAddress(text).secrets, ...[own, pathname + search].filter(path => path.length > 1)]
}

/** `Bearer x` is known by `x` as well. */
const withoutScheme = (text: string): Set<string> => new Set([text, text.replace(/^[A-Za-z]+ +(?=\S+$)/, '')])

function inEnv(name: string, text: string): Concealed {
  const telling = TELLING_NAME.test(name) && !ABOUT.test(name) && !/^[/~.]/.test(text)
  return concealed(MASKED, ...inAddress(text).secrets, ...(telling ? [text] : []))
}

/** An argument of a program, by the one before it. */
function inArgument(before: string, text: string): Concealed {
  if ((SECRET_OPTION.test(before) && !ABOUT.test(before)) || before === '-p') return concealed(MASKED, text)
  const account = ACCOUNT.test(before) ? /^([^:]*:)(.+)$/s.exec(text) : null
  if (account !== null) return concealed(account[1]! + MASKED, account[2]!)
  if (/^-p\S+$/.test(text) && !OTHER_P.test(text)) return concealed(`-p${MASKED}`, text.slice(2).replace(/^=/, ''))
  const option = /^(--?[\w-]+=)(.+)$/s.exec(text)
  if (option !== null) {
    const [, name = '', value = ''] = option
    if (ABOUT.test(name.slice(0, -1))) return plain(text)
    if (SECRET_OPTION.test(name.slice(0, -1))) return concealed(name + MASKED, value)
    const { shown, secrets } = inArgument(name.slice(0, -1), value)
    return { shown: name + shown, secrets }
  }
  return inWords(text)
}

function inWords(text: string): Concealed {
  const whole = inAddress(text)
  if (whole.shown !== text) return whole
  const secrets: string[] = []
  let shown = text.replace(/\b[a-z][\w+.-]*:\/\/[^\s"']+/gi, address => {
    const found = inAddress(address)
    secrets.push(...found.secrets)
    return found.shown
  })
  for (const pattern of INSIDE)
    shown = shown.replace(pattern, (_, head: string, value: string) => {
      secrets.push(...withoutScheme(value.trim()))
      return head + MASKED
    })
  shown = shown.replace(/(\s-p)([^\s"']+)/g, (all, head: string, value: string) => {
    if (OTHER_P.test(`-p${value}`)) return all
    secrets.push(value)
    return head + MASKED
  })
  return concealed(shown, ...secrets)
}

/** What stands at a key, by the names above it. */
function inValue(keys: readonly string[], text: string): Concealed {
  const key = keys.at(-1) ?? ''
  const above = keys.at(-2)
  if (above === 'env') return inEnv(key, text)
  const name = above === 'headers' ? TELLING_NAME : SECRET_NAME
  if (name.test(key) && !ABOUT.test(key)) return concealed(MASKED, ...withoutScheme(text))
  return WORDS.test(key) ? inWords(text) : inAddress(text)
}

/** Names of fields and patterns stand in pipelines and metrics, not arguments; a value there looks like a secret or is none. */
const isAboutRecords = (keys: readonly string[]): boolean =>
  keys[0] === 'pipelines' || keys[0] === 'metrics' || keys.includes('pipeline')
const looksSecret = (text: string): boolean => /^(?=\S*\d)(?!\S*%\{)\S{8,}$/.test(text)

function inScalar(keys: readonly string[], before: string | undefined, node: ScalarNode): Concealed {
  const { text } = node
  if (/^(?:%\{[^}]*\})?$/.test(text) || typeof node.value === 'boolean') return plain(text)
  if (isAboutRecords(keys)) {
    const named = before === undefined && SECRET_NAME.test(keys.at(-1) ?? '') && looksSecret(text)
    return named ? concealed(MASKED, text) : /^\w+:\/\//.test(text) ? inAddress(text) : plain(text)
  }
  return before === undefined ? inValue(keys, text) : inArgument(before, text)
}

/** Calls `note` for each text of a tree of which something is secret by where it stands. */
export function conceal(
  node: Node,
  note: (node: Node, found: Concealed) => void,
  keys: readonly string[] = [],
  before?: string
): void {
  if (node.kind === 'map') {
    for (const [key, entry] of node.entries) conceal(entry.value, note, [...keys, key])
  } else if (node.kind === 'list') {
    let previous = ''
    for (const item of node.items) {
      conceal(item, note, keys, previous)
      previous = item.kind === 'scalar' ? item.text : ''
    }
  } else {
    const found = inScalar(keys, before, node)
    if (found.shown !== node.text) note(node, found)
  }
}
