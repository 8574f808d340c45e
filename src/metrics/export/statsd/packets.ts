// Lines into datagrams that no link on the way has to cut.

/** What fits a frame of Ethernet, less the headers of IPv6, UDP and a tunnel; what other clients use too. */
export const MTU = 1432

export interface Packets {
  readonly packets: readonly string[]
  /** How many lines were longer than a datagram, and left out. */
  readonly tooLong: number
}

/** Puts lines (ASCII) into as few datagrams as their order allows. A line, or what else comes as one, is never cut. */
export function pack(lines: Iterable<string>, most: number = MTU): Packets {
  const packets: string[] = []
  let packet = ''
  let tooLong = 0
  for (const line of lines) {
    if (line.length > most) tooLong++
    else if (packet === '') packet = line
    else if (packet.length + 1 + line.length <= most) packet += `\n${line}`
    else {
      packets.push(packet)
      packet = line
    }
  }
  if (packet !== '') packets.push(packet)
  return { packets, tooLong }
}
