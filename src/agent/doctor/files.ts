// Whether the inputs can read their files: every element of every path, asked of the kernel as the user who runs this.
import { closeSync, constants, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { errnoOf } from '../../core/errors.ts'
import { lookUp } from '../../health/accounts.ts'
import { explainAccess, hopsOf } from '../../input/file/access.ts'
import { Discovery } from '../../input/file/discover.ts'
import { compileExclude, compileGlob } from '../../input/file/glob.ts'
import { counted, dropIn, findingsOf, word } from './finding.ts'
import type { Finding } from './finding.ts'

const { ok, warning, problem } = findingsOf('files')

/** Findings of one kind about one input; more of them are counted. */
const MOST = 20

/** What the files are read as, and from where. */
export interface FileReader {
  readonly configDir: string
  /** Name of the user. */
  readonly user: string
  /** The service has a /tmp of its own. */
  readonly privateTmp: boolean
  /** The service may read everything, whatever modes say. */
  readonly readsAll: boolean
}

export interface FileInputPaths {
  readonly name: string
  readonly paths: readonly string[]
  readonly exclude: readonly string[]
}

/** How many files and folders were seen, for the limits. */
export interface Seen {
  files: number
  folders: number
}

/** The findings of one input; counts into `seen`. Stops early when the signal aborts, and says so. */
export async function fileFindings(
  input: FileInputPaths,
  reader: FileReader,
  seen: Seen,
  signal: AbortSignal
): Promise<Finding[]> {
  const globs = input.paths.map(path => compileGlob(path, reader.configDir))
  const refused = new Map<string, unknown>()
  const discovery = new Discovery(globs, compileExclude(input.exclude, reader.configDir), {
    elapsed: () => performance.now(),
    now: () => Date.now(),
    trouble: (path, error) => void (error !== undefined && refused.set(path, error)),
    folder: () => {}
  })
  const aborted = new Promise<'late'>(resolve =>
    signal.addEventListener('abort', () => resolve('late'), { once: true })
  )
  const looked = await Promise.race([discovery.look(true), aborted])
  if (looked === 'late') return [warning(`${input.name}: looking for its files takes too long; narrow its patterns`)]
  seen.folders += discovery.folders().size
  const found: Finding[] = []
  for (const [path, error] of refused) found.push(await folderFinding(input.name, path, error, reader))
  let readable = 0
  let looks = 0
  for (const path of discovery.paths) {
    if (++looks % 256 === 0) await turn()
    if (signal.aborted) return [...found, warning(`${input.name}: it has too many files to look at each`)]
    seen.files++
    const finding = await fileFinding(input.name, path, reader)
    if (finding === undefined) readable++
    else found.push(finding)
  }
  if (readable > 0) found.unshift(ok(`${input.name}: ${counted(readable, 'file')} can be read by ${reader.user}`))
  else if (discovery.paths.size === 0 && refused.size === 0)
    found.push(warning(`${input.name}: no file matches ${input.paths.join(', ')}`, `ls -ld ${word(globs[0]!.base)}`))
  if (reader.privateTmp && globs.some(glob => /^(?:\/var)?\/tmp(?:\/|$)/.test(glob.base)))
    found.push(
      problem(
        `${input.name}: the service has a /tmp of its own and never sees these files`,
        dropIn('tmp', 'PrivateTmp=no')
      )
    )
  return found.length <= MOST
    ? found
    : [...found.slice(0, MOST), warning(`${input.name}: ${found.length - MOST} findings more, alike`)]
}

async function folderFinding(name: string, path: string, error: unknown, reader: FileReader): Promise<Finding> {
  const errno = errnoOf(error)
  if (errno === 'ENOENT') return warning(`${name}: the folder ${path} does not exist`, `ls -ld ${word(dirname(path))}`)
  if (errno === 'EACCES' && reader.readsAll) return ok(`${name}: ${path} can be listed by CAP_DAC_READ_SEARCH`)
  // A folder that lets pass and can't be listed has no hop that refuses.
  const why = explainAccess(path) || `${path} cannot be listed (${errno})`
  return problem(`${name}: ${why}`, await mendOf(path, reader, 'rx'))
}

/** Undefined for a file that can be read. */
async function fileFinding(name: string, path: string, reader: FileReader): Promise<Finding | undefined> {
  try {
    const st = statSync(path)
    if (!st.isFile()) return warning(`${name}: ${path} is no regular file and is left alone`, `stat ${word(path)}`)
    closeSync(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK))
    return undefined
  } catch (error) {
    const errno = errnoOf(error)
    const why = explainAccess(path)
    if (errno === 'ENOENT')
      return warning(`${name}: ${why || `${path} does not exist`} (yet)`, `ls -ld ${word(dirname(path))}`)
    if ((errno === 'EACCES' || errno === 'EPERM') && reader.readsAll) return undefined
    return problem(`${name}: ${why || `${path} cannot be opened (${errno})`}`, await mendOf(path, reader, 'r'))
  }
}

/** The command that lets the user pass the element that refuses. */
async function mendOf(path: string, { user }: FileReader, want: 'r' | 'rx'): Promise<string> {
  const hop = hopsOf(path).find(h => h.refuses !== undefined)
  const at = hop?.path ?? path
  const acl = (rights: string, to: string): string => `setfacl -m u:${word(user)}:${rights} ${word(to)}`
  if (hop?.refuses === 'search') {
    // What can't even be looked at is refused by the folder above it.
    return hop.mode === '' ? acl('x', dirname(at)) : acl(at === path ? want : 'x', at)
  }
  if (hop?.refuses !== 'read') return acl(want, at)
  const gid = hop.owner.split(':')[1]!
  const group = hop.mode[4] === 'r' && gid !== '0' ? await groupName(gid) : undefined
  if (group !== undefined) return `usermod -aG ${word(group)} ${word(user)} && systemctl restart yarder`
  // The default entry is for the files that rotation makes.
  return `${acl('r', at)} && setfacl -d -m u:${word(user)}:r ${word(dirname(at))}`
}

async function groupName(gid: string): Promise<string | undefined> {
  try {
    return (await lookUp('group', gid, AbortSignal.timeout(2000)))?.[0]
  } catch {
    return undefined
  }
}
