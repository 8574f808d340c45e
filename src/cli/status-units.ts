// Sizes and times as `yarder status` writes them.

const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** `12.3 MiB`. */
export function bytes(n: number): string {
  let i = 0
  while (n >= 1024 && i < BYTES.length - 1) {
    n /= 1024
    i++
  }
  return `${i === 0 ? n : n.toFixed(1)} ${BYTES[i]}`
}

/** `12 s`, `5 min`, `3.2 h`, of milliseconds. */
export function seconds(ms: number): string {
  const s = Math.round(ms / 1000)
  return s < 120 ? `${s} s` : s < 7200 ? `${Math.round(s / 60)} min` : `${(s / 3600).toFixed(1)} h`
}
