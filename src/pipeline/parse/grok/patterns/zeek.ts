// Grok patterns for the tab-separated logs of Zeek, and of Bro as it was called before: HTTP, DNS, connections, files.

// Zeek writes `-` for a field without a value and `(empty)` for an empty string or list.
const unset = String.raw`(?:-|\(empty\))(?=\t|$)`

// One column: `PATTERN:field`, with `?` behind it where the value may be unset. Either way out excludes the other, so
// that a line that fits almost to its end is not tried in two ways for each unset column.
function column(spec: string): string {
  if (!spec.endsWith('?')) return `%{${spec}}`
  return `(?:${unset}|(?!${unset})%{${spec.slice(0, -1)}})`
}

function columns(specs: string): string[] {
  return specs.trim().split(/\s+/).map(column)
}

/** The expression for a log whose columns are `specs`, divided by white space. */
function record(specs: string): string {
  return columns(specs).join(String.raw`\t`)
}

/**
 * The same for the legacy set, whose columns are `.*` for the most part and reach over tabs when a line has more of them
 * than the pattern. Where the first one begins, lines with too few are turned away, or every way to divide them would be
 * tried.
 */
function looseRecord(specs: string): string {
  const all = columns(specs)
  const loose = all.findIndex((one) => one.startsWith('%{GREEDYDATA'))
  const enough = String.raw`(?=(?:[^\t]*\t){${all.length - 1 - loose}})`
  return all.map((one, at) => (at === loose ? enough + one : one)).join(String.raw`\t`)
}

const legacyHead = 'NUMBER:ts NOTSPACE:uid IP:orig_h INT:orig_p IP:resp_h INT:resp_p'

const legacyHttp = `
  ${legacyHead} INT:trans_depth GREEDYDATA:method GREEDYDATA:domain GREEDYDATA:uri GREEDYDATA:referrer
  GREEDYDATA:user_agent NUMBER:request_body_len NUMBER:response_body_len GREEDYDATA:status_code
  GREEDYDATA:status_msg GREEDYDATA:info_code GREEDYDATA:info_msg GREEDYDATA:filename GREEDYDATA:bro_tags
  GREEDYDATA:username GREEDYDATA:password GREEDYDATA:proxied GREEDYDATA:orig_fuids GREEDYDATA:orig_mime_types
  GREEDYDATA:resp_fuids GREEDYDATA:resp_mime_types
`

const legacyDns = `
  ${legacyHead} WORD:proto INT:trans_id GREEDYDATA:query GREEDYDATA:qclass GREEDYDATA:qclass_name GREEDYDATA:qtype
  GREEDYDATA:qtype_name GREEDYDATA:rcode GREEDYDATA:rcode_name GREEDYDATA:AA GREEDYDATA:TC GREEDYDATA:RD
  GREEDYDATA:RA GREEDYDATA:Z GREEDYDATA:answers GREEDYDATA:TTLs GREEDYDATA:rejected
`

const legacyConn = `
  ${legacyHead} WORD:proto GREEDYDATA:service NUMBER:duration? NUMBER:orig_bytes? NUMBER:resp_bytes?
  GREEDYDATA:conn_state GREEDYDATA:local_orig GREEDYDATA:missed_bytes GREEDYDATA:history GREEDYDATA:orig_pkts
  GREEDYDATA:orig_ip_bytes GREEDYDATA:resp_pkts GREEDYDATA:resp_ip_bytes GREEDYDATA:tunnel_parents
`

const legacyFiles = `
  NUMBER:ts NOTSPACE:fuid IP:tx_hosts IP:rx_hosts NOTSPACE:conn_uids GREEDYDATA:source GREEDYDATA:depth
  GREEDYDATA:analyzers GREEDYDATA:mime_type GREEDYDATA:filename GREEDYDATA:duration GREEDYDATA:local_orig
  GREEDYDATA:is_orig GREEDYDATA:seen_bytes GREEDYDATA:total_bytes GREEDYDATA:missing_bytes GREEDYDATA:overflow_bytes
  GREEDYDATA:timedout GREEDYDATA:parent_fuid GREEDYDATA:md5 GREEDYDATA:sha1 GREEDYDATA:sha256 GREEDYDATA:extracted
`

export const common = ''

export const legacy = String.raw`
BRO_HTTP ${looseRecord(legacyHttp)}
BRO_DNS ${looseRecord(legacyDns)}
BRO_CONN ${looseRecord(legacyConn)}
BRO_FILES ${looseRecord(legacyFiles)}
`

const head = `
  NUMBER:timestamp NOTSPACE:[zeek][session_id] IP:[source][ip] INT:[source][port]:int IP:[destination][ip]
  INT:[destination][port]:int
`

const broHttp = `
  ${head} INT:[zeek][http][trans_depth]:int WORD:[http][request][method]? BRO_DATA:[url][domain]?
  BRO_DATA:[url][original]? BRO_DATA:[http][request][referrer]? BRO_DATA:[user_agent][original]?
  NUMBER:[http][request][body][bytes]:int NUMBER:[http][response][body][bytes]:int
  POSINT:[http][response][status_code]:int? DATA:[zeek][http][status_msg]? POSINT:[zeek][http][info_code]:int?
  DATA:[zeek][http][info_msg]? BRO_DATA:[zeek][http][filename]? BRO_DATA:[zeek][http][tags]?
  BRO_DATA:[url][username]? BRO_DATA:[url][password]? BRO_DATA:[zeek][http][proxied]?
  BRO_DATA:[zeek][http][orig_fuids]? BRO_DATA:[http][request][mime_type]? BRO_DATA:[zeek][http][resp_fuids]?
  BRO_DATA:[http][response][mime_type]?
`

const broDns = `
  ${head} WORD:[network][transport] INT:[dns][id]:int? BRO_DATA:[dns][question][name]? INT:[zeek][dns][qclass]:int?
  BRO_DATA:[zeek][dns][qclass_name]? INT:[zeek][dns][qtype]:int? BRO_DATA:[dns][question][type]?
  INT:[zeek][dns][rcode]:int? BRO_DATA:[dns][response_code]? BRO_BOOL:[zeek][dns][AA]? BRO_BOOL:[zeek][dns][TC]?
  BRO_BOOL:[zeek][dns][RD]? BRO_BOOL:[zeek][dns][RA]? NONNEGINT:[zeek][dns][Z]:int? BRO_DATA:[zeek][dns][answers]?
  DATA:[zeek][dns][TTLs]? BRO_BOOL:[zeek][dns][rejected]?
`

// Releases before 2.4 have no column for local_resp.
const broConn = `
  ${head} WORD:[network][transport] BRO_DATA:[network][protocol]? NUMBER:[zeek][connection][duration]:float?
  INT:[zeek][connection][orig_bytes]:int? INT:[zeek][connection][resp_bytes]:int? BRO_DATA:[zeek][connection][state]?
  BRO_BOOL:[zeek][connection][local_orig]?
`

const broConnLocalResp = 'BRO_BOOL:[zeek][connection][local_resp]?'

const broConnRest = `
  INT:[zeek][connection][missed_bytes]:int? BRO_DATA:[zeek][connection][history]? INT:[source][packets]:int?
  INT:[source][bytes]:int? INT:[destination][packets]:int? INT:[destination][bytes]:int?
  BRO_DATA:[zeek][connection][tunnel_parents]?
`

const broFiles = `
  NUMBER:timestamp NOTSPACE:[zeek][files][fuid] IP:[server][ip]? IP:[client][ip]?
  BRO_DATA:[zeek][files][session_ids]? BRO_DATA:[zeek][files][source]? INT:[zeek][files][depth]:int?
  BRO_DATA:[zeek][files][analyzers]? BRO_DATA:[file][mime_type]? BRO_DATA:[file][name]?
  NUMBER:[zeek][files][duration]:float? BRO_DATA:[zeek][files][local_orig]? BRO_BOOL:[zeek][files][is_orig]?
  INT:[zeek][files][seen_bytes]:int? INT:[file][size]:int? INT:[zeek][files][missing_bytes]:int?
  INT:[zeek][files][overflow_bytes]:int? BRO_BOOL:[zeek][files][timedout]? BRO_DATA:[zeek][files][parent_fuid]?
  BRO_DATA:[file][hash][md5]? BRO_DATA:[file][hash][sha1]? BRO_DATA:[file][hash][sha256]?
  BRO_DATA:[zeek][files][extracted]?
`

const zeekHttp = `
  ${head} INT:[zeek][http][trans_depth]:int WORD:[http][request][method]? ZEEK_DATA:[url][domain]?
  ZEEK_DATA:[url][original]? ZEEK_DATA:[http][request][referrer]? NUMBER:[http][version]?
  ZEEK_DATA:[user_agent][original]? ZEEK_DATA:[zeek][http][origin]? NUMBER:[http][request][body][bytes]:int
  NUMBER:[http][response][body][bytes]:int POSINT:[http][response][status_code]:int? DATA:[zeek][http][status_msg]?
  POSINT:[zeek][http][info_code]:int? DATA:[zeek][http][info_msg]? ZEEK_DATA:[zeek][http][tags]?
  ZEEK_DATA:[url][username]? ZEEK_DATA:[url][password]? ZEEK_DATA:[zeek][http][proxied]?
  ZEEK_DATA:[zeek][http][orig_fuids]? ZEEK_DATA:[zeek][http][orig_filenames]? ZEEK_DATA:[http][request][mime_type]?
  ZEEK_DATA:[zeek][http][resp_fuids]? ZEEK_DATA:[zeek][http][resp_filenames]? ZEEK_DATA:[http][response][mime_type]?
`

const zeekDns = `
  ${head} WORD:[network][transport] INT:[dns][id]:int? NUMBER:[zeek][dns][rtt]:float?
  ZEEK_DATA:[dns][question][name]? INT:[zeek][dns][qclass]:int? ZEEK_DATA:[zeek][dns][qclass_name]?
  INT:[zeek][dns][qtype]:int? ZEEK_DATA:[dns][question][type]? INT:[zeek][dns][rcode]:int?
  ZEEK_DATA:[dns][response_code]? ZEEK_BOOL:[zeek][dns][AA]? ZEEK_BOOL:[zeek][dns][TC]? ZEEK_BOOL:[zeek][dns][RD]?
  ZEEK_BOOL:[zeek][dns][RA]? NONNEGINT:[zeek][dns][Z]:int? ZEEK_DATA:[zeek][dns][answers]? DATA:[zeek][dns][TTLs]?
  ZEEK_BOOL:[zeek][dns][rejected]?
`

const zeekConn = `
  ${head} WORD:[network][transport] ZEEK_DATA:[network][protocol]? NUMBER:[zeek][connection][duration]:float?
  INT:[zeek][connection][orig_bytes]:int? INT:[zeek][connection][resp_bytes]:int?
  ZEEK_DATA:[zeek][connection][state]? ZEEK_BOOL:[zeek][connection][local_orig]?
  ZEEK_BOOL:[zeek][connection][local_resp]? INT:[zeek][connection][missed_bytes]:int?
  ZEEK_DATA:[zeek][connection][history]? INT:[source][packets]:int? INT:[source][bytes]:int?
  INT:[destination][packets]:int? INT:[destination][bytes]:int? ZEEK_DATA:[zeek][connection][tunnel_parents]?
`

const zeekFiles = `
  NUMBER:timestamp NOTSPACE:[zeek][files][fuid] ZEEK_FILES_TX_HOSTS ZEEK_FILES_RX_HOSTS
  ZEEK_DATA:[zeek][files][session_ids]? ZEEK_DATA:[zeek][files][source]? INT:[zeek][files][depth]:int?
  ZEEK_DATA:[zeek][files][analyzers]? ZEEK_DATA:[file][mime_type]? ZEEK_DATA:[file][name]?
  NUMBER:[zeek][files][duration]:float? ZEEK_DATA:[zeek][files][local_orig]? ZEEK_BOOL:[zeek][files][is_orig]?
  INT:[zeek][files][seen_bytes]:int? INT:[file][size]:int? INT:[zeek][files][missing_bytes]:int?
  INT:[zeek][files][overflow_bytes]:int? ZEEK_BOOL:[zeek][files][timedout]? ZEEK_DATA:[zeek][files][parent_fuid]?
  ZEEK_DATA:[file][hash][md5]? ZEEK_DATA:[file][hash][sha1]? ZEEK_DATA:[file][hash][sha256]?
  ZEEK_DATA:[zeek][files][extracted]? ZEEK_BOOL:[zeek][files][extracted_cutoff]?
  INT:[zeek][files][extracted_size]:int?
`

export const ecs = String.raw`
BRO_BOOL [TF]
BRO_DATA [^\t]+
BRO_HTTP ${record(broHttp)}
BRO_DNS ${record(broDns)}
BRO_CONN ${record(broConn)}(?:\t${record(broConnLocalResp)})?\t${record(broConnRest)}
BRO_FILES ${record(broFiles)}

ZEEK_BOOL [TF]
ZEEK_DATA [^\t]+
ZEEK_HTTP ${record(zeekHttp)}
ZEEK_DNS ${record(zeekDns)}
# the last two columns are there when the policy script that logs MAC addresses is loaded
ZEEK_CONN ${record(zeekConn)}(?:\t${record('COMMONMAC:[source][mac]? COMMONMAC:[destination][mac]?')})?
# a set of hosts; the first stands for all of them in the field of its own
ZEEK_FILES_TX_HOSTS ${unset}|%{IP:[server][ip]}(?![ ,])|(?<[zeek][files][tx_hosts]>%{IP:[server][ip]}(?:[ ,]%{IP})+)
ZEEK_FILES_RX_HOSTS ${unset}|%{IP:[client][ip]}(?![ ,])|(?<[zeek][files][rx_hosts]>%{IP:[client][ip]}(?:[ ,]%{IP})+)
ZEEK_FILES ${record(zeekFiles)}
`
