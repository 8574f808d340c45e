// Writes the agent's own lines to a descriptor without ever waiting for whoever reads it.
import { closeSync, constants, fstatSync, openSync, write, writeSync } from 'node:fs'

/** Lines that do not fit are counted and told once there is room again. */
const MAX_QUEUED = 1024 * 1024
/** The reader went away, or the descriptor: no later write can succeed. */
const GONE = new Set(['EPIPE', 'EBADF', 'ECONNRESET', 'ENOTCONN', 'ENXIO'])
/** Waits before the next try, ms: a reader that is slow, and a disk that is full or broken. */
const SLOW_MS = 20
const DISK_MS = 500

export interface LineWriter {
  write(text: string): void
  /** Resolves when all is written, or after `deadlineMs`. */
  flush(deadlineMs: number): Promise<void>
}

/**
 * A pipe or a terminal is opened a second time without blocking, so that a stalled reader costs nothing; a socket (the
 * journal's) can't be opened, and is written to from libuv's threads. A full disk is tried again until it has room; a reader
 * that is gone ends the writing: logging never stops the agent.
 */
export function createLineWriter(fd: number, maxQueued = MAX_QUEUED): LineWriter {
  const own = openWithoutBlocking(fd)
  const queue: Buffer[] = []
  let queued = 0
  let dropped = 0
  let busy = false
  let broken = false
  let refused = false
  let waiters: (() => void)[] = []

  /** A disk that refuses is not waited for at the end. */
  function settle(): void {
    if (queue.length > 0 && !broken && !refused) return
    for (const done of waiters.splice(0)) done()
  }

  function advance(written: number): void {
    queued -= written
    while (written > 0) {
      const head = queue[0]!
      if (written < head.length) {
        queue[0] = head.subarray(written)
        return
      }
      written -= head.length
      queue.shift()
    }
  }

  function fault({ code = '' }: NodeJS.ErrnoException): void {
    if (GONE.has(code)) {
      broken = true
      queue.length = queued = 0
      return settle()
    }
    refused = code !== 'EAGAIN' && code !== 'EINTR'
    busy = true
    setTimeout(again, refused ? DISK_MS : SLOW_MS).unref()
    settle()
  }

  function again(): void {
    busy = false
    pump()
  }

  function wrote(bytes: number): void {
    refused = false
    advance(bytes)
  }

  function pump(): void {
    if (busy || broken) return settle()
    while (queue.length > 0) {
      if (own === undefined) {
        busy = true
        write(fd, queue[0]!, (error, written) => {
          if (error !== null) return fault(error)
          wrote(written)
          again()
        })
        return
      }
      try {
        wrote(writeSync(own, queue[0]!))
      } catch (error) {
        return fault(error as NodeJS.ErrnoException)
      }
    }
    if (dropped > 0) {
      const n = dropped
      dropped = 0
      add(`yarder: ${n} lines of the agent's own log were dropped, since they could not be written\n`)
    }
    settle()
  }

  function add(text: string): void {
    if (broken) return
    const bytes = Buffer.from(text)
    if (queued + bytes.length > maxQueued) {
      dropped++
      return
    }
    queue.push(bytes)
    queued += bytes.length
    pump()
  }

  return {
    write: add,
    flush: deadlineMs =>
      new Promise(resolve => {
        const timer = setTimeout(resolve, deadlineMs)
        waiters.push(() => {
          clearTimeout(timer)
          resolve()
        })
        pump()
      })
  }
}

function openWithoutBlocking(fd: number): number | undefined {
  try {
    const stat = fstatSync(fd)
    if (stat.isSocket()) return undefined
    // A file never stalls, and a second opening would have a place of its own in it: stdout may write there too.
    if (stat.isFile()) return fd
    const own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK)
    if (fstatSync(own).rdev === stat.rdev) return own
    closeSync(own)
    return undefined
  } catch {
    return undefined
  }
}
