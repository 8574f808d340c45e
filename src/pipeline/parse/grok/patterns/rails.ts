// Grok patterns for a request in the log of Rails 3 and later, its several lines taken as one record.

export const common = String.raw`
RUUID \h{32}
`

export const legacy = String.raw`
RCONTROLLER (?<controller>[^#]+)#(?<action>\w+)
RAILS3HEAD Started %{WORD:verb} "%{URIPATHPARAM:request}" for %{IPORHOST:clientip} at (?<timestamp>%{YEAR}-%{MONTHNUM}-%{MONTHDAY} %{HOUR}:%{MINUTE}:%{SECOND} %{ISO8601_TIMEZONE})
RPROCESSING \W*Processing by %{RCONTROLLER} as (?<format>\S+)(?:\W*Parameters: \{%{DATA:params}\}\W*)?
RAILS3PROFILE \((?:Views: %{NUMBER:viewms}ms \| ActiveRecord: %{NUMBER:activerecordms}ms|ActiveRecord: %{NUMBER:activerecordms}ms)
RAILS3FOOT Completed %{NUMBER:response}%{DATA} in %{NUMBER:totalms}ms(?: %{RAILS3PROFILE})?%{GREEDYDATA}
RAILS3 %{RAILS3HEAD}(?:%{RPROCESSING})?(?:(?<context>%{DATA})%{RAILS3FOOT})?
`

export const ecs = String.raw`
RCONTROLLER (?<[rails][controller][class]>[^#]+)#(?<[rails][controller][action]>\w+)
RAILS3HEAD Started %{WORD:[http][request][method]} "%{URIPATHPARAM:[url][original]}" for %{IPORHOST:[source][address]} at (?<timestamp>%{YEAR}-%{MONTHNUM}-%{MONTHDAY} %{HOUR}:%{MINUTE}:%{SECOND} %{ISO8601_TIMEZONE})
RPROCESSING \W*Processing by %{RCONTROLLER} as (?<[rails][request][format]>\S+)(?:\W*Parameters: \{%{DATA:[rails][request][params]}\}\W*)?
RAILS3PROFILE \((?:Views: %{NUMBER:[rails][request][duration][view]:float}ms \| ActiveRecord: %{NUMBER:[rails][request][duration][active_record]:float}ms|ActiveRecord: %{NUMBER:[rails][request][duration][active_record]:float}ms)
RAILS3FOOT Completed %{POSINT:[http][response][status_code]:int}%{DATA} in %{NUMBER:[rails][request][duration][total]:float}ms(?: %{RAILS3PROFILE})?%{GREEDYDATA}
RAILS3 %{RAILS3HEAD}(?:%{RPROCESSING})?(?:(?<[rails][request][explain][original]>%{DATA})%{RAILS3FOOT})?
`
