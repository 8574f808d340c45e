// The service as systemd knows it: whether it is installed, runs, and what it may do; and its account.
import { readFileSync } from 'node:fs'
import { errnoOf, YarderError } from '../../core/errors.ts'
import { groupsOf, lookUp } from '../../health/accounts.ts'
import { runProgram } from '../../health/program.ts'
import { findingsOf } from './finding.ts'
import type { Finding } from './finding.ts'

const UNIT = 'yarder.service'

/** A property by its name; '' when systemd does not know it. */
export type UnitFacts = (property: string) => string

const PROPERTIES = [
  'LoadState',
  'ActiveState',
  'SubState',
  'Result',
  'NRestarts',
  'UnitFileState',
  'MainPID',
  'ExecMainStatus',
  'StatusText',
  'User',
  'Group',
  'SupplementaryGroups',
  'AmbientCapabilities',
  'PrivateTmp',
  'ProtectSystem',
  'ReadWritePaths',
  'LimitNOFILE',
  'MemoryMax',
  'MemoryCurrent',
  'ActiveEnterTimestamp'
]

/** What systemd says of the unit; undefined where there is no systemd, or no such unit. */
export async function unitFacts(signal: AbortSignal): Promise<UnitFacts | undefined> {
  try {
    const argv = ['systemctl', 'show', `--property=${PROPERTIES.join(',')}`, '--', UNIT]
    const { code, stdout } = await runProgram(argv, signal, { env: { LC_ALL: 'C' } })
    const found = new Map(stdout.split('\n').map(line => [line.split('=', 1)[0]!, line.slice(line.indexOf('=') + 1)]))
    if (code !== 0 || found.get('LoadState') !== 'loaded') return undefined
    return name => found.get(name) ?? ''
  } catch {
    return undefined
  }
}

/** The last lines of the service's log. Rejects with YarderError when there is no journal, or none that may be read. */
export async function readJournal(lines: number, signal: AbortSignal): Promise<string> {
  const argv = ['journalctl', '--no-pager', '-q', '-o', 'short-iso', '-n', String(lines), '-u', UNIT]
  const ended = await runProgram(argv, signal, { env: { LC_ALL: 'C', TZ: 'UTC' }, maxBytes: 4 * 1024 * 1024 }).catch(
    (cause: unknown) => {
      throw new YarderError('RUNTIME', 'starting journalctl', { cause })
    }
  )
  if (ended.code !== 0) throw new YarderError('RUNTIME', `journalctl: ${ended.stderr.trim().split('\n')[0]}`)
  return ended.stdout
}

/** The environment of the running service, where it may be seen; that is where credentials and paths stand. */
export function environmentOf(unit: UnitFacts | undefined): Record<string, string> {
  const pid = Number(unit?.('MainPID') ?? 0)
  if (!(pid > 0)) return {}
  try {
    const pairs = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    return Object.fromEntries(
      pairs.flatMap(p => (p.includes('=') ? [[p.slice(0, p.indexOf('=')), p.slice(p.indexOf('=') + 1)]] : []))
    )
  } catch {
    return {}
  }
}

/** An account with all its groups, the unit's own included. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  /** Numbers of all its groups, those that the unit adds included. */
  readonly groups: readonly number[]
}

/** The account of the service or of `name`. Rejects with YarderError RUNTIME when the host doesn't know it. */
export async function accountOf(name: string, unit: UnitFacts | undefined, signal: AbortSignal): Promise<Account> {
  const passwd = await lookUp('passwd', name, signal)
  if (passwd === undefined) throw new YarderError('RUNTIME', `there is no user ${name} on this host`)
  const names = new Set([...(await groupsOf(name, signal)), ...words(unit?.('SupplementaryGroups'))])
  const groups = await Promise.all([...names].map(group => lookUp('group', group, signal).catch(() => undefined)))
  return {
    name: passwd[0]!,
    uid: Number(passwd[2]),
    gid: Number(passwd[3]),
    groups: groups.flatMap(group => (group === undefined ? [] : [Number(group[2])]))
  }
}

/**
 * Makes this process the account's, for good: what it may then read and write is what the kernel says of the service.
 * Throws the system's error when it may not.
 */
export function become({ uid, gid, groups }: Account): void {
  process.setgroups!([gid, ...groups])
  process.setgid!(gid)
  process.setuid!(uid)
}

const words = (text: string | undefined): string[] => (text ?? '').split(' ').filter(w => w !== '')
const { ok, warning, problem } = findingsOf('service')

/** How the installed service stands. */
export async function unitFindings(unit: UnitFacts, signal: AbortSignal): Promise<Finding[]> {
  const found: Finding[] = [state(unit)]
  const file = unit('UnitFileState')
  if (file === 'disabled') found.push(warning('it does not start with the machine', `systemctl enable ${UNIT}`))
  if (file === 'masked') found.push(problem('it is masked', `systemctl unmask ${UNIT}`))
  const restarts = Number(unit('NRestarts'))
  if (restarts > 0)
    found.push(
      warning(
        `systemd has restarted it ${restarts === 1 ? 'once' : `${restarts} times`}`,
        `journalctl -u ${UNIT} -p warning -n 50`
      )
    )
  const user = unit('User') || 'root'
  if (user === 'root') return [...found, warning('it runs as root', 'systemctl cat yarder')]
  try {
    if ((await lookUp('passwd', user, signal)) === undefined)
      return [...found, problem(`its user ${user} does not exist`, 'systemd-sysusers yarder.conf')]
    const groups = [...new Set([...(await groupsOf(user, signal)), ...words(unit('SupplementaryGroups'))])]
    found.push(ok(`it runs as ${user}, in the groups ${groups.join(', ')}`))
    for (const group of words(unit('SupplementaryGroups')))
      if ((await lookUp('group', group, signal)) === undefined)
        found.push(problem(`its group ${group} does not exist, so that it cannot start`, `groupadd --system ${group}`))
  } catch (error) {
    found.push(warning(`its account could not be looked up (${errnoOf(error) || 'getent'})`, `getent passwd ${user}`))
  }
  return found
}

function state(unit: UnitFacts): Finding {
  const active = unit('ActiveState')
  const status = unit('StatusText')
  if (active === 'active') return ok(`${UNIT} runs (process ${unit('MainPID')})${status === '' ? '' : `: ${status}`}`)
  if (active !== 'failed') return warning(`${UNIT} is ${active} (${unit('SubState')})`, `systemctl start ${UNIT}`)
  return problem(
    `${UNIT} has failed (${unit('Result')}, exit status ${unit('ExecMainStatus')})`,
    `journalctl -u ${UNIT} -p warning -n 20`
  )
}
