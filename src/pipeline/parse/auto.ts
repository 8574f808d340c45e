// `auto`: recognises the usual formats line by line, for files of which nothing is known and for mixed ones.
import { defineStep } from '../../core/component.ts'
import type { Context } from '../../core/component.ts'
import { fail, fieldReader } from '../../core/event.ts'
import type { Cursor, Event } from '../../core/event.ts'
import { fieldRef, string } from '../../core/field.ts'
import { toEcs } from '../transform/schema.ts'
import { insideText, servicePrefix } from './auto/inside.ts'
import { takeJson, takeLogfmt } from './auto/structured.ts'
import { compileShape } from './auto/shape.ts'
import type { Compiled } from './auto/shape.ts'
import { SHAPES } from './auto/shapes.ts'
import { openZone } from './date/zone.ts'
import { putter } from './put.ts'

const BRACE = 123

export const auto = defineStep({
  name: 'auto',
  summary: 'Recognises the format of a line and takes its fields: time, level, logger, process, and those of HTTP.',
  description: `Known are, line by line: the access logs of web servers (combined, common, virtual hosts, Werkzeug, http.server, App
Engine), error logs of nginx and Apache, syslog (RFC 3164, RFC 5424, ISO times, journalctl), JSON, logfmt, PostgreSQL, MySQL,
Redis, Java (log4j, logback, Spring Boot), Python (logging, Pecan, Airflow, RQ), PHP (Monolog), Ruby, glog, AWS Lambda, Azure
and Google Cloud Functions, Taurus, Flask, Kubernetes (CRI), and lines that only begin with a time or a level. The prefix of
Docker Compose (\`app_1 | …\`) goes into \`service\`.

The names are those of Logstash's patterns (\`clientip\`, \`verb\`, \`response\` …), or of ECS under \`schema: ecs\`. Numbers are
numbers, and a \`-\` makes no field. The line stays in \`message\` unless it is JSON. The time of the line becomes that of the
record, with zone, year or date assumed where it has none (named in \`time_assumed\`). A line of no known format is tagged.

Where the format is known, its own parser is faster and stricter.`,
  fields: {
    field: fieldRef('Field that holds the line. A record without it is left alone.', { default: 'message' }),
    format_field: fieldRef('Field that gets the name of the format.', { default: 'format' }),
    tag_on_failure: string('Tag of a record of no known format.', { default: '_autoparsefailure' })
  },
  examples: [{ title: 'Logs of all kinds', yaml: 'auto: {}\n' }],
  build(o, context) {
    const read = fieldReader(o.field)
    const named = fieldReader(o.format_field)
    const name = putter(o.format_field)
    const formats = byFirstCharacter(context)
    const ecs = context.schema === 'ecs'
    const recognise = (line: string, event: Event, cursor: Cursor): string | undefined => {
      const first = line.charCodeAt(0)
      if (first === BRACE) {
        const name = takeJson(line, o.field, event, cursor)
        if (name !== undefined) return name
      }
      const candidates = formats[first < 128 ? first : 0]!
      for (let i = 0; i < candidates.length; i++) {
        if (candidates[i]!.take(line, event, cursor)) return candidates[i]!.name
      }
      return takeLogfmt(line, event, cursor)
    }
    return {
      writes: 'any',
      run: (event, cursor) => {
        const line = read(event, cursor)
        if (typeof line !== 'string') return true
        const prefix = servicePrefix(line)
        const text = prefix === 0 ? line : line.slice(prefix)
        const format = recognise(text, event, cursor) ?? (prefix > 0 ? 'compose' : undefined)
        if (prefix > 0) event['service'] = line.slice(0, line.indexOf('|')).trimEnd()
        if (format === undefined) fail(event, cursor, o.tag_on_failure)
        else if (named(event, cursor) === undefined) name(event, cursor, format)
        if (ecs) toEcs(event)
        return true
      }
    }
  }
})

/** For each ASCII character the formats whose lines may begin with it, in the order of the table. */
function byFirstCharacter(context: Context): Compiled[][] {
  const zone = openZone(context.timezone)
  const table: Compiled[][] = Array.from({ length: 128 }, () => [])
  for (const shape of SHAPES) {
    const compiled = compileShape(shape, zone, insideText)
    const starts = new RegExp(`[${shape.starts.replace('[', '\\[')}]`)
    for (let c = 1; c < 128; c++) if (starts.test(String.fromCharCode(c))) table[c]!.push(compiled)
  }
  return table
}
