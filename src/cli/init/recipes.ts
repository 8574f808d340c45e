// What is known of the programs that usually run on a host: where they log, what to count of it, what to watch.

type Units = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** One kind of log of a program. */
export interface LogRecipe {
  /** Name of the input. */
  readonly input: string
  /** Patterns; those that match nothing on the host are left out. */
  readonly paths: readonly string[]
  readonly exclude?: readonly string[]
  /** Further options of the input, YAML lines. */
  readonly options?: readonly string[]
  /** Name of a pipeline (`PIPELINES`). */
  readonly pipeline: keyof typeof PIPELINES
  /** Said above it. */
  readonly note?: string
  /** Metrics and checks over it, by name. */
  readonly metrics?: Units
  readonly checks?: Units
}

export interface Recipe {
  readonly title: string
  /** Names of the units that it runs as on one system or another. */
  readonly units: readonly string[]
  readonly ports: readonly number[]
  readonly logs: readonly LogRecipe[]
}

export const PIPELINES = {
  web_access: {
    note: 'Access logs of web servers, in the combined format: numbers are numbers, and the time is that of the request.',
    steps: [
      "grok: { match: '%{COMBINEDAPACHELOG}' }",
      "date: { field: timestamp, formats: ['dd/MMM/yyyy:HH:mm:ss Z'] }",
      'convert: { response: integer, bytes: integer }',
      'redact: { presets: [authorization, query_secrets] }'
    ]
  },
  known_formats: {
    note: 'Everything else: the format is recognised line by line.',
    steps: ['auto: {}']
  },
  containers: {
    note: 'What Docker writes of a container: its line becomes the message, and is looked into.',
    steps: [
      'json: { target: docker }',
      'rename: { docker.log: message }',
      'strip: [message]',
      'date: { field: docker.time, formats: [ISO8601] }',
      'auto: {}'
    ]
  }
} as const

const web = (name: string): Pick<LogRecipe, 'metrics' | 'checks'> => ({
  metrics: {
    [`${name}_requests_total`]: {
      type: 'counter',
      help: 'Requests served, by method and status.',
      input: `${name}_access`,
      labels: { verb: 'verb', status: 'response' }
    },
    [`${name}_response_bytes_total`]: {
      type: 'counter',
      help: 'Bytes sent in answers.',
      input: `${name}_access`,
      value: 'bytes',
      unit: 'B'
    }
  },
  checks: {
    [`${name}_errors`]: {
      type: 'log',
      input: `${name}_access`,
      when: { response: { gte: 500 } },
      take: 'percent',
      warning: 5,
      critical: 20
    }
  }
})

/** In the order in which they are written. */
export const RECIPES: readonly Recipe[] = [
  {
    title: 'nginx',
    units: ['nginx'],
    ports: [80, 443],
    logs: [
      { input: 'nginx_access', paths: ['/var/log/nginx/*access*.log'], pipeline: 'web_access', ...web('nginx') },
      { input: 'nginx_error', paths: ['/var/log/nginx/*error*.log'], pipeline: 'known_formats' }
    ]
  },
  {
    title: 'Apache',
    units: ['apache2', 'httpd'],
    ports: [80, 443],
    logs: [
      {
        input: 'apache_access',
        paths: ['/var/log/apache2/*access*.log', '/var/log/httpd/*access_log'],
        exclude: ['other_vhosts_access.log'],
        pipeline: 'web_access',
        ...web('apache')
      },
      {
        input: 'apache_error',
        paths: [
          '/var/log/apache2/*error*.log',
          '/var/log/httpd/*error_log',
          '/var/log/apache2/other_vhosts_access.log'
        ],
        pipeline: 'known_formats'
      }
    ]
  },
  {
    title: 'the system',
    units: [],
    ports: [],
    logs: [{ input: 'syslog', paths: ['/var/log/syslog', '/var/log/messages'], pipeline: 'known_formats' }]
  },
  {
    title: 'logins',
    units: ['ssh', 'sshd'],
    ports: [22],
    logs: [
      {
        input: 'auth',
        paths: ['/var/log/auth.log', '/var/log/secure'],
        pipeline: 'known_formats',
        metrics: {
          failed_logins_total: {
            type: 'counter',
            help: 'Logins that were refused.',
            input: 'auth',
            when: { message: { matches: 'Failed password|Invalid user|authentication failure' } }
          }
        },
        checks: {
          failed_logins: {
            type: 'log',
            input: 'auth',
            when: { message: { matches: 'Failed password|Invalid user' } },
            over: '5m',
            warning: 50,
            critical: 500
          }
        }
      }
    ]
  },
  {
    title: 'PostgreSQL',
    units: ['postgresql'],
    ports: [5432],
    logs: [
      {
        input: 'postgresql',
        paths: ['/var/log/postgresql/*.log', '/var/lib/pgsql/data/log/*.log'],
        options: [String.raw`multiline: { pattern: '^\s' }`],
        pipeline: 'known_formats',
        metrics: {
          postgresql_errors_total: {
            type: 'counter',
            help: 'Errors that PostgreSQL has logged, by severity.',
            input: 'postgresql',
            when: { level: { matches: '^(ERROR|FATAL|PANIC)$' } },
            labels: { level: 'level' }
          }
        }
      }
    ]
  },
  {
    title: 'MySQL',
    units: ['mysql', 'mysqld', 'mariadb'],
    ports: [3306],
    logs: [
      {
        input: 'mysql',
        paths: ['/var/log/mysql/error.log', '/var/log/mysqld.log', '/var/log/mariadb/*.log', '/var/log/mysql/*.err'],
        pipeline: 'known_formats'
      }
    ]
  },
  {
    title: 'Redis',
    units: ['redis-server', 'redis'],
    ports: [6379],
    logs: [{ input: 'redis', paths: ['/var/log/redis/*.log'], pipeline: 'known_formats' }]
  },
  {
    title: 'Docker',
    units: ['docker'],
    ports: [],
    logs: [
      {
        input: 'docker',
        paths: ['/var/lib/docker/containers/*/*-json.log'],
        note: 'Only root may read these: see /usr/share/yarder/drop-ins/read-all-files.conf.',
        pipeline: 'containers'
      }
    ]
  }
]
