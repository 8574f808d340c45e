// `npm run build`: the program as one file for packages, with what it reads at run time beside it, in dist/.
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

export interface Built {
  /** Path of the bundle. */
  readonly bundle: string
  /** Names of the npm packages with a part in it. */
  readonly packages: readonly string[]
}

/** Builds into `dist` (absolute) and returns the path of the bundle. What stood there is replaced. */
export const buildInto = async (dist: string): Promise<string> => (await bundleInto(dist)).bundle

/** The same, and what is in it. */
export async function bundleInto(dist: string): Promise<Built> {
  rmSync(dist, { recursive: true, force: true })
  mkdirSync(dist, { recursive: true })
  const bundle = join(dist, 'yarder.cjs')
  const { metafile } = await build({
    metafile: true,
    absWorkingDir: root,
    entryPoints: ['src/main.ts'],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    target: 'node26',
    // CommonJS loads synchronously, without a graph to link, and V8 can keep its compiled form.
    format: 'cjs',
    // The bundle names its modules by their paths: those of a node_modules that is a link would say where it was built.
    preserveSymlinks: true,
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
  const inputs = Object.keys(metafile.inputs).map(path => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
  const packages = new Set(inputs.filter(name => name !== undefined))
  // Its WebAssembly lies beside the bundle.
  packages.add('vscode-oniguruma')
  return { bundle, packages: [...packages].sort() }
}

if (import.meta.main) {
  const bundle = await buildInto(join(root, 'dist'))
  console.log(`${bundle}: ${Math.round(statSync(bundle).size / 1024)} kB`)
}
