// Path patterns: the way down to what they can match, and whether a path does. The only door to picomatch.
import { basename, resolve } from 'node:path'
import picomatch from 'picomatch'

/** One element of a pattern on the way down. `deep` is `**`: any number of folders, none included. */
export interface Step {
  readonly deep: boolean
  /** The name itself, when nothing in it is a wildcard. */
  readonly literal: string | undefined
  matches(name: string): boolean
}

export interface Glob {
  readonly pattern: string
  /** The folder from which wildcards begin. */
  readonly base: string
  readonly steps: readonly Step[]
  /** False when the steps find more than the pattern means, so that `matches` has the last word. */
  readonly exact: boolean
  matches(path: string): boolean
}

const options = (dot: boolean) => ({ posix: true, dot })

/** Compiles a pattern; a relative one starts from `folder`. Names with a leading dot match only a pattern that writes the dot. */
export function compileGlob(pattern: string, folder: string): Glob {
  const { base, glob } = split(quoteParens(pattern))
  const root = resolve(folder, base)
  // Braces across folders (`{a/b,c}`) can't be walked step by step: everything below is looked at.
  const crossing = /[{(][^})]*\/[^})]*[})]/.test(glob)
  const parts = glob === '' ? [] : crossing ? ['**', '*'] : glob.split('/').filter(p => p !== '')
  const dotted = /(^|\/)\./.test(glob)
  const whole = glob === '' ? (path: string) => path === root : picomatch(`${escape(root)}/${glob}`, options(dotted))
  return { pattern, base: root, steps: parts.map(part => stepOf(part, dotted)), exact: !crossing, matches: whole }
}

/** A folder may be called `logs (1)`: parentheses mean themselves unless the pattern uses extglobs. */
const quoteParens = (pattern: string): string =>
  /[@!+*?]\(/.test(pattern) ? pattern : pattern.replaceAll(/(?<!\\)[()]/g, '\\$&')

function split(pattern: string): { base: string; glob: string } {
  const { base, glob } = picomatch.scan(pattern)
  if (glob === '') return { base: unescape(pattern), glob: '' }
  return { base: pattern.startsWith('/') && base === '' ? '/' : unescape(base), glob }
}

function stepOf(part: string, dotted: boolean): Step {
  if (part === '**') return { deep: true, literal: undefined, matches: name => dotted || !name.startsWith('.') }
  const wild = picomatch.scan(part).isGlob === true
  return {
    deep: false,
    literal: wild ? undefined : unescape(part),
    matches: wild ? picomatch(part, options(part.startsWith('.') || dotted)) : name => name === unescape(part)
  }
}

const unescape = (path: string): string => path.replaceAll(/\\(.)/g, '$1')
const escape = (path: string): string => (path === '/' ? '' : path.replaceAll(/[\\*?[\]{}()!+@|]/g, '\\$&'))

/** One test for all `exclude` patterns: without a slash they look at the name alone. */
export function compileExclude(patterns: readonly string[], folder: string): (path: string) => boolean {
  const tests = patterns.map(pattern => {
    if (!pattern.includes('/')) {
      const name = picomatch(pattern, options(true))
      return (path: string) => name(basename(path))
    }
    const rooted = pattern.startsWith('/') || pattern.startsWith('**')
    return picomatch(rooted ? pattern : `${escape(resolve(folder))}/${pattern}`, options(true))
  })
  return path => tests.some(t => t(path))
}
