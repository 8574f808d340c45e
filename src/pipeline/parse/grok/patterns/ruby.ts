// Grok patterns for what Ruby's own Logger writes.

export const common = String.raw`
RUBY_LOGLEVEL DEBUG|INFO|WARN|ERROR|FATAL|ANY
`

export const legacy = String.raw`
RUBY_LOGGER [ADEFIW], \[%{TIMESTAMP_ISO8601:timestamp} #%{POSINT:pid}\] *%{RUBY_LOGLEVEL:loglevel} -- +%{DATA:progname}: %{GREEDYDATA:message}
`

export const ecs = String.raw`
RUBY_LOGGER [ADEFIW], \[%{TIMESTAMP_ISO8601:timestamp} #%{POSINT:[process][pid]:int}\] *%{RUBY_LOGLEVEL:[log][level]} -- +%{DATA:[process][name]}: %{GREEDYDATA:message}
`
