// A small catalog for the tests of config/: of each kind of option one, so that they depend on no real component.
import { defineInput, defineOutput, defineStep, defineValueStep } from '../../../src/core/component.ts'
import type { Input, Output } from '../../../src/core/component.ts'
import { OptionError } from '../../../src/core/errors.ts'
import * as f from '../../../src/core/field.ts'
import { defineCatalog, pipelineField } from '../../../src/config/catalog.ts'

const idle: Input = { run: async () => {} }
const sink: Output = { send: async () => ({ retry: [], rejected: [] }), close: async () => {} }

const file = defineInput({
  name: 'file',
  summary: 'Tails files.',
  description: 'New files are found while it runs.',
  fields: {
    paths: f.oneOrMore(f.string('A glob.'), 'Files to tail.', { example: ['/var/log/*.log'] }),
    exclude: f.list(f.string('A glob.'), 'Files to leave out.', { default: [] }),
    start_at: f.choice(['beginning', 'end'], 'Where to start in files that are there at the first start.', { default: 'end' }),
    max_line_bytes: f.size('Longer lines are cut.', { default: '1MiB', min: 16 }),
    flush_timeout: f.duration('How long an unfinished record may wait.', { default: '1s', max: '1m' }),
    tail: f.optional(f.boolean('Read from the end.', { deprecated: 'use start_at' }))
  },
  examples: [{ title: 'The logs of nginx', yaml: 'nginx:\n  type: file\n  paths: [/var/log/nginx/*.log]' }],
  *lint(o) {
    if (o.start_at === 'beginning' && o.tail === true) yield ['tail', 'contradicts start_at: beginning']
  },
  build: () => idle
})
const stdin = defineInput({ name: 'stdin', summary: 'Reads the standard input.', fields: {}, build: () => idle })

const elasticsearch = defineOutput({
  name: 'elasticsearch',
  summary: 'Sends to Elasticsearch.',
  fields: {
    hosts: f.list(f.url('An address.'), 'Where to send to.', { default: ['http://127.0.0.1:9200'], min: 1 }),
    index: f.template('The index of a record.', { default: 'logstash-%{+yyyy.MM.dd}' }),
    username: f.optional(f.string('Name of the user.')),
    password: f.optional(f.secret('Password of the user.')),
    headers: f.map(f.secret('A value.'), 'Sent with each request.', { default: {} }),
    tls: f.optional(
      f.object(
        {
          ca_file: f.optional(f.string('Certificates to trust.')),
          verify: f.boolean('Check the certificate.', { default: true }),
          key_pass: f.optional(f.secret('Passphrase of the key.'))
        },
        'TLS.'
      )
    ),
    in_flight: f.integer('Requests at a time.', { default: 4, min: 1, max: 64 })
  },
  build: o => {
    if (o.username !== undefined && o.password === undefined) throw new OptionError('username', 'needs a password')
    return sink
  }
})
const stdout = defineOutput({ name: 'stdout', summary: 'Prints.', fields: {}, build: () => sink })

const pass = { run: () => true, writes: [] as const }

const grok = defineStep({
  name: 'grok',
  summary: 'Parses by patterns.',
  fields: {
    match: f.oneOrMore(f.string('A pattern.'), 'Patterns, tried in order.', { example: '%{WORD:verb}' }),
    field: f.fieldRef('Where the text is.', { default: 'message' })
  },
  examples: [{ title: 'Web server', yaml: "grok: { match: '%{COMBINEDAPACHELOG}' }" }],
  build(o) {
    o.match.forEach((m, i) => {
      if (m.includes('NOSUCH')) throw new OptionError(`match[${i}]`, `unknown pattern NOSUCH in "${m}"`)
    })
    return pass
  }
})
const json = defineStep({
  name: 'json',
  summary: 'Parses JSON.',
  fields: { field: f.fieldRef('Where the text is.', { default: 'message' }) },
  build: () => pass
})
const drop = defineStep({
  name: 'drop',
  summary: 'Drops records.',
  fields: { when: f.condition('Which records.', { example: { level: 'debug' } }) },
  build: o => ({ run: (event, cursor) => !o.when(event, cursor), writes: [] })
})
const tag = defineStep({
  name: 'tag',
  summary: 'Adds a field.',
  fields: { name: f.string('The field.', { default: 'tagged' }), value: f.anything('The value.', { default: true }) },
  build: o => ({
    run: event => {
      event[o.name] = o.value
      return true
    },
    writes: [o.name]
  })
})
const convert = defineValueStep({
  name: 'convert',
  summary: 'Converts fields.',
  value: f.map(f.choice(['integer', 'float', 'boolean', 'string'], 'A type.'), 'Type by field.', { min: 1, example: { bytes: 'integer' } }),
  build: () => pass
})

/** Made like those of the agent's own list that core/component.ts has no `define…` for. */
const counter = {
  kind: 'metric',
  name: 'counter',
  summary: 'Counts records.',
  fields: { by: f.optional(f.fieldRef('Adds its value instead of 1.')) },
  build: (): string => 'counter'
}
const histogram = {
  kind: 'metric',
  name: 'histogram',
  summary: 'Counts values by size.',
  fields: {
    value: f.fieldRef('The value.', { example: 'bytes' }),
    buckets: f.list(f.number('A bound.'), 'Upper bounds.', { default: [1, 10, 100], min: 1 })
  },
  build: (): string => 'histogram'
}
const statsd = {
  kind: 'exporter',
  name: 'statsd',
  summary: 'Sends metrics to a StatsD server.',
  fields: {
    host: f.string('Its host.', { default: '127.0.0.1' }),
    port: f.integer('Its port.', { default: 8125, min: 1, max: 65535 }),
    flush: f.duration('How often.', { default: '10s', min: '1s' })
  },
  build: (): string => 'statsd'
}
const prometheus = { kind: 'exporter', name: 'prometheus', summary: 'Serves /metrics.', fields: {}, build: (): string => 'prometheus' }

export const catalog = defineCatalog({
  sections: {
    agent: {
      doc: 'The agent as a whole.',
      fields: {
        environment: f.string('Tag on every record.', { default: 'DEVEL' }),
        region: f.optional(f.string('Where the host stands.', { example: 'us-east-1' })),
        fields: f.map(f.anything('Any value.'), 'Put on every record.', { default: {}, example: { team: 'storefront' } }),
        watch: f.boolean('Reload when the files change.', { default: false })
      }
    },
    admin: {
      doc: 'The listener.',
      fields: { listen: f.hostPort('Its address.', { default: '127.0.0.1:9680' }) }
    }
  },
  units: {
    inputs: {
      doc: 'Where records come from.',
      definitions: [file, stdin],
      common: {
        pipeline: f.optional(pipelineField('What is done with the records.', { example: [{ json: {} }] })),
        outputs: f.optional(f.oneOrMore(f.string('Name of an output.'), 'Where the records go; to all outputs when absent.')),
        fields: f.map(f.anything('Any value.'), 'Put on every record.', { default: {} }),
        tags: f.list(f.string('A tag.'), 'Tags of every record.', { default: [] })
      },
      refersTo: { outputs: 'outputs' }
    },
    metrics: {
      doc: 'Numbers made out of records.',
      definitions: [counter, histogram],
      common: {
        help: f.string('What it is.', { example: 'Requests served.' }),
        input: f.oneOrMore(f.string('Name of an input.'), 'Whose records.', { example: 'nginx' }),
        when: f.optional(f.condition('Which records.'))
      },
      refersTo: { input: 'inputs' },
      defaultType: 'counter'
    },
    outputs: { doc: 'Where records go.', definitions: [elasticsearch, stdout], common: {} },
    exporters: { doc: 'Where metrics go.', definitions: [prometheus, statsd], common: {}, typeFromName: true }
  },
  steps: [grok, json, drop, tag, convert]
})
