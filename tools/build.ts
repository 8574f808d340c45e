// `npm run build`: the program as one file for packages, with what it reads at run time beside it, in dist/.
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Builds into `dist` (absolute) and returns the path of the bundle. What stood there is replaced. */
export async function buildInto(dist: string): Promise<string> {
  rmSync(dist, { recursive: true, force: true })
  mkdirSync(dist, { recursive: true })
  const bundle = join(dist, 'yarder.cjs')
  await build({
    absWorkingDir: root,
    entryPoints: ['src/main.ts'],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    target: 'node26',
    // CommonJS loads synchronously, without a graph to link, and V8 can keep its compiled form.
    format: 'cjs',
    // Names stay as they are: stacks and profiles of a user's agent must be readable without a source map.
    minifyWhitespace: true,
    // CommonJS has no import.meta. Ours asks in src/core/assets.ts alone; node-cron wants a URL of itself when it is loaded.
    define: { 'import.meta.dirname': '__dirname', 'import.meta.url': 'bundleUrl' },
    banner: { js: `const bundleUrl=require('node:url').pathToFileURL(__filename).href;` },
    // A use of import.meta that was not thought of here would be empty at run time.
    logOverride: { 'empty-import-meta': 'error' },
    legalComments: 'none',
    logLevel: 'warning'
  })
  cpSync(join(root, 'node_modules/vscode-oniguruma/release/onig.wasm'), join(dist, 'onig.wasm'))
  const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    string,
    string
  >
  writeFileSync(
    join(dist, 'package.json'),
    `${JSON.stringify({ name, version, license, type: 'commonjs' }, null, 2)}\n`
  )
  return bundle
}

if (import.meta.main) {
  const bundle = await buildInto(join(root, 'dist'))
  console.log(`${bundle}: ${Math.round(statSync(bundle).size / 1024)} kB`)
}
