// The count of what stands in the way of reading, common to the inputs that find it.
import type { Context } from '../core/component.ts'

/** Counts one trouble, when it begins. `errno` is a name such as EACCES, or a word where there is none. */
export function errorCounter({ instruments, name }: Context): (errno: string) => void {
  const errors = instruments.counter(
    'yarder_input_errors_total',
    'Files, folders and journals that could not be read, each counted when it began.',
    ['input', 'errno']
  )
  return errno => errors.add(1, name, errno)
}
