// `npm run package`: the .deb and the .rpm, from one staging tree and one manifest, with their checksums.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { packWithNfpm } from './package/nfpm.ts'
import { ARCHES } from './package/runtime.ts'
import type { Arch } from './package/runtime.ts'
import { buildFolder, ROOT, stage } from './package/stage.ts'
import type { Format } from './package/stage.ts'
import { release } from './package/version.ts'

const HELP = `npm run package -- [--format deb|rpm] [--arch x64|arm64] [--quick] [--out FOLDER]
  --format  one format instead of both
  --arch    the architecture instead of this machine's; may be repeated
  --quick   little compression, for tests
  --out     where the packages go, instead of dist/packages
`
const DEBIAN: Record<Arch, string> = { x64: 'amd64', arm64: 'arm64' }
const RPM: Record<Arch, string> = { x64: 'x86_64', arm64: 'aarch64' }

/** As both worlds name their files. */
export function packageName(format: Format, arch: Arch, revision = 1): string {
  const { version } = release(ROOT)
  return format === 'deb'
    ? `yarder_${version}-${revision}_${DEBIAN[arch]}.deb`
    : `yarder-${version}-${revision}.${RPM[arch]}.rpm`
}

/** Builds one package into the folder `out` and returns its path. */
export async function buildPackage(
  out: string,
  format: Format,
  arch: Arch,
  quick: boolean,
  revision?: number
): Promise<string> {
  mkdirSync(out, { recursive: true })
  const folder = buildFolder()
  try {
    const tree = join(folder, 'root')
    await stage(tree, format, arch)
    const target = join(out, packageName(format, arch, revision))
    packWithNfpm(tree, target, format, arch, revision === undefined ? { quick } : { quick, revision })
    return target
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      format: { type: 'string' },
      arch: { type: 'string', multiple: true },
      quick: { type: 'boolean', default: false },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false }
    }
  })
  const formats = (['deb', 'rpm'] as const).filter(f => values.format === undefined || values.format === f)
  const wanted = values.arch ?? [process.arch]
  const arches = ARCHES.filter(a => wanted.includes(a))
  if (values.help || formats.length === 0 || arches.length !== wanted.length) {
    process.stdout.write(HELP)
    process.exitCode = values.help ? 0 : 2
    return
  }
  const out = resolve(values.out ?? join(ROOT, 'dist/packages'))
  const sums: string[] = []
  for (const arch of arches) {
    for (const format of formats) {
      const path = await buildPackage(out, format, arch, values.quick)
      const sum = createHash('sha256').update(readFileSync(path)).digest('hex')
      sums.push(`${sum}  ${basename(path)}\n`)
      console.log(`${path}: ${(statSync(path).size / 1e6).toFixed(1)} MB`)
    }
  }
  writeFileSync(join(out, 'SHA256SUMS'), sums.join(''))
}

if (import.meta.main) await main()
