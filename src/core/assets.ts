// The program's own files that are no code: where they lie, from a checkout as from a bundle.
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** From the root of a checkout. A bundle (tools/build.ts) has them all beside itself. */
const IN_CHECKOUT = {
  'package.json': 'package.json',
  'onig.wasm': 'node_modules/vscode-oniguruma/release/onig.wasm'
}

/** Absolute path of a file that is shipped with the program. */
export function assetPath(name: keyof typeof IN_CHECKOUT): string {
  // The bundler writes the bundle's own folder here.
  const here = import.meta.dirname
  const beside = join(here, name)
  return existsSync(beside) ? beside : join(here, '../..', IN_CHECKOUT[name])
}
