// Writes what is generated from the components: the reference, the JSON Schema and the sample. `--check` only compares.
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { catalog } from '../src/agent/components.ts'
import { SCHEMA_FILE } from '../src/cli/docs.ts'
import { referencePages } from '../src/config/reference.ts'
import { sampleConfig } from '../src/config/sample.ts'
import { configSchema } from '../src/config/schema.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const REFERENCE = 'docs/reference'
const GENERATED = '# Generated from the components; edit their definitions, then: npm run docs'

/** Path below the root → text. */
function generated(): Map<string, string> {
  const files = new Map<string, string>()
  for (const [name, text] of referencePages(catalog)) files.set(join(REFERENCE, name), text)
  files.set(`docs/${SCHEMA_FILE}`, `${JSON.stringify(configSchema(catalog), null, 2)}\n`)
  files.set('examples/yarder.sample.yaml', `${GENERATED}\n${sampleConfig(catalog, `../docs/${SCHEMA_FILE}`)}`)
  return files
}

const read = (path: string): string | undefined =>
  existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined

const files = generated()
const stale = [...files].filter(([path, text]) => read(path) !== text).map(([path]) => path)
// Pages of components that are gone; what a person wrote stays.
const left = globSync(`${REFERENCE}/**/*.md`, { cwd: root }).filter(
  path => !files.has(path) && read(path)!.startsWith('<!-- Generated ')
)

if (process.argv.includes('--check')) {
  for (const path of [...stale, ...left]) console.error(`${path} is not up to date; run: npm run docs`)
  process.exitCode = stale.length + left.length > 0 ? 1 : 0
} else {
  for (const path of left) rmSync(join(root, path))
  for (const path of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), files.get(path)!)
  }
  console.log(`${stale.length} written, ${left.length} removed, ${files.size - stale.length} as they were`)
}
