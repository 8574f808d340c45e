// The first words of Lumberjack to a server, to learn without a record whether it speaks something else.
import type { Socket } from 'node:net'
import type { Clock } from '../../core/clock.ts'
import { YarderError } from '../../core/errors.ts'
import { socketError } from '../dial.ts'

/** How long an answer is waited for; a Beats input has none before the first record. */
const QUIET_MS = 1000

/**
 * The head of a window of ten records, none of which follows: Logstash drops it with the connection. Its last byte is
 * a line feed, so that servers which read lines answer as well.
 */
const WINDOW = Buffer.from('2W\0\0\0\n', 'latin1')

/** Rejects with PROTOCOL when what comes back, or an end, is not Lumberjack's; silence is all that Logstash says. Closes the socket. */
export async function examine(
  socket: Socket,
  { name, secured, clock, signal }: { name: string; secured: boolean; clock: Clock; signal: AbortSignal }
): Promise<void> {
  const over = new AbortController()
  const { promise, reject } = Promise.withResolvers<never>()
  const doing = `speaking Lumberjack to ${name}`
  const hint = secured ? 'is it a Beats input?' : 'is it a Beats input? If it speaks TLS, add tls'
  const closed = (): void => reject(new YarderError('PROTOCOL', `${doing}: it closes at the first words; ${hint}`))
  const quiet = new Promise<void>(resolve => {
    socket.on('data', (chunk: Buffer) => {
      const other = otherThanLumberjack(chunk)
      if (other === undefined) resolve()
      else reject(new YarderError('PROTOCOL', `${doing}: ${other}`))
    })
    void clock.wait(QUIET_MS, over.signal).then(resolve)
  })
  socket.on('error', (error: NodeJS.ErrnoException) =>
    error.code === 'ECONNRESET' || error.code === 'EPIPE' ? closed() : reject(socketError(doing, error))
  )
  socket.on('end', closed)
  socket.on('close', closed)
  const onAbort = (): void => reject(new YarderError('UNREACHABLE', doing, { cause: signal.reason }))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    if (signal.aborted) onAbort()
    socket.write(WINDOW)
    await Promise.race([quiet, promise])
  } finally {
    over.abort()
    signal.removeEventListener('abort', onAbort)
    socket.destroy()
  }
}

/** What the answer shows instead of an acknowledgement. */
function otherThanLumberjack(answer: Buffer): string | undefined {
  const start = answer.toString('latin1', 0, 7)
  if (start.startsWith('2A')) return undefined
  if (start.startsWith('HTTP/')) return 'it answers in HTTP and is no Beats input; is the port right?'
  // An alert of TLS, RFC 8446, 5.1.
  if (start.startsWith('\x15\x03')) return 'it answers in TLS; add tls'
  return 'it answers in another protocol and is no Beats input; is the port right?'
}
