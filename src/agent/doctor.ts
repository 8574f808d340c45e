// `yarder doctor`: what keeps this configuration from working on this host, seen as the user who runs it.
import { systemClock } from '../core/clock.ts'
import type { Clock } from '../core/clock.ts'
import type { Context } from '../core/component.ts'
import type { Log } from '../core/log.ts'
import { compileGlob } from '../input/file/glob.ts'
import { dataDirOf } from './data-dir.ts'
import type { CheckedConfig } from './components.ts'
import { fileFindings } from './doctor/files.ts'
import type { FileInputPaths, FileReader, Seen } from './doctor/files.ts'
import { dropIn, findingsOf } from './doctor/finding.ts'
import type { Finding } from './doctor/finding.ts'
import { clockFindings, diskFindings, journalFindings, kernelFindings } from './doctor/host.ts'
import { limitFindings } from './doctor/limits.ts'
import { outputFindings } from './doctor/outputs.ts'
import { listenerFindings, lockFindings, lockState } from './doctor/running.ts'
import { unitFindings } from './doctor/unit.ts'
import type { UnitFacts } from './doctor/unit.ts'

export type { Finding } from './doctor/finding.ts'
export { accountOf, become, environmentOf, readJournal, unitFacts } from './doctor/unit.ts'

export interface Patient {
  readonly checked: CheckedConfig
  readonly configDir: string
  readonly env: NodeJS.ProcessEnv
  /** Name of the user who looks. */
  readonly user: string
  /** The service, when the user is its user. */
  readonly unit: UnitFacts | undefined
  contextOf(section: string, name: string, log: Log): Context
  readonly clock?: Clock
}

/** For everything; what takes longer says so. */
const FILES_MS = 15_000
const ASK_MS = 5000
const OUTPUTS_MS = 10_000

/** What is found; takes at most about half a minute, changes nothing and never rejects for what it finds. */
export async function diagnose(patient: Patient): Promise<Finding[]> {
  const { checked, configDir, env, unit, user, clock = systemClock } = patient
  const dataDir = dataDirOf(checked, configDir, env)
  const reader: FileReader = {
    configDir,
    user,
    privateTmp: unit?.('PrivateTmp') === 'yes',
    readsAll: /\bcap_dac_(?:read_search|override)\b/.test(unit?.('AmbientCapabilities') ?? '')
  }
  const outputs = Promise.all(
    checked.units.outputs.map(output =>
      outputFindings(output, (name, log) => patient.contextOf('output', name, log), AbortSignal.timeout(OUTPUTS_MS))
    )
  )
  const host = Promise.all([
    unit === undefined ? [] : unitFindings(unit, AbortSignal.timeout(ASK_MS)),
    listener(patient, dataDir),
    clockFindings(clock.now(), AbortSignal.timeout(ASK_MS))
  ])
  const { found: files, seen } = await lookAtFiles(checked, reader)
  const folders = fileInputs(checked).flatMap(input => input.paths.map(path => compileGlob(path, configDir).base))
  const needsJournal = checked.units.inputs.some(input => (input.type as string) === 'journald')
  const [service, listening, time] = await host
  return [
    ...service,
    ...files,
    ...journalFindings(user, needsJournal),
    ...(await outputs).flat(),
    ...sandbox(checked, unit),
    ...diskFindings(dataDir, user, unit !== undefined),
    ...lockFindings(dataDir, Number(unit?.('MainPID') ?? 0)),
    ...listening,
    ...limitFindings({ mayOpen: mayOpen(checked), files: seen.files, folders: seen.folders }, unit?.('LimitNOFILE')),
    ...time,
    ...kernelFindings(folders)
  ]
}

async function lookAtFiles(checked: CheckedConfig, reader: FileReader): Promise<{ found: Finding[]; seen: Seen }> {
  const seen: Seen = { files: 0, folders: 0 }
  const signal = AbortSignal.timeout(FILES_MS)
  const found: Finding[] = []
  for (const input of fileInputs(checked)) found.push(...(await fileFindings(input, reader, seen, signal)))
  return { found, seen }
}

interface FileOptions {
  readonly paths: readonly string[]
  readonly exclude: readonly string[]
  readonly max_open_files: number
}

const fileUnits = (checked: CheckedConfig) => checked.units.inputs.filter(unit => (unit.type as string) === 'file')

const fileInputs = (checked: CheckedConfig): FileInputPaths[] =>
  fileUnits(checked).map(({ name, options }) => {
    const { paths, exclude } = options as FileOptions
    return { name, paths, exclude }
  })

const mayOpen = (checked: CheckedConfig): number =>
  fileUnits(checked).reduce((sum, { options }) => sum + (options as FileOptions).max_open_files, 0)

function listener({ checked }: Patient, dataDir: string): Promise<Finding[]> {
  const { enabled, listen } = checked.sections.admin.values
  if (!enabled) return Promise.resolve([findingsOf('listener').ok('admin.enabled is false: nobody listens')])
  return listenerFindings(listen, lockState(dataDir), AbortSignal.timeout(ASK_MS))
}

/** Where the service may not write, whatever modes say. */
function sandbox(checked: CheckedConfig, unit: UnitFacts | undefined): Finding[] {
  if (unit?.('ProtectSystem') !== 'strict') return []
  const open = ['/var/lib/yarder', '/run/yarder', ...unit('ReadWritePaths').split(' ')].filter(path => path !== '')
  const { problem } = findingsOf('outputs')
  return checked.units.outputs.flatMap(output => {
    const path = (output.type as string) === 'file' ? String((output.options as { path: unknown }).path) : undefined
    if (path === undefined || !path.startsWith('/') || open.some(folder => path.startsWith(`${folder}/`))) return []
    const folder = path.slice(0, path.lastIndexOf('/')) || '/'
    const text = `${output.name}: the service may write nowhere but in /var/lib/yarder, and this is ${path}`
    return [problem(text, dropIn('write', `ReadWritePaths=${folder}`))]
  })
}
