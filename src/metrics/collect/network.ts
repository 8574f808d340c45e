// What went over the network: /proc/net/dev (proc_pid_net(5)), and whether an interface is up.
import { Bound } from './samples.ts'
import type { Into } from './samples.ts'
import { matcher, textOf } from './source.ts'

interface Options {
  readonly proc: string
  readonly sys: string
  readonly exclude_interfaces: readonly string[]
  readonly max_series: number
}

const KINDS = ['bytes', 'packets', 'errors', 'dropped'] as const
const HELP = {
  bytes: 'Bytes over an interface.',
  packets: 'Packets over an interface.',
  errors: 'Packets that were damaged or could not be sent.',
  dropped: 'Packets that nothing was wrong with and that were thrown away.'
}
/** Columns of what was received; as many of what was sent follow. */
const COLUMNS = 8

export function createNetwork(o: Options): (into: Into) => Promise<void> {
  const excluded = matcher(o.exclude_interfaces)
  const bound = new Bound(o.max_series)
  return async into => {
    const lines = (textOf(o.proc, 'net/dev') ?? '').split('\n').slice(2)
    const interfaces = lines
      // A large number stands right behind the colon, and an alias has a colon itself.
      .map(line => ({
        name: line.slice(0, line.lastIndexOf(':')).trim(),
        columns: line.slice(line.lastIndexOf(':') + 1)
      }))
      .filter(({ name }) => name !== '' && !excluded(name))
    await bound.walk(
      interfaces,
      ({ name }) => ({ device: name }),
      into,
      ({ name, columns }, into) => {
        const numbers = columns.trim().split(/\s+/).map(Number)
        for (const [i, kind] of KINDS.entries()) {
          into.counter(`network_receive_${kind}_total`, HELP[kind], numbers[i] ?? NaN)
          into.counter(`network_transmit_${kind}_total`, HELP[kind], numbers[COLUMNS + i] ?? NaN)
        }
        const state = textOf(o.sys, 'class/net', name, 'operstate')
        if (state !== undefined) into.gauge('network_up', 'Whether an interface is up.', state === 'up' ? 1 : 0)
      }
    )
  }
}
