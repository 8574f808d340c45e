// The options of `agent` and `admin`, and those that every input and output takes besides its own.
import * as f from '../core/field.ts'
import { isBcrypt } from './listener/bcrypt.ts'
import { lintTlsServer, tlsServerFields } from './listener/tls-server.ts'

/** A zone that this Node knows. */
function isZone(id: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: id }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

export const agentFields = {
  environment: f.string("Tag on every record and on each of the agent's own lines.", {
    default: 'DEVEL',
    example: '${APP_ENVIRON:-DEVEL}'
  }),
  region: f.optional(
    f.string('Where the host stands; a field of every record and part of metric prefixes.', { example: 'us-east-1' })
  ),
  fields: f.map(f.anything('Any value.'), 'Put under `fields` on every record.', {
    default: {},
    example: { team: 'storefront' }
  }),
  tags: f.list(f.string('A tag.'), 'Put into `tags` of every record.', { default: [] }),
  schema: f.choice(
    ['logstash', 'ecs'],
    "Names of the fields: those of Logstash's legacy patterns, or the Elastic Common Schema.",
    { default: 'logstash' }
  ),
  timezone: f.optional(
    f.string("IANA zone of times in logs that name none; the host's when absent.", {
      example: 'Europe/Berlin',
      pattern: { test: isZone },
      must: 'an IANA zone such as "Europe/Berlin"'
    })
  ),
  data_dir: f.optional(
    f.string('Where positions and dead letters are kept; `$STATE_DIRECTORY`, else `/var/lib/yarder`. One agent each.', {
      example: '/var/lib/yarder'
    })
  ),
  log_level: f.choice(
    ['error', 'warn', 'info', 'debug'],
    'How much the agent says about itself; `$LOGLEVEL` wins. See `yarder log-level`.',
    { default: 'info', words: { err: 'error', warning: 'warn' } }
  ),
  log_format: f.choice(
    ['text', 'json'],
    "The agent's own lines on stderr: text for people and the journal, or one JSON object a line.",
    { default: 'text' }
  ),
  ship_own_errors: f.boolean("Send the agent's own errors through its outputs too, as records.", { default: true }),
  notify_ready: f.optional(
    f.oneOrMore(
      f.string('Name of an entry of `notify`.'),
      'Who is told, once after each start, that the agent is ready for work: when every check with `every` was looked at and none is critical, and no output or input has failed. A node that was out of rotation calls the API in this way after a restart.',
      { example: ['balancer'] }
    )
  ),
  shutdown_timeout: f.duration('On SIGTERM, how long what was read may take to be acknowledged.', {
    default: '10s',
    min: '0s',
    max: '10m'
  }),
  watch_config: f.boolean('Reload when a file of the configuration changes, as SIGHUP does.', { default: false })
}

export const adminFields = {
  enabled: f.boolean('Serve `/metrics` and `/health`.', { default: true }),
  listen: f.hostPort('Address of `/metrics`, `/health`, `/health/live` and `/health/ready`.', {
    default: '127.0.0.1:9680'
  }),
  tls_server_config: f.optional(
    f.object(
      tlsServerFields,
      "TLS, in the words of Prometheus' web config; files are read again when they change. Without it plain HTTP is spoken.",
      { example: { cert_file: '/etc/yarder/web.pem', key_file: '/etc/yarder/web.key' } }
    )
  ),
  basic_auth_users: f.map(
    f.string('A bcrypt hash.', {
      secret: true,
      pattern: { test: isBcrypt },
      must: 'a bcrypt hash of cost 4 to 14, as `htpasswd -nBC 10 NAME` prints it'
    }),
    "Names that may ask, each with the bcrypt hash of its password (`htpasswd -nBC 10 NAME`), in the words of Prometheus' web config. Everything that is served then needs one of them, `/health` too; without any everybody may ask.",
    { default: {}, example: { prometheus: '$2y$10$…' } }
  )
}

/** What of the listener's options does not go together. */
export function* lintAdmin(o: AdminOptions): Iterable<readonly [option: string, message: string]> {
  for (const [option, message] of lintTlsServer(o.tls_server_config)) yield [`tls_server_config.${option}`, message]
}
export type AdminOptions = f.Values<typeof adminFields>

export const inputCommonFields = {
  outputs: f.optional(
    f.list(
      f.string('Name of an output.'),
      'Which outputs get the records; all of them when absent. An empty list ships none: for logs that only metrics or `log` checks are made of.'
    )
  ),
  fields: f.optional(
    f.map(f.anything('Any value.'), "Put under `fields` on every record of the input, over the agent's.")
  ),
  tags: f.list(f.string('A tag.'), "Put into `tags` of every record of the input, after the agent's.", { default: [] }),
  rate_limit: f.optional(
    f.rate(
      'The input reads no more than this: records or bytes in a second, minute or hour; what a second gives may go at once after a pause. The rest waits where it is.',
      { example: '10000/s' }
    )
  )
}
