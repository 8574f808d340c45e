// `package` check: a package is installed, in the right version, as dpkg or rpm have it.
import { defineCheck } from '../../core/component.ts'
import { describe, errnoOf } from '../../core/errors.ts'
import { boolean, choice, optional, regex, string } from '../../core/field.ts'
import { runProgram } from '../program.ts'

/** How each is asked; it answers with a line for every architecture: the state, a blank, the version. */
const ASK = {
  dpkg: ['dpkg-query', '--show', '--showformat=${db:Status-Status} ${Version}\\n', '--'],
  rpm: ['rpm', '--query', '--queryformat', 'installed %{EVR}\\n', '--']
} as const
type Manager = keyof typeof ASK

export const packageCheck = defineCheck({
  name: 'package',
  summary: 'Looks whether a package is installed, and in which version.',
  description:
    'Asked of `dpkg-query` or `rpm`, of the first that the host has. A package that was removed with its configuration left is not installed.',
  fields: {
    package: string('Name of the package.', {
      example: 'nginx',
      pattern: /^[A-Za-z0-9][A-Za-z0-9+._:~-]*$/,
      must: 'the name of a package'
    }),
    installed: boolean('Whether it should be installed.', { default: true }),
    version: optional(regex('Must match in its version.', { example: '^1\\.2[4-9]\\.' })),
    manager: choice(['auto', 'dpkg', 'rpm'], 'Which database is asked.', { default: 'auto' })
  },
  examples: [
    { title: 'nginx of the right series', yaml: 'type: package\npackage: nginx\nversion: ^1\\.2[4-9]\\.' },
    { title: 'Nobody left telnet behind', yaml: 'type: package\npackage: telnetd\ninstalled: false' }
  ],
  *lint(o) {
    if (!o.installed && o.version !== undefined) yield ['version', 'is for a package that should be installed']
  },
  build: o => async signal => {
    const name = o.package
    try {
      const versions = await installedVersions(o.manager === 'auto' ? ['dpkg', 'rpm'] : [o.manager], name, signal)
      const is = versions.length > 0
      if (is !== o.installed)
        return is
          ? { state: 'critical', reason: 'present', message: `${name} ${versions.join(', ')} is installed` }
          : { state: 'critical', reason: 'missing', message: `${name} is not installed` }
      const wrong = versions.filter(version => o.version?.test(version) === false)
      if (wrong.length > 0) {
        const message = `${name} is installed as ${wrong.join(', ')}, expected ${o.version!.source}`
        return { state: 'critical', reason: 'version', message }
      }
      const message = is ? `${name} ${versions.join(', ')} is installed` : `${name} is not installed`
      return { state: 'ok', reason: 'ok', message }
    } catch (error) {
      return { state: 'unknown', reason: 'start', message: describe(error) }
    }
  }
})

/** Of the first manager that the host has; none when it knows no such package. */
async function installedVersions(managers: readonly Manager[], name: string, signal: AbortSignal): Promise<string[]> {
  for (const manager of managers) {
    try {
      const { stdout } = await runProgram([...ASK[manager], name], signal, { env: { LC_ALL: 'C' } })
      return stdout
        .split('\n')
        .flatMap(line => (line.startsWith('installed ') ? [line.slice('installed '.length)] : []))
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
    }
  }
  throw new Error(`this host has no ${managers.map(m => ASK[m][0]).join(' and no ')}`)
}
