// Looks whether SQLite's write-ahead log lost its end: SQLite itself ignores all that follows a damaged frame, and says nothing.
import { readFileSync } from 'node:fs'

// The layout is SQLite's, https://www.sqlite.org/fileformat2.html#the_write_ahead_log
const HEADER = 32
const FRAME_HEADER = 24
const MAGIC = 0x377f0682

/**
 * What is wrong with the log at `path`: undefined when every frame of its present round is whole, or when there is none.
 * To be asked before the database is opened, since opening ends the log. Throws when the file can't be read.
 */
export function logFault(path: string): string | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  if (bytes.length === 0) return undefined
  if (bytes.length < HEADER) return 'its header is cut'
  const magic = bytes.readUInt32BE(0)
  if ((magic & ~1) !== MAGIC) return 'it is none'
  // The lowest bit says in which order the checksums take the bytes of a word.
  const bigEndian = (magic & 1) === 1
  let sum = checksum(bytes, 0, 24, [0, 0], bigEndian)
  if (sum[0] !== bytes.readUInt32BE(24) || sum[1] !== bytes.readUInt32BE(28)) return 'its header is damaged'
  const page = bytes.readUInt32BE(8)
  const salt = bytes.subarray(16, 24)
  for (let at = HEADER; at < bytes.length; at += FRAME_HEADER + page) {
    if (bytes.length - at < FRAME_HEADER + page) return 'its last frame is cut'
    sum = checksum(bytes, at, at + 8, sum, bigEndian)
    sum = checksum(bytes, at + FRAME_HEADER, at + FRAME_HEADER + page, sum, bigEndian)
    const whole = sum[0] === bytes.readUInt32BE(at + 16) && sum[1] === bytes.readUInt32BE(at + 20)
    const salted = bytes.subarray(at + 8, at + 16).equals(salt)
    if (whole && salted) continue
    // Frames of an earlier round, whose first salt is a little lower, lie behind the end of this one.
    const rounds = (salt.readUInt32BE(0) - bytes.readUInt32BE(at + 8)) >>> 0
    const stale = !whole && rounds > 0 && rounds < 65_536 && !hasSalt(bytes, at, FRAME_HEADER + page, salt)
    return stale ? undefined : `its frame at ${at} is damaged`
  }
  return undefined
}

function hasSalt(bytes: Buffer, from: number, step: number, salt: Buffer): boolean {
  for (let at = from; at + FRAME_HEADER <= bytes.length; at += step)
    if (bytes.subarray(at + 8, at + 16).equals(salt)) return true
  return false
}

type Sum = readonly [number, number]

function checksum(bytes: Buffer, from: number, to: number, [a, b]: Sum, bigEndian: boolean): Sum {
  const word = (at: number): number => (bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at))
  for (let at = from; at < to; at += 8) {
    a = (a + word(at) + b) >>> 0
    b = (b + word(at + 4) + a) >>> 0
  }
  return [a, b]
}
