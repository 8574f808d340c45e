// Grok patterns for the main log of the Exim mail server: the line a message's arrival writes (`<=`).

// One field or flag after the sender; a quoted value is taken whole, so that ` S=1` in a subject is no field.
// `from <...>` and `for ...` close the list.
const token = String.raw` (?!from |for )(?:\w+="(?:[^"\\]|\\.)*"|(?!\w+=")\S+)`

// The fields come in no fixed order and any may be missing. Each is looked for ahead, on its own, instead of in one
// loop over alternatives: a loop's captures survive its next turn in Oniguruma but not in JavaScript.
function anywhere(field: string): string {
  return `(?:(?=(?:${token})* %{${field}})|)`
}

const namedFields = [
  'EXIM_REMOTE_HOST',
  'EXIM_INTERFACE',
  'EXIM_PROTOCOL',
  'EXIM_MSG_SIZE',
  'EXIM_HEADER_ID',
  'EXIM_SUBJECT',
]

// EXIM_MSGID knows the ids of Exim before and since 4.97. EXIM_NAMED_FIELDS ends with a field whose quote was cut off.
export const common = String.raw`
EXIM_MSGID [0-9A-Za-z]{6}-(?:[0-9A-Za-z]{11}-[0-9A-Za-z]{4}|[0-9A-Za-z]{6}-[0-9A-Za-z]{2})
EXIM_FLAGS <=|\(=|=>|->|>>|\*>|\*\*|==
EXIM_QT (?:[0-9]+y)?(?:[0-9]+w)?(?:[0-9]+d)?(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+(?:\.[0-9]+)?s)?
EXIM_EXCLUDE_TERMS Completed|Message is frozen|Spool file is locked|(?:Start|End) queue run|retry time not reached|error ignored|daemon started
EXIM_NAMED_FIELDS ${namedFields.map(anywhere).join('')}(?:${token})*(?: %{EXIM_UNKNOWN_FIELD})?
EXIM %{EXIM_MESSAGE_ARRIVAL}
`

export const legacy = String.raw`
EXIM_DATE %{YEAR:exim_year}-%{MONTHNUM:exim_month}-%{MONTHDAY:exim_day} %{TIME:exim_time}(?: [+-][0-9]{4})?
EXIM_PID \[%{POSINT:pid}\]
EXIM_REMOTE_HOST H=(?:(?![(\[])%{NOTSPACE:remote_hostname} )?(?:\(%{NOTSPACE:remote_heloname}\) )?\[%{IP:remote_host}\](?::%{POSINT:remote_port})?
EXIM_INTERFACE I=\[%{IP:exim_interface}\](?::%{NUMBER:exim_interface_port})?
EXIM_PROTOCOL P=%{NOTSPACE:protocol}
EXIM_MSG_SIZE S=%{NUMBER:exim_msg_size}
EXIM_HEADER_ID id=%{NOTSPACE:exim_header_id}
EXIM_SUBJECT T=%{QS:exim_subject}
EXIM_UNKNOWN_FIELD [A-Za-z0-9]{1,8}=%{NOTSPACE}
EXIM_MESSAGE_ARRIVAL %{EXIM_DATE:timestamp}(?: %{EXIM_PID})? %{EXIM_MSGID:exim_msgid} (?<exim_flags><=) (?:(?<exim_status>[^\s@<>]+) )?(?:<>|%{EMAILADDRESS:exim_sender_email})%{EXIM_NAMED_FIELDS}(?: for %{EMAILADDRESS:exim_recipient_email})?
`

export const ecs = String.raw`
EXIM_DATE %{YEAR}-%{MONTHNUM}-%{MONTHDAY} %{TIME}(?: [+-][0-9]{4})?
EXIM_PID \[%{POSINT:[process][pid]:int}\]
EXIM_REMOTE_HOST H=(?:(?![(\[])%{NOTSPACE:[source][address]} )?(?:\(%{NOTSPACE:[exim][log][remote_address]}\) )?\[%{IP:[source][ip]}\](?::%{POSINT:[source][port]:int})?
EXIM_INTERFACE I=\[%{IP:[destination][ip]}\](?::%{NUMBER:[destination][port]:int})?
EXIM_PROTOCOL P=%{NOTSPACE:[network][protocol]}
EXIM_MSG_SIZE S=%{NUMBER:[exim][log][message][size]:int}
EXIM_HEADER_ID id=%{NOTSPACE:[exim][log][header_id]}
EXIM_QUOTED_CONTENT (?:[^"\\]|\\.)*
EXIM_SUBJECT T="%{EXIM_QUOTED_CONTENT:[exim][log][message][subject]}"
EXIM_UNKNOWN_FIELD [A-Za-z0-9]{1,8}=(?:%{QUOTEDSTRING}|%{NOTSPACE})
EXIM_MESSAGE_ARRIVAL %{EXIM_DATE:timestamp}(?: %{EXIM_PID})? %{EXIM_MSGID:[exim][log][message][id]} (?<[exim][log][flags]><=) (?:(?<[exim][log][status]>[^\s@<>]+) )?(?:<>|%{EMAILADDRESS:[exim][log][sender][email]})%{EXIM_NAMED_FIELDS}(?: from <%{DATA:[exim][log][sender][original]}>)?(?: for %{EMAILADDRESS:[exim][log][recipient][email]})?
`
