// Buffers for encoded records, used again once every output has settled: fresh ones cost page faults with each batch.

/** A bounded stack of buffers of any size. */
export interface BufferPool {
  take(): Buffer
  give(buffer: Buffer): void
}

/** `size` of a new buffer and `keep` at most so many idle ones (bytes). */
export function createBufferPool(size: number, keep: number): BufferPool {
  const idle: Buffer[] = []
  let kept = 0
  return {
    take() {
      const buffer = idle.pop()
      if (buffer === undefined) return Buffer.allocUnsafeSlow(size)
      kept -= buffer.length
      return buffer
    },
    give(buffer) {
      if (kept + buffer.length > keep) return
      kept += buffer.length
      idle.push(buffer)
    }
  }
}
