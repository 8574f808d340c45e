// The grok pattern of an IPv6 address, built group by group because written out it can't be read.

const group = String.raw`\h{1,4}`
const octet = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`
const dotted = String.raw`${octet}(?:\.${octet}){3}`

/**
 * An address in any form of RFC 4291, with an IPv4 tail or a zone (RFC 4007). There is one path through the groups:
 * after each of them the next is tried before the `::` that may stand there, so no prefix is read twice.
 */
export function ipv6(): string {
  let rest = `(?:${group}|:)`
  for (let left = 1; left <= 6; left++) rest = `(?:${group}:${rest}|${compressed(left)})`
  return String.raw`(?:${group}:${rest}|:(?:${compressed(7)}))(?:%[\w.~-]+)?`
}

/** What may follow the first colon of a `::` when at most `most` groups come after it; a dotted IPv4 stands for two. */
function compressed(most: number): string {
  if (most === 1) return `:(?:${group})?|${dotted}`
  return `(?::${group}){1,${most}}|(?::${group}){0,${most - 2}}:${dotted}|:`
}
