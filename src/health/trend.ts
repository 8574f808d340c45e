// Where a number is heading: a line through what was seen of it lately.

/** Samples kept; when there are more, every second one goes, so that they still span the whole time. */
const MAX_SAMPLES = 120

export interface Trend {
  /** `at` in milliseconds on the monotonic clock. */
  add(at: number, value: number): void
  /** Units a second over the last `overMs`; undefined until a quarter of that was seen. */
  slope(): number | undefined
}

/** Least squares over the samples of the last `overMs`. */
export function createTrend(overMs: number): Trend {
  let samples: { readonly at: number; readonly value: number }[] = []
  return {
    add(at, value) {
      samples.push({ at, value })
      const oldest = samples.findIndex(s => s.at >= at - overMs)
      if (oldest > 0) samples.splice(0, oldest)
      if (samples.length > MAX_SAMPLES)
        samples = samples.filter((_, i) => i === 0 || i % 2 === (samples.length - 1) % 2)
    },
    slope() {
      const first = samples[0]
      const last = samples.at(-1)
      if (first === undefined || last === undefined || samples.length < 3 || last.at - first.at < overMs / 4)
        return undefined
      const n = samples.length
      const meanAt = samples.reduce((sum, s) => sum + (s.at - first.at), 0) / n
      const mean = samples.reduce((sum, s) => sum + s.value, 0) / n
      let above = 0
      let below = 0
      for (const s of samples) {
        const dx = s.at - first.at - meanAt
        above += dx * (s.value - mean)
        below += dx * dx
      }
      return (above / below) * 1000
    }
  }
}
