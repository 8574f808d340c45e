// Puts variables, secret files and credentials into the texts of a configuration.
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe } from '../core/errors.ts'
import type { Problem } from './problem.ts'
import { brokenNode, joinPath, mapNode, scalarNode } from './tree.ts'
import type { Entry, Node, ScalarNode } from './tree.ts'
import { plainValue } from './yaml.ts'

/** Where the texts come from. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Folder that relative paths start from: that of the main file. */
  readonly dir: string
}

export interface Expanded {
  readonly root: Node
  readonly problems: readonly Problem[]
  /** Texts that are never to be shown. */
  readonly secrets: ReadonlySet<string>
  /** The files that were read, absolute. */
  readonly reads: ReadonlySet<string>
}

const MAX_SECRET_BYTES = 1024 * 1024

/**
 * Replaces `${VAR}`, `${VAR:-default}`, `${file:/path}` and `${credential:NAME}`; `$${` stands for a plain `${`.
 * What stands without quotes becomes a number or a boolean as YAML would read it; a secret stays text.
 */
export function expand(root: Node, surroundings: Surroundings): Expanded {
  const expander = new Expander(surroundings)
  const expanded = expander.node(root, '')
  const { problems, secrets, reads } = expander
  return { root: expanded, problems, secrets, reads }
}

/** Sections for anchors (`x-defaults`) are nobody's; what is wrong in them counts where it is used. */
export const isScratch = (section: string): boolean => section.startsWith('x-')

class Expander {
  readonly problems: Problem[] = []
  readonly secrets = new Set<string>()
  readonly reads = new Set<string>()
  readonly #from: Surroundings

  constructor(from: Surroundings) {
    this.#from = from
  }

  node(node: Node, path: string): Node {
    if (node.kind === 'scalar') return this.#scalar(node, path)
    if (node.kind === 'list') return { ...node, items: node.items.map((item, i) => this.node(item, joinPath(path, i))) }
    const entries = new Map<string, Entry>()
    for (const [key, { at, value }] of node.entries) {
      const skip = path === '' && isScratch(key)
      entries.set(key, { at, value: skip ? value : this.node(value, joinPath(path, key)) })
    }
    return mapNode(node.at, entries)
  }

  #scalar(node: ScalarNode, path: string): Node {
    if (typeof node.value !== 'string' || !node.value.includes('${')) return node
    const faults: string[] = []
    const { text, secret } = this.#text(node.value, faults)
    if (faults.length > 0) {
      for (const message of faults) this.problems.push({ at: node.at, path, message })
      return brokenNode(node.at)
    }
    if (secret) this.secrets.add(text)
    const value = node.plain && !secret && text !== '' ? plainValue(text) : text
    return scalarNode(node.at, value, { text, secret, plain: false })
  }

  #text(text: string, faults: string[]): { text: string; secret: boolean } {
    let out = ''
    let secret = false
    let last = 0
    for (let at = text.indexOf('${'); at >= 0; at = text.indexOf('${', last)) {
      if (text[at - 1] === '$' && at > last) {
        out += `${text.slice(last, at - 1)}\${`
        last = at + 2
        continue
      }
      const end = closingBrace(text, at + 2)
      if (end < 0) {
        faults.push('has "${" without "}"; write "$${" for a plain "${"')
        break
      }
      const got = this.#reference(text.slice(at + 2, end), faults)
      out += text.slice(last, at) + got.text
      secret ||= got.secret
      last = end + 1
    }
    return { text: out + text.slice(last), secret }
  }

  #reference(inner: string, faults: string[]): { text: string; secret: boolean } {
    const variable = /^([A-Za-z_]\w*)(?::-([^]*))?$/.exec(inner)
    if (variable !== null) {
      const [, name = '', fallback] = variable
      const value = this.#from.env[name]
      if (value !== undefined && (value !== '' || fallback === undefined)) return { text: value, secret: false }
      if (fallback !== undefined) return this.#text(fallback, faults)
      faults.push(`environment variable ${name} is not set; set it, or write \${${name}:-default}`)
      return { text: '', secret: false }
    }
    const source = /^(file|credential):([^]+)$/.exec(inner)
    if (source === null) {
      faults.push(
        `"\${${inner.slice(0, 40)}}" is no variable; write \${VAR}, \${VAR:-default}, \${file:/path} ` +
          'or ${credential:NAME}, and "$${" for a plain "${"'
      )
      return { text: '', secret: false }
    }
    const name = this.#text(source[2]!, faults).text
    const text =
      source[1] === 'file' ? this.#file(resolve(this.#from.dir, name), faults) : this.#credential(name, faults)
    if (text !== '') this.secrets.add(text)
    return { text, secret: true }
  }

  #credential(name: string, faults: string[]): string {
    const dir = this.#from.env['CREDENTIALS_DIRECTORY']
    if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/.test(name)) {
      faults.push(`"${name}" cannot be the name of a credential`)
      return ''
    }
    if (dir === undefined || dir === '') {
      faults.push(`credential "${name}" needs $CREDENTIALS_DIRECTORY, which systemd sets where LoadCredential= is used`)
      return ''
    }
    return this.#file(join(dir, name), faults)
  }

  #file(path: string, faults: string[]): string {
    this.reads.add(path)
    let fd: number | undefined
    try {
      // A FIFO would hold the start up until somebody writes to it.
      fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
      const stat = fstatSync(fd)
      if (!stat.isFile()) faults.push(`${path} is no regular file`)
      else if ((stat.mode & 0o004) !== 0)
        faults.push(`${path} is readable by everyone and so no place for a secret; chmod o-r it`)
      else if (stat.size > MAX_SECRET_BYTES) faults.push(`${path} is larger than 1 MiB`)
      else return readFileSync(fd, 'utf8').replace(/\r?\n$/, '')
    } catch (error) {
      faults.push(`cannot read the secret: ${describe(error)}`)
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
    return ''
  }
}

/** Index of the brace that closes what was opened before `from`; -1 when there is none. */
function closingBrace(text: string, from: number): number {
  let depth = 1
  for (let i = from; i < text.length; i++) {
    if (text[i] === '{') depth++
    else if (text[i] === '}' && --depth === 0) return i
  }
  return -1
}
