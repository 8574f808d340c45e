// The numbers about an output's dead letters.
import type { Clock } from '../../core/clock.ts'
import type { Instruments } from '../../core/instruments.ts'

export interface DeadLetterNumbers {
  readonly letters: number
  /** Of their files. */
  readonly bytes: number
  /** When the oldest was refused, milliseconds since the epoch. */
  readonly oldest: number | undefined
}

export interface DeadLetterMeters {
  removed(letters: number, bytes: number): void
  replayed(delivered: number, refused: number): void
  /** Takes its series out again. */
  close(): void
}

export function deadLetterMeters(
  i: Instruments,
  output: string,
  clock: Pick<Clock, 'now'>,
  read: () => DeadLetterNumbers
): DeadLetterMeters {
  const own = ['output']
  const letters = i.gauge('yarder_output_dead_letters', 'Dead letters on disk.', own)
  const bytes = i.gauge('yarder_output_dead_letter_bytes', 'Bytes of the files of dead letters.', own)
  const age = i.gauge('yarder_output_dead_letter_oldest_age_seconds', 'Age of the oldest; 0 without any.', own)
  const removed = i.counter(
    'yarder_output_dead_letter_removed_total',
    'Dead letters removed to keep their bound (`dead_letter.max_bytes`).',
    own
  )
  const removedBytes = i.counter(
    'yarder_output_dead_letter_removed_bytes_total',
    'Bytes of dead letters removed to keep their bound.',
    own
  )
  const replayed = i.counter('yarder_output_dead_letter_replayed_total', 'Dead letters sent again, by result.', [
    'output',
    'result'
  ])
  const forget = i.beforeScrape(() => {
    const now = read()
    letters.set(now.letters, output)
    bytes.set(now.bytes, output)
    age.set(now.oldest === undefined ? 0 : Math.max(0, (clock.now() - now.oldest) / 1000), output)
  })
  return {
    removed(count, size) {
      removed.add(count, output)
      removedBytes.add(size, output)
    },
    replayed(delivered, refused) {
      if (delivered > 0) replayed.add(delivered, output, 'delivered')
      if (refused > 0) replayed.add(refused, output, 'refused')
    },
    close() {
      forget()
      for (const gauge of [letters, bytes, age]) gauge.remove(output)
    }
  }
}
