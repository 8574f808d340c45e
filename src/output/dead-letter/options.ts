// The options of dead letters, the same for every output.
import { choice, object, size } from '../../core/field.ts'
import type { Values } from '../../core/field.ts'

const fields = {
  max_bytes: size('Bytes on disk, about.', { default: '128MiB', min: '1MiB', max: '1TiB' }),
  when_full: choice(
    ['drop_oldest', 'block'],
    'What happens to the next one past `max_bytes`: `drop_oldest` removes the oldest letters, told and counted; ' +
      '`block` takes none, and the refused records wait unacknowledged, in time all that come after them, until ' +
      'letters are replayed or dropped.',
    { default: 'drop_oldest' }
  )
}

/** `dead_letter`, as every output has it. */
export const deadLetterField = object(
  fields,
  'Bounds of what is kept of the records that the destination refuses for good (`yarder dlq`).',
  { default: {} }
)
export type DeadLetterOptions = Values<typeof fields>
