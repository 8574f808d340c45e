// Hints that something happened in a folder, from the kernel by way of chokidar. They save waiting; the look is the truth.
import { join } from 'node:path'
import { watch as watchFolders } from 'chokidar'
import type { FSWatcher } from 'chokidar'
import { errnoOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'

/** Watches folders only: one inotify watch each, however many files they hold. */
export class Watch {
  #log: Log
  #hint: (path: string) => void
  #watcher: FSWatcher | undefined
  #folders: ReadonlyMap<string, string> = new Map()
  #refused = new Set<string>()

  /** `hint` gets the path that something happened to: a file in a folder, or a folder. */
  constructor(log: Log, hint: (path: string) => void) {
    this.#log = log
    this.#hint = hint
  }

  /** Watches exactly these folders from now on; the value changes when a folder is another one of the same name. */
  follow(folders: ReadonlyMap<string, string>): void {
    const gone = [...this.#folders].filter(([path, which]) => folders.get(path) !== which).map(([path]) => path)
    const added = [...folders].filter(([path, which]) => this.#folders.get(path) !== which).map(([path]) => path)
    if (added.length === 0 && gone.length === 0) return
    this.#folders = folders
    const watcher = (this.#watcher ??= this.#start())
    if (gone.length > 0) watcher.unwatch(gone)
    if (added.length > 0) watcher.add(added)
  }

  #start(): FSWatcher {
    // Everything in the folders is ignored, so that chokidar neither stats nor reports it; its raw events tell the name.
    const watcher = watchFolders([], {
      depth: 0,
      atomic: false,
      ignoreInitial: true,
      followSymlinks: true,
      ignored: path => !this.#folders.has(path)
    })
    watcher.on('raw', (_event, name, details) => {
      const folder = (details as { watchedPath?: unknown } | undefined)?.watchedPath
      if (typeof folder !== 'string') return
      this.#hint(typeof name === 'string' && name !== '' ? join(folder, name) : folder)
    })
    watcher.on('error', error => this.#tell(error))
    return watcher
  }

  /** The limits of inotify(7) are the usual reason: fs.inotify.max_user_watches and max_user_instances. */
  #tell(error: unknown): void {
    const errno = errnoOf(error) || 'ERROR'
    if (this.#refused.has(errno)) return
    this.#refused.add(errno)
    this.#log.warn(
      { errno, folders: this.#folders.size, err: error },
      'The kernel gives no events for some folders; changes there are found by looking once a second.'
    )
  }

  async close(): Promise<void> {
    await this.#watcher?.close()
  }
}
