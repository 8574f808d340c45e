// Takes the secrets of a configuration out of texts: what is long wherever it stands, what could be a word where a secret can stand.

/** Below this length a secret can't be told from the words around it, wherever it stands. */
const SHORTEST_SECRET = 4
/** From here on a secret is looked for within words too. */
const LONG = 8
/** No word of a log has so many letters. */
const LONGEST_WORD = 16
/** A message may have cut a long value; so much of its beginning gives it away. */
const TELLING = 16
/** Shorter pieces of base64 are found where no secret is. */
const SHORTEST_BASE64 = 8

/** What ends in one of these holds a secret: `x-api-key`, `"password"`, `db.passwd`. Bounded, as a line may be long. */
const SECRET_KEY = String.raw`(?:pass|passw\w{0,8}|passphrase|pwd|pw|secret|token|key|auth|authorization|cred\w{0,8}|cookie|sig\w{0,8})`
/** Keys of log lines and of answers that hold names: a password that is one of them is not told by taking it out there. */
const NAMING =
  /^(?:outputs?|inputs?|checks?|pipelines?|exporters?|metrics?|notify|step|type|subsystem|part|name|unit|service|users?|username|index|host|env|environment|region|level|state|status|path|file)$/i

/** How a secret looks within a longer text in base64, as a password in `Basic …`: what its bytes alone decide, at each of three places. */
function inBase64(secret: string): string[] {
  const bytes = Buffer.from(secret)
  return [0, 1, 2].flatMap(before => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const own = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
    return own.length < SHORTEST_BASE64 ? [] : [own]
  })
}

/** As it stands in a quoted text; twice where that is JSON within one. */
const escaped = (text: string): string => JSON.stringify(text).slice(1, -1)

type Replace = (text: string) => string

/** Long ones anywhere, and cut ones by their beginning: of an address, so much after its host. */
function anywhere(form: string): Replace {
  const host = /^\w+:\/\/[^/]*/.exec(form)?.[0].length ?? 0
  const telling = form.slice(0, host === 0 ? TELLING : host + TELLING / 2)
  return text => {
    const out = text.replaceAll(form, '***')
    const cut = form.length > telling.length ? out.indexOf(telling) : -1
    return cut < 0 ? out : `${out.slice(0, cut)}***`
  }
}

/** A short one that is no word, such as `a1b2c3`: not as a piece of a name. */
function asWord(form: string): Replace {
  const pattern = new RegExp(String.raw`(?<![\p{L}\p{N}_])${RegExp.escape(form)}(?![\p{L}\p{N}_])`, 'gu')
  return text => text.replace(pattern, '***')
}

/** One that may be a word or a number of the log itself: only where a secret can stand. */
function inPlace(form: string): Replace {
  const it = RegExp.escape(form)
  const end = String.raw`(?![\p{L}\p{N}_])`
  const named = new RegExp(
    String.raw`(${SECRET_KEY}[^\p{L}\p{N}]{0,6}[:='"\u0060([][^\p{L}\p{N}]{0,6}(?:(?:bearer|basic|apikey|token)\s+)?)${it}${end}`,
    'giu'
  )
  const scheme = new RegExp(String.raw`(\b(?:bearer|basic|apikey)\s+|:\/\/|[\w.-]:)${it}(?=@)`, 'giu')
  const bare = new RegExp(String.raw`(\b(?:bearer|basic|apikey)\s+)${it}${end}`, 'giu')
  const valued = new RegExp(
    String.raw`([\w.-]{1,40})(\\{0,4}["']?\s*[:=]\s*[\\"'[({]*)${it}(?=\s*$|[\\"'\]),;&}@]|\s+[\w.-]+=)`,
    'gmu'
  )
  return text =>
    text
      .replace(named, '$1***')
      .replace(scheme, '$1***')
      .replace(bare, '$1***')
      .replace(valued, (all, key: string, between: string) => (NAMING.test(key) ? all : `${key}${between}***`))
}

function replacersOf(secret: string): Replace[] {
  const forms = new Set([secret, escaped(secret), escaped(escaped(secret)), encodeURIComponent(secret.toWellFormed())])
  const worded = /^(?:\p{L}+|\p{N}+)$/u.test(secret)
  const far = secret.length >= LONG && !(worded && secret.length <= LONGEST_WORD)
  const how = far ? anywhere : worded ? inPlace : asWord
  return [...[...forms].map(how), ...inBase64(secret).map(anywhere)]
}

/** `Basic` with one of the secrets, however short. */
const withoutBasic = (text: string, secrets: readonly string[]): string =>
  text.replace(/(\bBasic\s+)([A-Za-z0-9+/]{4,}={0,2})/gi, (all, scheme: string, encoded: string) => {
    const account = Buffer.from(encoded, 'base64').toString()
    return secrets.some(secret => account.endsWith(`:${secret}`)) ? `${scheme}***` : all
  })

/** Makes a function that takes the secrets, and passwords in URLs, out of a text. Later additions to the set count. */
export function masking(secrets: ReadonlySet<string>): (text: string) => string {
  const made = new Map<string, Replace[]>()
  return text => {
    const long = [...secrets].filter(secret => secret.length >= SHORTEST_SECRET).sort((a, b) => b.length - a.length)
    let out = text.replace(/(:\/\/[^\s/:@]*):[^\s/@]+@/g, '$1:***@')
    if (long.length > 0) out = withoutBasic(out, long)
    for (const secret of long) {
      const replacers = made.get(secret) ?? replacersOf(secret)
      made.set(secret, replacers)
      for (const replace of replacers) out = replace(out)
    }
    return out
  }
}
