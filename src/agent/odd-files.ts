// Programs that aren't there, and TLS files that don't belong together: told before the agent needs them.
import { readFileSync, statSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { Problem } from '../config/problem.ts'
import type { Unit } from '../config/checked.ts'
import type { Position } from '../config/tree.ts'
import { errnoOf } from '../core/errors.ts'
import type { CheckedConfig } from './components.ts'

/** Where a service finds programs besides the `PATH` of whoever asks: systemd.exec(5). */
const SERVICE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** A bundle of certificates is smaller. */
const MOST_BYTES = 1024 * 1024

interface Command {
  readonly argv: readonly string[]
  readonly option: string
  readonly cwd?: string | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
}

/** Programs of checks, remedies and notifications that can't be run. Relative paths start from `configDir`. */
export function oddPrograms({ units }: CheckedConfig, configDir: string, env: NodeJS.ProcessEnv): Problem[] {
  const checks = units.checks.flatMap(unit => {
    const remedy = unit.common.remedy?.command
    const own = unit.type === 'command' ? [commandOf(unit.options)] : []
    return [...own, ...(remedy === undefined ? [] : [{ argv: remedy, option: 'remedy.command' }])].map(command => ({
      unit: unit as Unit<unknown>,
      command
    }))
  })
  const notify = units.notify
    .filter(unit => unit.type === 'exec')
    .map(unit => ({ unit: unit as Unit<unknown>, command: commandOf(unit.options) }))
  return [...checks, ...notify].flatMap(({ unit, command }) => {
    const message = programFault(command, configDir, env)
    const option = `${command.option}[0]`
    return message === undefined ? [] : [{ at: unit.at(option), path: `${unit.path}.${option}`, message }]
  })
}

function commandOf(options: unknown): Command {
  const { command, cwd, env } = options as { command: readonly string[]; cwd?: string; env?: Record<string, string> }
  return { argv: command, option: 'command', cwd, env }
}

function programFault({ argv, cwd, env: own }: Command, configDir: string, env: NodeJS.ProcessEnv): string | undefined {
  const [program = ''] = argv
  if (program.includes('/')) {
    // Without a folder of its own it starts from where the service does, which isn't known here.
    if (!program.startsWith('/') && cwd === undefined) return undefined
    return fileFault(resolve(configDir, cwd ?? '', program))
  }
  const given = own?.['PATH']
  const path = given ?? [env['PATH'] ?? '', SERVICE_PATH].join(delimiter)
  const folders = path.split(delimiter).filter(folder => folder !== '')
  const found = folders.some(folder => fileFault(join(folder, program)) === undefined)
  return found ? undefined : `there is no program "${program}" in ${given === undefined ? '$PATH' : given}`
}

function fileFault(path: string): string | undefined {
  try {
    const stats = statSync(path)
    if (stats.isDirectory()) return 'is a folder, not a program'
    return (stats.mode & 0o111) === 0 ? `${path} is not executable` : undefined
  } catch (error) {
    // What this user may not see may be there for the agent.
    return ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '') ? `there is no program ${path}` : undefined
  }
}

interface TlsPair {
  readonly cert_file?: string | undefined
  readonly key_file?: string | undefined
}

/** Certificates whose key is another's, of units and of the listener. Files that this user can't read pass. */
export function oddKeys({ units, sections }: CheckedConfig, configDir: string): Problem[] {
  const admin = sections.admin
  const listener = admin.values.enabled
    ? [{ at: admin.at, path: 'admin', option: 'tls_server_config', tls: admin.values.tls_server_config }]
    : []
  const all = (Object.values(units) as ReadonlyArray<ReadonlyArray<Unit<unknown>>>).flat()
  const owners: Array<{ at: (option: string) => Position; path: string; option: string; tls: TlsPair | undefined }> = [
    ...all.map(({ at, path, options }) => ({ at, path, option: 'tls', tls: (options as { tls?: TlsPair }).tls })),
    ...listener
  ]
  return owners.flatMap(({ at, path, option, tls }) => {
    if (tls?.cert_file === undefined || tls.key_file === undefined) return []
    const fault = pairFault(resolve(configDir, tls.cert_file), resolve(configDir, tls.key_file))
    if (fault === undefined) return []
    const place = `${option}.${fault.option}`
    return [{ at: at(place), path: `${path}.${place}`, message: fault.message }]
  })
}

interface PairFault {
  readonly option: keyof TlsPair
  readonly message: string
}

function pairFault(certFile: string, keyFile: string): PairFault | undefined {
  const cert = contentOf(certFile)
  const key = contentOf(keyFile)
  if (cert === 'absent') return { option: 'cert_file', message: `there is no file ${certFile}` }
  if (key === 'absent') return { option: 'key_file', message: `there is no file ${keyFile}` }
  if (cert === undefined || key === undefined) return undefined
  try {
    createSecureContext({ cert })
  } catch {
    return { option: 'cert_file', message: `${certFile} holds no certificate in PEM` }
  }
  try {
    createSecureContext({ cert, key })
    return undefined
  } catch (error) {
    const { code } = error as { readonly code?: unknown }
    const others = code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' || code === 'ERR_OSSL_X509_KEY_TYPE_MISMATCH'
    const message = others ? `is not the key of ${certFile}` : `${keyFile} holds no key in PEM without a passphrase`
    return { option: 'key_file', message }
  }
}

/** Undefined when this user can't read it, or it is so large that it is something else. */
function contentOf(path: string): Buffer | 'absent' | undefined {
  try {
    const stats = statSync(path)
    return stats.isFile() && stats.size <= MOST_BYTES ? readFileSync(path) : undefined
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? 'absent' : undefined
  }
}
