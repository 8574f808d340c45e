// What the presets of `redact` look for, each in time that grows with the text alone.

/** Finds secrets in a text and returns it without them; the same text when there are none. `found` gets what was cut out. */
export type Redactor = (text: string, found: string[]) => string

/** Makes a redactor; `mask` stands where a secret was. */
export type Preset = (mask: string) => Redactor

/**
 * A regular expression with two groups, what stands before the secret and the secret, or with none: then all of the
 * match is the secret. Quotes around a secret stay.
 */
export function byPattern(pattern: RegExp, mask: string): Redactor {
  return (text, found) => {
    // Most texts hold no secret, and asking is a third cheaper than replacing nothing.
    pattern.lastIndex = 0
    if (!pattern.test(text)) return text
    pattern.lastIndex = 0
    return text.replace(pattern, (all: string, before: unknown, secret: unknown) => {
      if (typeof before !== 'string' || typeof secret !== 'string') {
        found.push(all)
        return mask
      }
      const quote = /^\\?["']/.exec(secret)?.[0] ?? ''
      const inner = secret.slice(quote.length, quote === '' ? undefined : -quote.length)
      if (inner === '' || inner === mask) return all
      found.push(inner)
      return before + quote + mask + quote
    })
  }
}

/** Names of fields, arguments and assignments whose values are secrets. */
export const SECRET_NAMES: readonly string[] = [
  'password',
  'passwd',
  'passphrase',
  'pwd',
  'secret',
  'client_secret',
  'secret_key',
  'private_key',
  'token',
  'access_token',
  'refresh_token',
  'id_token',
  'auth_token',
  'api_key',
  'apikey',
  'api-key',
  'access_key',
  'sessionid',
  'session_id',
  'jwt',
  'signature',
  'x-amz-signature',
  'x-amz-credential',
  'x-amz-security-token'
]

export const HEADER_NAMES: readonly string[] = [
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'x-auth-token',
  'x-csrf-token'
]

const alternatives = (names: readonly string[]): string =>
  names
    .map(n => n.replace(/[-_]/g, '[-_]?'))
    .sort((a, b) => b.length - a.length)
    .join('|')

// V8 looks for the first letters of an expression many times faster than for an assertion: so what must not stand before
// a match is asked after its beginning, by looking back over it.
const word = (names: string): string => `(?:${names})(?<![A-Za-z0-9](?:${names}))`

const SECRET = alternatives(SECRET_NAMES)
const QUERY = new RegExp(`([?&;](?:[\\w.-]{0,40}[._-])?(?:${SECRET})=)([^&;\\s"'<>#]+)`, 'gi')
const QUERY_START = new RegExp(`(^(?:[\\w.-]{0,40}[._-])?(?:${SECRET})=)([^&;\\s"'<>#]+)`, 'i')

// A text in quotes, in quotes that are escaped because all of it stands in a quoted text, or up to a delimiter.
const VALUE = `\\\\"(?:[^"\\\\]|\\\\[^"])*\\\\"|"(?:[^"\\\\]|\\\\.)*"|'[^']*'`
const GIVEN = `(?:\\\\?["'])?\\s{0,4}[:=]\\s{0,4}`

// `password=x`, `password: x`, `"password": "x y"`.
const ASSIGNED = new RegExp(`(${word(SECRET)}${GIVEN})(${VALUE}|[^\\s,;&"'\\\\})\\]]+)`, 'gi')

// The schemes that consist of several parts go on to the end of the line; of an unknown one the next word counts.
const HEADER = new RegExp(
  `(${word(alternatives(HEADER_NAMES))}${GIVEN})` +
    `(${VALUE}|(?:digest|aws4-hmac-sha256)\\s[^\\r\\n]+|[A-Za-z][\\w-]*\\s{1,4}[^\\s,"'=]+=*(?=[\\s,"']|$)|[^\\s,"']+)`,
  'gi'
)
const COOKIE = new RegExp(`(cookie(?<![A-Za-z0-9]cookie)${GIVEN})(${VALUE}|[^"\\r\\n]+)`, 'gi')

// What follows `Bearer` must look like a token: the words are used in prose too. Other tokens tell by their look alone:
// JSON Web Tokens, and keys of AWS, GitHub, GitLab, Slack, Stripe, Google and npm.
const BEARER = /((?:bearer|basic|negotiate)\s{1,4})((?=[\w.~+/-]*[\d=]|[\w.~+/-]{20})[\w.~+/-]{6,}=*)/gi
const LOOKS =
  /(?:eyJ(?<![\w-]eyJ)[\w-]{8,}\.[\w-]{4,}\.|A[KS]IA[A-Z0-9]{16}\b|gh[pousr]_\w{36}|github_pat_\w{22}|glpat-[\w-]{20}|xox[abprs]-[\w-]{10}|[sr]k_(?:live|test)_\w{16}|AIza[\w-]{35}|npm_\w{36})[\w-]*/g

// Groups as they are printed on cards, or no groups at all.
const CARD =
  /[2-6](?<![\d.][2-6])(?:\d{12,18}|\d{3}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|(?<=3)[47]\d{2}([ -])\d{6}\2\d{5})(?!\.?\d)/g

const IPV4 = /(\d(?<![\d.]\d)\d{0,2}\.\d{1,3}\.\d{1,3}\.)\d{1,3}(?![\d.]*\d)/g

const card: Preset = mask => (text, found) => {
  // Most fields are shorter than any card number.
  if (text.length < 13) return text
  return text.replace(CARD, all => {
    if (!luhn(all)) return all
    found.push(all)
    return mask
  })
}

/** The check digit of card numbers (ISO/IEC 7812-1, annex B). */
export function luhn(text: string): boolean {
  let sum = 0
  let double = false
  for (let i = text.length - 1; i >= 0; i--) {
    const d = text.charCodeAt(i) - 48
    if (d < 0 || d > 9) continue
    sum += double ? (d > 4 ? 2 * d - 9 : 2 * d) : d
    double = !double
  }
  return sum % 10 === 0
}

const LOCAL_SIGNS = new Set(Buffer.from('.!#$%&*+/=?^_`{|}~-'))
const isLocal = (c: number): boolean =>
  (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c > 127 || LOCAL_SIGNS.has(c)
const isDomain = (c: number): boolean =>
  (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 45 || c === 46 || c > 127

/** Addresses from the `@` outwards: a pattern would try every place of a long text without one. */
const email: Preset = mask => (text, found) => {
  let at = text.indexOf('@')
  if (at < 0) return text
  let out = ''
  let done = 0
  for (; at >= 0; at = text.indexOf('@', at + 1)) {
    let from = at
    while (from > done && at - from < 64 && isLocal(text.charCodeAt(from - 1))) from--
    // A delimiter such as `?mail=` or `/` isn't part of the address in practice.
    const start = from + Math.max(0, text.slice(from, at).search(/[^=/?&{|}#]*$/))
    let to = at + 1
    while (to - at < 255 && isDomain(text.charCodeAt(to))) to++
    while (text.charCodeAt(to - 1) === 46 || text.charCodeAt(to - 1) === 45) to--
    const dot = text.indexOf('.', at + 2)
    if (start === at || dot < 0 || dot >= to - 1) continue
    found.push(text.slice(start, to))
    out += text.slice(done, start) + mask
    done = to
  }
  return done === 0 ? text : out + text.slice(done)
}

const given = (text: string): boolean => text.includes(':') || text.includes('=')

export const PRESETS = {
  email,
  card,
  token: (mask: string): Redactor => {
    const bearer = byPattern(BEARER, mask)
    const looks = byPattern(LOOKS, mask)
    return (text, found) => (text.length < 12 ? text : looks(bearer(text, found), found))
  },
  authorization: (mask: string): Redactor => {
    const header = byPattern(HEADER, mask)
    const cookie = byPattern(COOKIE, mask)
    const bearer = byPattern(BEARER, mask)
    return (text, found) => bearer(given(text) ? cookie(header(text, found), found) : text, found)
  },
  query_secrets: (mask: string): Redactor => {
    const start = byPattern(QUERY_START, mask)
    const inside = byPattern(QUERY, mask)
    return (text, found) => (text.includes('=') ? inside(start(text, found), found) : text)
  },
  password: (mask: string): Redactor => {
    const assigned = byPattern(ASSIGNED, mask)
    return (text, found) => (given(text) ? assigned(text, found) : text)
  },
  /** The last part becomes 0: still an address, no longer a person's. */
  ipv4: (): Redactor => text => (text.length < 7 ? text : text.replace(IPV4, '$10')),
  /** Every digit becomes `#`. */
  digits: (): Redactor => text => text.replace(/\d/g, '#')
} as const satisfies Record<string, Preset>

export type PresetName = keyof typeof PRESETS

/** Names of fields whose whole value a preset masks, in small letters: what parsers cut out has lost what told it apart. */
export const NAMED: Partial<Record<PresetName, readonly string[]>> = {
  token: SECRET_NAMES,
  query_secrets: SECRET_NAMES,
  password: SECRET_NAMES,
  authorization: [...HEADER_NAMES, 'cookie', 'set-cookie']
}
