// What is no fault of a configuration and can hardly be meant; it is told as warnings.
import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Problem } from '../config/problem.ts'
import type { CheckedConfig } from './components.ts'
import { oddKeys, oddPrograms } from './odd-files.ts'

/** Each at its place. Relative paths start from `configDir`. */
export const oddities = (checked: CheckedConfig, configDir: string, env: NodeJS.ProcessEnv): Problem[] => [
  ...oddPaths(checked, configDir),
  ...oddPrograms(checked, configDir, env),
  ...oddKeys(checked, configDir),
  ...idlePipelines(checked)
]

function oddPaths({ units }: CheckedConfig, configDir: string): Problem[] {
  return units.inputs.flatMap(unit => {
    const { paths } = unit.options as { readonly paths?: readonly string[] }
    if (unit.type !== 'file' || paths === undefined) return []
    return paths.flatMap((path, i) => {
      const message = oddity(path, configDir)
      const option = `paths[${i}]`
      return message === undefined ? [] : [{ at: unit.at(option), path: `${unit.path}.${option}`, message }]
    })
  })
}

function oddity(path: string, configDir: string): string | undefined {
  if (path.startsWith('~')) return '"~" stands for no home folder here; write the whole path'
  return isFolder(resolve(configDir, path))
    ? `is a folder; to follow the files in it write ${join(path, '*.log')}`
    : undefined
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  } catch {
    // Whether it can be read is told by the input, and by `yarder doctor`.
    return false
  }
}

/** Whoever writes a pipeline and forgets to name it in an input gets records that went through none. */
function idlePipelines({ pipelines, units, names }: CheckedConfig): Problem[] {
  if (names('inputs').length > units.inputs.length) return []
  const used = new Set(units.inputs.map(unit => unit.common.pipeline?.name))
  return [...pipelines.values()]
    .filter(({ name }) => !used.has(name))
    .map(({ name, at }) => ({ at, path: `pipelines.${name}`, message: 'is used by no input; its "pipeline" names it' }))
}
