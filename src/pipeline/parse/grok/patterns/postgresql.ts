// The grok pattern of a PostgreSQL log line whose prefix is time, user, connection and process.

export const common = String.raw``

export const legacy = String.raw`
POSTGRESQL %{DATESTAMP:timestamp} %{TZ} %{DATA:user_id} %{GREEDYDATA:connection_id} %{POSINT:pid}
`

export const ecs = String.raw`
POSTGRESQL %{DATESTAMP:timestamp} %{TZ:[event][timezone]} %{DATA:[user][name]} %{GREEDYDATA:[postgresql][log][connection_id]} %{POSINT:[process][pid]:int}
`
