// Grok patterns for the logs of the Marionette Collective.

export const common = String.raw`
MCOLLECTIVEAUDIT %{TIMESTAMP_ISO8601:timestamp}:
`

export const legacy = String.raw`
MCOLLECTIVE ., \[%{TIMESTAMP_ISO8601:timestamp} #%{POSINT:pid}\]%{SPACE}%{LOGLEVEL:event_level}
`

export const ecs = String.raw`
MCOLLECTIVE ., \[%{TIMESTAMP_ISO8601:timestamp} #%{POSINT:[process][pid]:int}\]%{SPACE}%{LOGLEVEL:[log][level]}
`
