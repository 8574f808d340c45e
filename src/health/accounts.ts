// Users and groups as the host knows them, LDAP and the like included, asked of getent and id.
import { readFileSync } from 'node:fs'
import { describe, YarderError } from '../core/errors.ts'
import { runProgram } from './program.ts'
import type { Ended } from './program.ts'

/** A name that no program takes for an option, and that no database takes for more than a name. */
export const ACCOUNT = /^[A-Za-z0-9_.][A-Za-z0-9_.@\\-]*\$?$/

const NOT_FOUND = 2

async function ask(argv: readonly string[], signal: AbortSignal): Promise<Ended> {
  try {
    return await runProgram(argv, signal, { env: { LC_ALL: 'C' } })
  } catch (cause) {
    throw new YarderError('RUNTIME', `starting ${argv[0]}`, { cause })
  }
}

const failed = (program: string, { code, stderr }: Ended): YarderError =>
  new YarderError('RUNTIME', `${program}: ${stderr.trim().split('\n')[0] || `exit status ${code}`}`)

/**
 * The fields of passwd(5) or group(5) for a name or a number; undefined when there is no such. Rejects with YarderError
 * when the host cannot say.
 */
export async function lookUp(
  database: 'passwd' | 'group',
  name: string,
  signal: AbortSignal
): Promise<readonly string[] | undefined> {
  const near = inFile(database, name)
  if (near !== undefined) return near
  const ended = await ask(['getent', database, name], signal)
  if (ended.code === NOT_FOUND) return undefined
  if (ended.code !== 0) throw failed('getent', ended)
  return ended.stdout.split('\n', 1)[0]!.split(':')
}

/** To start a program takes the host a hundred times as long, so who stands in the file is looked up there, where that is what getent does first. */
function inFile(database: 'passwd' | 'group', name: string): readonly string[] | undefined {
  // A number would be one of another field.
  if (/^\d+$/.test(name)) return undefined
  try {
    // nsswitch.conf(5): an action in brackets may let others have a say.
    if (!new RegExp(`^${database}:\\s*files(?!\\s*\\[)`, 'm').test(readFileSync('/etc/nsswitch.conf', 'utf8')))
      return undefined
    const lines = readFileSync(`/etc/${database}`, 'utf8').split('\n')
    return lines.find(line => line.startsWith(`${name}:`))?.split(':')
  } catch {
    // getent knows what else there is.
    return undefined
  }
}

/** Names of the groups a user belongs to. */
export async function groupsOf(user: string, signal: AbortSignal): Promise<readonly string[]> {
  const ended = await ask(['id', '-nG', user], signal)
  if (ended.code !== 0) throw failed('id', ended)
  return ended.stdout.trim().split(/\s+/)
}

/** For the message of a check that could not ask. */
export const unasked = (error: unknown) => ({ state: 'unknown', reason: 'error', message: describe(error) }) as const
