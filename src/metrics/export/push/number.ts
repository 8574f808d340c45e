// Numbers as StatsD and Graphite servers all read them: without exponents.

const DECIMALS = new Intl.NumberFormat('en-US', { useGrouping: false, maximumFractionDigits: 20 })

/** A finite number in plain decimals. */
export function plainNumber(n: number): string {
  const text = String(n)
  return text.includes('e') ? DECIMALS.format(n) : text
}
