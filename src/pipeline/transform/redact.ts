// `redact`: secrets and personal data out of a record before anything else sees it.
import { defineStep } from '../../core/component.ts'
import { fieldReader, fieldWriter } from '../../core/event.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { choice, fieldRef, list, object, optional, regex, text } from '../../core/field.ts'
import { topOf } from '../parse/put.ts'
import { luhn, NAMED, PRESETS } from './redact/presets.ts'
import type { PresetName, Redactor } from './redact/presets.ts'
import { replacement } from './replacement.ts'

const MASK = '***'

export const redact = defineStep({
  name: 'redact',
  summary: 'Masks secrets and personal data, in every text of the record.',
  description: `What a parser copied into other fields is masked as well: all texts are searched, nested ones and lists too; fields that
are called \`password\`, \`token\`, \`authorization\` and the like lose their whole value under the presets of these; and a secret
that was found in one text is masked wherever else in the record it stands. Put the step after the parsers.

- \`email\`: addresses. \`card\`: card numbers whose check digit is right.
- \`token\`: what follows \`Bearer\`, JSON Web Tokens, and keys that tell by their look (AWS, GitHub, GitLab, Slack, Stripe, Google, npm).
- \`authorization\`: the values of the headers Authorization, Proxy-Authorization, X-Api-Key, X-Auth-Token, Cookie and Set-Cookie.
- \`query_secrets\`: arguments of URLs such as \`token=\`, \`api_key=\`, \`password=\`. \`password\`: the same names in any text, \`password: x\`.
- \`ipv4\`: the last part of addresses becomes 0. \`digits\`: every digit becomes \`#\`.`,
  fields: {
    presets: list(choice(Object.keys(PRESETS) as [PresetName, ...PresetName[]], 'A preset.'), 'What to look for.', {
      default: [],
      example: ['authorization', 'query_secrets']
    }),
    patterns: list(
      object(
        {
          pattern: regex('What is replaced, wherever it matches.', { flags: 'g' }),
          replacement: text('What stands there instead; `\\1` or `$1` is the first group.', { default: MASK })
        },
        'A pattern of your own.'
      ),
      'Patterns of your own, applied after the presets.',
      { default: [], example: [{ pattern: 'account \\d+', replacement: 'account ***' }] }
    ),
    fields: optional(
      list(fieldRef('A field.'), 'The only fields to search. Without it all texts of the record are.', { min: 1 })
    )
  },
  examples: [
    { title: 'What web servers log', yaml: 'redact:\n  presets: [authorization, query_secrets]\n' },
    {
      title: 'A pattern of your own, in one field',
      yaml: "redact:\n  patterns: [{ pattern: '\\d', replacement: '#' }]\n  fields: [message]\n"
    }
  ],
  *lint(o) {
    if (o.presets.length === 0 && o.patterns.length === 0) yield ['presets', 'give at least one preset or pattern']
  },
  build(o) {
    const search = new Search(o.presets, o.patterns)
    const each = o.fields?.map(field => ({ field, read: fieldReader(field), write: fieldWriter(field) }))
    return {
      writes: (o.fields ?? []).map(topOf),
      run: (event: Event, cursor: Cursor) => {
        search.begin()
        if (each === undefined) search.inside(event)
        else for (let i = 0; i < each.length; i++) search.field(each[i]!, event, cursor)
        if (!search.again()) return true
        if (each === undefined) search.inside(event)
        else for (let i = 0; i < each.length; i++) search.field(each[i]!, event, cursor)
        return true
      }
    }
  }
})

interface FieldAccess {
  readonly field: string
  readonly read: (event: Event, cursor: Cursor) => unknown
  readonly write: (event: Event, cursor: Cursor, value: unknown) => void
}

/** Goes through a record once with what is configured and, when that found secrets, once more with these. */
class Search {
  readonly #redactors: readonly Redactor[]
  readonly #names: ReadonlySet<string>
  readonly #cards: boolean
  #found: string[] = []
  #secrets: readonly string[] | undefined

  constructor(presets: readonly PresetName[], patterns: ReadonlyArray<{ pattern: RegExp; replacement: string }>) {
    // Digits last: they would hide from the others what these look for.
    const ordered = [...new Set(presets)].sort((a, b) => Number(a === 'digits') - Number(b === 'digits'))
    const own = patterns.map(p => ownPattern(p.pattern, p.replacement))
    const found = ordered.filter(name => name !== 'digits').map(name => PRESETS[name](MASK))
    const digits = ordered.includes('digits') ? [PRESETS.digits()] : []
    this.#redactors = [...found, ...own, ...digits]
    this.#names = new Set(presets.flatMap(name => NAMED[name] ?? []))
    this.#cards = presets.includes('card')
  }

  begin(): void {
    if (this.#found.length > 0) this.#found = []
    this.#secrets = undefined
  }

  /** True when secrets were found that may stand elsewhere too. */
  again(): boolean {
    if (this.#found.length === 0) return false
    const secrets = [...new Set(this.#found)].filter(s => s.length >= 3 && s !== MASK)
    this.#secrets = secrets.sort((a, b) => b.length - a.length)
    return secrets.length > 0
  }

  field({ field, read, write }: FieldAccess, event: Event, cursor: Cursor): void {
    const there = read(event, cursor)
    // It may be the source's own, which other records have too.
    const value = typeof there === 'object' ? structuredClone(there) : there
    const clean = this.#value(field.slice(field.lastIndexOf('.') + 1), value)
    if (clean !== there) write(event, cursor, clean)
  }

  /** Changes the texts inside of an object in place. */
  inside(holder: Event): void {
    for (const key in holder) {
      const value = holder[key]
      const clean = this.#value(key, value)
      if (clean !== value) holder[key] = clean
    }
  }

  #value(key: string, value: unknown): unknown {
    if (typeof value === 'string') return this.#text(key, value)
    if (typeof value === 'number') {
      if (this.#secrets !== undefined) return this.#secrets.includes(String(value)) ? MASK : value
      return this.#secretName(key) || (this.#cards && value > 1e12 && luhn(String(value))) ? MASK : value
    }
    if (typeof value !== 'object' || value === null) return value
    if (!Array.isArray(value)) this.inside(value as Event)
    else for (let i = 0; i < value.length; i++) value[i] = this.#value(key, value[i])
    return value
  }

  #text(key: string, text: string): string {
    if (this.#secrets !== undefined) return this.#withoutSecrets(text)
    if (this.#secretName(key) && text !== '' && text !== '-' && text !== MASK) {
      this.#found.push(text)
      return MASK
    }
    let clean = text
    for (let i = 0; i < this.#redactors.length; i++) clean = this.#redactors[i]!(clean, this.#found)
    return clean
  }

  /** Short secrets only as a whole value, since they are parts of innocent words. */
  #withoutSecrets(text: string): string {
    let clean = text
    for (const secret of this.#secrets!) {
      if (clean === secret) return MASK
      if (secret.length >= 6 && clean.includes(secret)) clean = clean.replaceAll(secret, () => MASK)
    }
    return clean
  }

  #secretName(key: string): boolean {
    return this.#names.size > 0 && this.#names.has(key.toLowerCase())
  }
}

/** A user's pattern. Its secret is what the replacement leaves out: the match without the groups it names, and the others. */
function ownPattern(pattern: RegExp, written: string): Redactor {
  const by = replacement(written)
  const kept = new Set([...by.matchAll(/\$(\d{1,2})/g)].map(m => Number(m[1])))
  const keepsAll = /\$[&<]/.test(by)
  return (text, found) => {
    // Most texts don't match; only then is anything collected.
    if (text.search(pattern) < 0) return text
    if (!keepsAll) {
      for (const [all, ...groups] of text.matchAll(pattern)) {
        let rest = [all]
        groups.forEach((group, i) => {
          if (group === undefined || group === '') return
          if (kept.has(i + 1)) rest = rest.flatMap(piece => piece.split(group))
          else found.push(group)
        })
        found.push(...rest)
      }
    }
    return text.replace(pattern, by)
  }
}
