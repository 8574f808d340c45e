// `date`: makes the time that stands in a field the time of the record.
import { defineStep } from '../../core/component.ts'
import { OptionError } from '../../core/errors.ts'
import { fail, fieldReader, fieldWriter, parseFieldRef } from '../../core/event.ts'
import { boolean, fieldRef, oneOrMore, optional, string } from '../../core/field.ts'
import { FirstThatFits } from './date/first-that-fits.ts'
import { compileDate } from './date/parser.ts'
import { openZone, UTC } from './date/zone.ts'
import type { Zone } from './date/zone.ts'

export const date = defineStep({
  name: 'date',
  summary: 'Takes the time of the record from a field.',
  description: `Formats are Joda's, as in Logstash: \`yyyy\` \`yy\` \`MM\` \`MMM\` (a name) \`dd\` \`DDD\` (day of the year) \`HH\`
\`hh\` with \`a\` \`mm\` \`ss\` \`SSS\` (a fraction, 1 to 9 digits, cut to milliseconds) \`EEE\`, \`Z\` (\`+0100\`, \`+01:00\`, \`Z\`,
\`UTC\`), \`ZZZ\` (\`Europe/Berlin\`, \`CEST\`), and 'quoted text'. A format with a \`%\` in it is strptime's (\`%d/%b/%Y:%H:%M:%S %z\`).
Besides: \`ISO8601\`, \`UNIX\` (seconds, with or without a fraction), \`UNIX_MS\`, \`UNIX_US\`, \`UNIX_NS\`. A number may have
fewer digits than letters (\`dd\` reads \`3\`) unless the next number follows without a gap, and a blank stands for one or more.

The formats are tried in order; the first that fits the whole text wins. The field stays as it is.

A missing year is the one that puts the time nearest before the arrival (at most a day after it); a missing date is that of
the arrival. A time that the clocks skipped in spring is read with the offset before the change; of an hour that they repeat
in autumn the first is taken, unless the line arrived right after the second. What was assumed is named in \`time_assumed\`.`,
  fields: {
    field: fieldRef('Field that holds the time. A record without it is left alone.', { default: 'timestamp' }),
    formats: oneOrMore(string('A format.'), 'Formats of the text, tried in order.', {
      example: ['dd/MMM/yyyy:HH:mm:ss Z', 'ISO8601']
    }),
    timezone: optional(
      string('IANA zone of times that name none, such as Europe/Berlin. Without it that of the agent.', {
        example: 'Europe/Berlin'
      })
    ),
    target: fieldRef('Where the time goes; another field than `@timestamp` gets it as an ISO 8601 text in UTC.', {
      default: '@timestamp'
    }),
    flag_assumed: boolean('Write the field `time_assumed` when year, date or zone were not in the text.', {
      default: true
    }),
    tag_on_failure: string('Tag of a record whose text fits no format.', { default: '_dateparsefailure' })
  },
  examples: [
    {
      title: 'The time of an access log',
      yaml: "date:\n  field: timestamp\n  formats: ['dd/MMM/yyyy:HH:mm:ss Z']\n"
    },
    {
      title: 'Several formats, without a zone',
      yaml: "date:\n  field: time\n  formats: ['yyyy-MM-dd HH:mm:ss,SSS', 'MMM d HH:mm:ss', UNIX]\n  timezone: America/New_York\n"
    }
  ],
  *lint(o) {
    if (o.timezone !== undefined && zoneOf(o.timezone) === undefined) {
      yield ['timezone', `must be an IANA time zone such as Europe/Berlin, got "${o.timezone}"`]
    }
    for (const format of o.formats) {
      try {
        compileDate(format, UTC)
      } catch (error) {
        yield ['formats', (error as Error).message]
      }
    }
  },
  build(o, context) {
    const id = o.timezone ?? context.timezone
    const zone = zoneOf(id)
    if (zone === undefined) throw new OptionError('timezone', `must be an IANA time zone, got "${id}"`)
    const parsers = o.formats.map(format => compileDate(format, zone))
    const read = fieldReader(o.field)
    const write = o.target === '@timestamp' ? undefined : fieldWriter(o.target)
    const find = new FirstThatFits(parsers)
    return {
      ...(write === undefined ? { fuse: { kind: 'date' as const, field: o.field } } : {}),
      writes: ['tags', 'time_assumed', ...(write === undefined ? [] : [parseFieldRef(o.target)![0]!])],
      run: (event, cursor) => {
        const value = read(event, cursor)
        const text = typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
        if (text === undefined) return true
        const ms = find.at(text, cursor.arrival)
        if (ms !== ms) fail(event, cursor, o.tag_on_failure)
        else {
          if (write === undefined) cursor.time = ms
          else write(event, cursor, new Date(ms).toISOString())
          if (o.flag_assumed && find.assumed.length > 0) event['time_assumed'] = [...find.assumed]
        }
        return true
      }
    }
  }
})

function zoneOf(id: string): Zone | undefined {
  try {
    return openZone(id)
  } catch {
    return undefined
  }
}
