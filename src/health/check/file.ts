// `file` check: a file exists (or does not), and is as old, as big, as protected as it should be, and holds what it should.
import { lstat, stat } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { resolve } from 'node:path'
import { defineCheck } from '../../core/component.ts'
import type { CheckReason, CheckState } from '../../core/component.ts'
import { errnoOf } from '../../core/errors.ts'
import { boolean, choice, duration, optional, regex, size, string } from '../../core/field.ts'
import type { Values } from '../../core/field.ts'
import { ACCOUNT, lookUp } from '../accounts.ts'
import { FileSystems } from '../file-systems.ts'
import { elsewhere, notSeen, ownerHidden } from '../sandbox.ts'
import { sharedOf } from '../shared.ts'
import { tail } from '../tail.ts'
import { sha256 } from './file/sha256.ts'

const fields = {
  path: string('The file or folder.', { example: '/var/backups/db.dump' }),
  exists: boolean('Whether it should exist.', { default: true }),
  kind: optional(choice(['file', 'folder', 'symlink', 'socket', 'pipe', 'device'], 'What it should be.')),
  max_age: optional(duration('It was changed at most this long ago.', { example: '25h' })),
  min_age: optional(duration('It was changed at least this long ago.', { example: '1m' })),
  min_size: optional(size('It is at least this big.', { example: '1KiB' })),
  max_size: optional(size('It is at most this big.', { example: '1GiB' })),
  mode: optional(
    string('Its permissions, octal.', {
      example: '0640',
      pattern: /^0?[0-7]{3,4}$/,
      must: 'an octal mode such as "0640"'
    })
  ),
  user: optional(
    string('Whose it is: a name or a number.', { example: 'root', pattern: ACCOUNT, must: 'the name of an account' })
  ),
  group: optional(
    string('Whose group it is: a name or a number.', { example: 'adm', pattern: ACCOUNT, must: 'the name of a group' })
  ),
  sha256: optional(
    string('Hash of its content.', { pattern: /^[0-9a-f]{64}$/i, must: 'a SHA-256 of 64 hexadecimal digits' })
  ),
  contains: optional(
    regex('Must match somewhere in its last `max_read`.', { example: '^PermitRootLogin no$', flags: 'm' })
  ),
  lacks: optional(regex('Must match nowhere in its last `max_read`.', { example: 'ERROR', flags: 'm' })),
  max_read: size('So much of its end is looked at for `contains` and `lacks`.', {
    default: '1MiB',
    min: 1,
    max: '64MiB'
  })
}
type Options = Values<typeof fields>
type Fault = readonly [reason: CheckReason, message: string] | undefined

export const fileCheck = defineCheck({
  name: 'file',
  summary: 'Looks at a file or folder: whether it exists, its age, size, mode, owner, hash and content.',
  description:
    'In `contains` and `lacks`, `^` and `$` stand for the ends of a line. `kind: symlink` is about the link; all else is about what it leads to.',
  fields,
  examples: [
    { title: 'Last night’s backup', yaml: 'type: file\npath: /var/backups/db.dump\nmax_age: 25h\nmin_size: 1MiB' },
    { title: 'No leftover lock', yaml: 'type: file\npath: /run/deploy.lock\nexists: false' },
    {
      title: 'A file that nobody may have changed',
      yaml: 'type: file\npath: /etc/ssh/sshd_config\nuser: root\nmode: "0600"\ncontains: ^PermitRootLogin no$'
    }
  ],
  *lint(o) {
    const others = [o.kind, o.max_age, o.min_age, o.min_size, o.max_size, o.mode, o.user, o.group]
    if (!o.exists && [...others, o.sha256, o.contains, o.lacks].some(v => v !== undefined))
      yield ['exists', 'a file that must not exist has no age, size, mode, user or content']
    if ((o.min_size ?? 0) > (o.max_size ?? Infinity)) yield ['min_size', 'must not be above max_size']
    if ((o.min_age ?? 0) > (o.max_age ?? Infinity)) yield ['min_age', 'must not be above max_age']
  },
  build(o, context) {
    const path = resolve(context.configDir, o.path)
    const systems = sharedOf(context, FileSystems)
    return async signal => {
      try {
        const s = await systems.ask(path, signal, () => (o.kind === 'symlink' ? lstat(path) : stat(path)))
        const age = context.clock.now() - s.mtimeMs
        const values = { age_seconds: age / 1000, size_bytes: s.size }
        const fault =
          lookFault(o, path, s, age) ??
          (await ownerFault(o, path, s, signal)) ??
          (await contentFault(o, path, s, signal))
        const [reason, message] = fault ?? ['ok', `${path} is as expected`]
        return { state: stateFor(reason), reason, message, values }
      } catch (error) {
        if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(error)))
          return { state: 'unknown', reason: 'permission', message: notSeen(error) }
        const hidden = elsewhere(path)
        if (hidden !== undefined) return { state: 'unknown', reason: 'permission', message: hidden }
        if (!o.exists) return { state: 'ok', reason: 'ok', message: `${path} does not exist` }
        return { state: 'critical', reason: 'missing', message: `${path} does not exist` }
      }
    }
  }
})

const stateFor = (reason: CheckReason): CheckState =>
  reason === 'ok' ? 'ok' : reason === 'permission' ? 'unknown' : 'critical'

const kindOf = (s: Stats): string =>
  s.isFile()
    ? 'file'
    : s.isDirectory()
      ? 'folder'
      : s.isSymbolicLink()
        ? 'symlink'
        : s.isSocket()
          ? 'socket'
          : s.isFIFO()
            ? 'pipe'
            : 'device'

/** What a look from outside shows. `age` in milliseconds. */
function lookFault(o: Options, path: string, s: Stats, age: number): Fault {
  const seconds = Math.round(age / 1000)
  const is = (s.mode & 0o7777).toString(8).padStart(4, '0')
  if (!o.exists) return ['present', `${path} exists`]
  if (o.kind !== undefined && kindOf(s) !== o.kind)
    return ['content', `${path} is a ${kindOf(s)}, expected a ${o.kind}`]
  if (age > (o.max_age ?? Infinity)) return ['age', `${path} was changed ${seconds} s ago, too long`]
  if (age < (o.min_age ?? -Infinity)) return ['age', `${path} was changed ${seconds} s ago, too recently`]
  if (s.size < (o.min_size ?? 0)) return ['size', `${path} has ${s.size} bytes, too few`]
  if (s.size > (o.max_size ?? Infinity)) return ['size', `${path} has ${s.size} bytes, too many`]
  if (o.mode !== undefined && (s.mode & 0o7777) !== Number.parseInt(o.mode, 8))
    return ['mode', `${path} has mode ${is}, expected ${o.mode}`]
  return undefined
}

async function ownerFault(o: Options, path: string, s: Stats, signal: AbortSignal): Promise<Fault> {
  for (const [what, wanted, is, database] of [
    ['belongs to', o.user, s.uid, 'passwd'],
    ['is of the group', o.group, s.gid, 'group']
  ] as const) {
    if (wanted === undefined || wanted === String(is)) continue
    const found = /^\d+$/.test(wanted) ? undefined : await lookUp(database, wanted, signal)
    if (found?.[2] === String(is)) continue
    const hidden = ownerHidden(is)
    if (hidden !== undefined) return ['permission', `${path}: ${hidden}`]
    const name = (await lookUp(database, String(is), signal))?.[0] ?? String(is)
    return ['owner', `${path} ${what} ${name}, expected ${wanted}`]
  }
  return undefined
}

async function contentFault(o: Options, path: string, s: Stats, signal: AbortSignal): Promise<Fault> {
  const wanted = [o.sha256, o.contains, o.lacks].some(option => option !== undefined)
  // A pipe would keep its reader waiting.
  if (wanted && !s.isFile()) return ['content', `${path} is a ${kindOf(s)}, whose content cannot be looked at`]
  if (o.sha256 !== undefined) {
    const is = await sha256(path, signal)
    if (is !== o.sha256.toLowerCase()) return ['content', `${path} has changed: its SHA-256 is ${is}`]
  }
  if (o.contains === undefined && o.lacks === undefined) return undefined
  const text = await tail(path, o.max_read)
  if (o.contains?.test(text) === false) return ['content', `${path} does not contain ${o.contains.source}`]
  const found = o.lacks?.exec(text)
  return found ? ['content', `${path} contains ${JSON.stringify(found[0].slice(0, 80))}`] : undefined
}
