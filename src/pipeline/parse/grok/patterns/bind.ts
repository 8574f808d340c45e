// Grok patterns for the query log of the BIND 9 name server.

export const common = String.raw`
BIND9_TIMESTAMP %{MONTHDAY}-%{MONTH}-%{YEAR} %{TIME}
`

// The name asked for stands twice in a line: as the client's label and in the question itself.
export const legacy = String.raw`
BIND9 %{BIND9_TIMESTAMP:timestamp} queries: %{LOGLEVEL:loglevel}: client(?: @0x[0-9a-f]+)? %{IP:clientip}#%{POSINT:clientport}(?: \(%{GREEDYDATA:query}\))?:(?: view [^:\s]+:)? query: %{GREEDYDATA:query} IN %{GREEDYDATA:querytype} \(%{IP:dns}\)
`

// `bing` is how the set spells the category's field: dashboards and cases know it by that name.
export const ecs = String.raw`
BIND9_DNSTYPE [A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*
BIND9_CATEGORY [a-z]+(?:-[a-z]+)*
BIND9_QUERYLOGBASE client(?: @0x[0-9a-f]+)? %{IP:[client][ip]}#%{POSINT:[client][port]:int}(?: \(%{GREEDYDATA:[bind][log][question][name]}\))?:(?: view [^:\s]+:)? query: %{GREEDYDATA:[dns][question][name]} (?<[dns][question][class]>IN|CH|HS|NONE|ANY|CLASS[0-9]+) %{BIND9_DNSTYPE:[dns][question][type]} %{DATA:[bind][log][question][flags]} \(%{IP:[server][ip]}\)
BIND9_QUERYLOG %{BIND9_TIMESTAMP:timestamp} %{BIND9_CATEGORY:[bing][log][category]}: %{LOGLEVEL:[log][level]}: %{BIND9_QUERYLOGBASE}
BIND9 %{BIND9_QUERYLOG}
`
