// What a disk, an editor or a careless copy can do to a state file.
import { existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import type { Random } from './seed.ts'

interface Damage {
  readonly name: string
  /** It must be told; else it may be harmless. */
  readonly told: boolean
  harm(path: string, random: Random): void
}

function withoutLog(path: string): void {
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
}

export const damages: readonly Damage[] = [
  {
    name: 'zeroed',
    told: true,
    harm(path) {
      writeFileSync(path, Buffer.alloc(readFileSync(path).length))
    }
  },
  {
    name: 'its log overwritten',
    told: false,
    harm(path) {
      const log = `${path}-wal`
      if (existsSync(log)) writeFileSync(log, Buffer.alloc(readFileSync(log).length, 'x'))
    }
  },
  {
    name: 'cut',
    told: true,
    harm(path, random) {
      withoutLog(path)
      truncateSync(path, random.between(1, Math.max(1, readFileSync(path).length - 4096)))
    }
  },
  {
    name: 'bits flipped in the file and its log',
    told: false,
    harm(path, random) {
      for (const file of [path, `${path}-wal`].filter(existsSync)) {
        const bytes = readFileSync(file)
        for (let i = 0; i < 8; i++) bytes[random.between(0, bytes.length - 1)]! ^= 1 << random.between(0, 7)
        writeFileSync(file, bytes)
      }
    }
  },
  {
    name: 'text',
    told: true,
    harm(path) {
      withoutLog(path)
      writeFileSync(path, 'positions\n'.repeat(1000))
    }
  },
  {
    name: 'a folder',
    told: true,
    harm(path) {
      withoutLog(path)
      rmSync(path)
      mkdirSync(path)
    }
  },
  {
    name: 'empty',
    told: true,
    harm(path) {
      withoutLog(path)
      writeFileSync(path, '')
    }
  }
]
