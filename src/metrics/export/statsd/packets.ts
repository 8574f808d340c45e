// Lines into datagrams that no link on the way has to cut.

/** What fits a frame of Ethernet, less the headers of IPv6, UDP and a tunnel; what other clients use too. */
export const MTU = 1432

export interface Packets {
  readonly packets: readonly string[]
  /** How many lines were longer than a datagram, and left out. */
  readonly tooLong: number
}

/** Puts lines into as few datagrams as their order allows. A line, or what else comes as one, is never cut. */
export function pack(lines: Iterable<string>, most: number = MTU): Packets {
  const packets: string[] = []
  let packet = ''
  let size = 0
  let tooLong = 0
  for (const line of lines) {
    const bytes = Buffer.byteLength(line)
    if (bytes > most) tooLong++
    else if (packet !== '' && size + 1 + bytes <= most) {
      packet += `\n${line}`
      size += 1 + bytes
    } else {
      if (packet !== '') packets.push(packet)
      packet = line
      size = bytes
    }
  }
  if (packet !== '') packets.push(packet)
  return { packets, tooLong }
}
