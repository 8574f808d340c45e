// `journald`: follows the journal of systemd through its rotations and restarts, each entry once.
import { defineInput } from '../core/component.ts'
import { boolean, choice, LEVEL_WORDS, list, optional, size, string } from '../core/field.ts'
import { JournaldInput } from './journald/journald-input.ts'
import { PRIORITIES } from './journald/record.ts'

const word = (doc: string) =>
  string(doc, { pattern: /^[^-\s/][^\s/]*$/, must: 'a name without blanks or slashes, such as "nginx"' })

export const journald = defineInput({
  name: 'journald',
  summary: 'Follows the journal of systemd, through rotation and restarts, each entry once.',
  description:
    'It runs `journalctl` and reads its export format, which is exact for binary fields and several lines. The text of an ' +
    'entry becomes `message`, for pipelines as of any line; its time is the one at which the journal received it, which ' +
    'every entry has and no sender can choose. Other fields are called as ECS and Filebeat do (`log.level`, ' +
    '`log.syslog.appname`, `process.pid`, `process.name`, `systemd.unit`, …), and what has no name there stands under ' +
    '`journald.custom`. The position of each output is the cursor of the entry up to which it has everything; an output ' +
    'that is down or slow gets what it missed by a reading of its own, as long as the journal keeps it. ' +
    'The user of the agent must be in the group `systemd-journal`, else it sees only its own entries; `yarder doctor` ' +
    'says whether it is. With several options an entry must fit each of them. ' +
    'Fields other than the message are cut at 16 KiB, and left out beyond 128 KiB of an entry; the tag `_truncated` says so. ' +
    'Lines of one stack trace are one entry each when a service writes them to its stdout; they are not joined here. ' +
    'Under `--once` the journal is read from its beginning when there is no position.',
  fields: {
    units: list(
      word('A unit, `nginx` or `nginx.service`; `*`, `?` and `[…]` are wildcards.'),
      'Entries of these units and about them, as `journalctl --unit` shows them; all when left out.',
      { default: [], example: ['nginx', 'hello-*'] }
    ),
    identifiers: list(word('A name.'), 'Entries of programs that call themselves so in syslog, as `-t` gives.', {
      default: [],
      example: ['sshd', 'sudo']
    }),
    priority: optional(
      choice(PRIORITIES, 'Entries of this priority and those that are worse.', {
        example: 'warning',
        words: LEVEL_WORDS
      })
    ),
    matches: list(
      string('`FIELD=value`.', {
        pattern: /^[A-Z_][A-Z0-9_]{0,63}=/,
        must: 'a match such as "_TRANSPORT=kernel"'
      }),
      'Entries with these values in these fields; several values of one field are alternatives.',
      { default: [], example: ['_TRANSPORT=kernel'] }
    ),
    current_boot_only: boolean('Entries of earlier boots are left out.', { default: false }),
    start_at: choice(
      ['end', 'beginning'],
      'Where reading starts when the input runs for the first time; later it goes on where it was.',
      { default: 'end' }
    ),
    since: optional(
      string(
        'Where reading starts when the input runs for the first time, instead of `start_at`, as journalctl takes it.',
        {
          example: '3 hours ago'
        }
      )
    ),
    directory: optional(
      string('A folder with journal files, such as those of other hosts, instead of the journal of this host.', {
        example: '/var/log/journal/remote',
        pattern: /^\//,
        must: 'an absolute path'
      })
    ),
    own: boolean(
      "The agent's own lines are entries, too. Shipping them may make further ones, so that it never ends.",
      { default: false }
    ),
    max_line_bytes: size('A longer message is cut there, at a whole UTF-8 character, and flagged.', {
      default: '1MiB',
      min: 16,
      max: '16MiB'
    })
  },
  examples: [
    { title: 'Two services and all that are called alike', yaml: "type: journald\nunits: [nginx, sshd, 'hello-*']" },
    { title: 'Errors of the kernel', yaml: 'type: journald\nmatches: [_TRANSPORT=kernel]\npriority: err' },
    { title: 'What happened before', yaml: "type: journald\nunits: [postgresql]\nsince: '3 hours ago'" }
  ],
  build: (o, ctx) =>
    new JournaldInput(
      {
        units: o.units,
        identifiers: o.identifiers,
        priority: o.priority,
        matches: o.matches,
        currentBootOnly: o.current_boot_only,
        startAt: o.start_at,
        since: o.since,
        directory: o.directory,
        own: o.own,
        maxLineBytes: o.max_line_bytes
      },
      ctx
    )
})
