// `file`: follows files by path patterns through rotation, truncation, compression and restarts, without losing a line.
import { defineInput } from '../core/component.ts'
import { boolean, choice, duration, integer, list, oneOrMore, size, string } from '../core/field.ts'
import { FileInput } from './file/file-input.ts'
import { compileMultiline, lintMultiline, multilineField } from './multiline.ts'

export const file = defineInput({
  name: 'file',
  summary: 'Follows log files, through rotation, truncation and restarts, each line once.',
  description:
    'A file is known by its device, inode and first bytes, not by its name: renamed it is read on, compressed or copied ' +
    'away its rest is read inside. Positions are kept by output and move only when the output has taken over a record. ' +
    'A line is read when its newline is there. Under `--once` files without a position are read from their beginning.',
  fields: {
    paths: oneOrMore(string('A path; `*`, `?`, `[…]`, `{a,b}` and `**` are wildcards.'), 'Which files to follow.', {
      example: ['/var/log/nginx/*.log']
    }),
    exclude: list(
      string('A pattern; without a slash it is compared with the name alone.'),
      'Files that match are not followed.',
      { default: [], example: ['*.gz'] }
    ),
    start_at: choice(
      ['end', 'beginning'],
      'Where reading starts in files that stand there when the input runs for the first time; later files are read from their first byte.',
      { default: 'end' }
    ),
    multiline: multilineField,
    max_line_bytes: size(
      'A longer line is cut there, at a whole UTF-8 character, and flagged; the rest of it is left out.',
      {
        default: '1MiB',
        min: 16,
        max: '16MiB'
      }
    ),
    read_bytes: size('How much of a file is read in its turn.', { default: '256KiB', min: '4KiB', max: '16MiB' }),
    max_open_files: integer('Files that are open at once; idle ones are closed for others.', { default: 1000, min: 1 }),
    poll: duration('How often files are looked at when the kernel sends no events.', {
      default: '1s',
      min: '10ms',
      max: '1m'
    }),
    close_inactive: duration('A file without new lines is closed after this time; it is opened again when it grows.', {
      default: '5m',
      min: '1s'
    }),
    close_removed: duration('A deleted file that was read to its end is held open so long for a late writer.', {
      default: '30s',
      min: 0
    }),
    clean_removed: duration('The position of a file that is out of sight is kept so long.', {
      default: '7d',
      min: '1m'
    }),
    ignore_older: duration(
      'Files that were not written for so long when they are found are read only from their end; 0 is never.',
      {
        default: 0,
        min: 0
      }
    ),
    watch: boolean('Asks the kernel for events; without them the poll alone finds changes.', { default: true })
  },
  examples: [
    {
      title: 'All logs of nginx',
      yaml: "type: file\npaths: [/var/log/nginx/*.log]\nexclude: ['*.gz']\nstart_at: beginning"
    },
    { title: 'Stack traces', yaml: 'type: file\npaths: [/srv/app/log/**/*.log]\nmultiline: { preset: java }' }
  ],
  *lint(o) {
    yield* lintMultiline(o.multiline)
  },
  build: (o, ctx) =>
    new FileInput(
      {
        paths: o.paths,
        exclude: o.exclude,
        startAt: o.start_at,
        maxLineBytes: o.max_line_bytes,
        multiline: compileMultiline(o.multiline),
        chunkBytes: o.read_bytes,
        maxOpenFiles: o.max_open_files,
        poll: o.poll,
        closeInactive: o.close_inactive,
        closeRemoved: o.close_removed,
        cleanRemoved: o.clean_removed,
        ignoreOlder: o.ignore_older,
        watch: o.watch
      },
      ctx
    )
})
