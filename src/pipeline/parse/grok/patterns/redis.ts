// Grok patterns for Redis: its own log and the output of MONITOR.

export const common = String.raw`
REDISTIMESTAMP %{MONTHDAY} %{MONTH} %{TIME}
`

export const legacy = String.raw`
REDISLOG \[%{POSINT:pid}\] %{REDISTIMESTAMP:timestamp} [*#.-]
REDISMONLOG %{NUMBER:timestamp} \[%{INT:database} %{IP:client}:%{NUMBER:port}\] "%{WORD:command}"\s?%{GREEDYDATA:params}
`

export const ecs = String.raw`
REDISLOG \[%{POSINT:[process][pid]:int}\] %{REDISTIMESTAMP:timestamp} [*#.-]
REDISMONLOG %{NUMBER:timestamp} \[%{INT:[redis][database][id]} %{IP:[client][ip]}:%{POSINT:[client][port]:int}\] "%{WORD:[redis][command][name]}"\s?%{GREEDYDATA:[redis][command][args]}
`
