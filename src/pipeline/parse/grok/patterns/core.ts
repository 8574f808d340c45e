// Grok patterns everything else is made of: numbers, words, addresses, paths, dates and the head of a syslog line.
// In Oniguruma's syntax, kept free of needless backtracking because they run on every line.

import { ipv6 } from './ipv6.ts'

export const common = String.raw`
# users and addresses
USERNAME [\w.-]+
USER %{USERNAME}
EMAILADDRESS %{EMAILLOCALPART}@%{HOSTNAME}

# numbers; the look-behinds keep a search from starting in the middle of one
INT [+-]?\d+
BASE10NUM (?<![\d.+-])(?>[+-]?(?:\d+(?:\.\d+)?|\.\d+))
NUMBER %{BASE10NUM}
BASE16NUM (?<!\h)[+-]?(?:0x)?\h+
BASE16FLOAT \b(?<![\h.])[+-]?(?:0x)?(?:\h+(?:\.\h*)?|\.\h+)\b
POSINT \b[1-9]\d*\b
NONNEGINT \b\d+\b

# text; a quoted string may hold its own quote behind a backslash
WORD \b\w+\b
NOTSPACE \S+
SPACE \s*
DATA .*?
GREEDYDATA .*
QUOTEDSTRING (?<!\\)(?:"[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*'|\x60[^\x60\\]*(?:\\.[^\x60\\]*)*\x60)
QS %{QUOTEDSTRING}
UUID \h{8}-(?:\h{4}-){3}\h{12}
URN urn:[0-9A-Za-z][0-9A-Za-z-]{0,31}:(?:[0-9A-Za-z()+,.:=@;$_!*'/?#-]|%\h{2})+

# network
MAC %{CISCOMAC}|%{WINDOWSMAC}|%{COMMONMAC}
CISCOMAC (?:\h{4}\.){2}\h{4}
WINDOWSMAC (?:\h{2}-){5}\h{2}
COMMONMAC (?:\h{2}:){5}\h{2}
IPV6 ${ipv6()}
IPV4 (?<!\d)(?:(?:25[0-5]|2[0-4]\d|[01]?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|[01]?\d?\d)(?!\d)
IP %{IPV6}|%{IPV4}
HOSTNAME \b[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*\.?
IPORHOST %{IP}|%{HOSTNAME}
HOSTPORT %{IPORHOST}:%{POSINT}

# paths and addresses on the web
PATH %{UNIXPATH}|%{WINPATH}
UNIXPATH (?:/[[:alnum:]_%!$@:.,+~-]*)+
TTY /dev/(?:pts|tty[pq]?)\w*/?\d+
WINPATH (?:[A-Za-z]+:|\\)(?:\\[^\\?*]*)+
URIPROTO [A-Za-z][A-Za-z0-9+.-]+
URIPATH (?:/[\w$.+!*'(){},~:;=@#%&|-]*)+

# dates and times
MONTH \b(?:[Jj]an(?:uary?)?|[Ff]eb(?:ruary?)?|[Mm](?:ar(?:ch|z)?|ärz?|rz)|[Aa]pr(?:il)?|[Mm]a[iy]|[Jj]un[ei]?|[Jj]ul[iy]?|[Aa]ug(?:ust)?|[Ss]ep(?:tember)?|[Oo][ck]t(?:ober)?|[Nn]ov(?:ember)?|[Dd]e[cz](?:ember)?)\b
MONTHNUM 0?[1-9]|1[0-2]
MONTHNUM2 0[1-9]|1[0-2]
MONTHDAY 0[1-9]|[12]\d|3[01]|[1-9]
DAY Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?
YEAR \d{2}(?:\d{2})?
HOUR 2[0-3]|[01]?\d
MINUTE [0-5]\d
SECOND (?:60|[0-5]?\d)(?:[:.,]\d+)?
TIME %{HOUR}:%{MINUTE}:%{SECOND}(?!\d)
DATE_US %{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}
DATE_EU %{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}
DATE %{DATE_US}|%{DATE_EU}
DATESTAMP %{DATE}[- ]%{TIME}
ISO8601_TIMEZONE Z|[+-]%{HOUR}:?%{MINUTE}
ISO8601_SECOND %{SECOND}
TIMESTAMP_ISO8601 %{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?
TZ UTC|[ACEMP][DS]T
DATESTAMP_RFC822 %{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}
DATESTAMP_RFC2822 %{DAY}, %{MONTHDAY} %{MONTH} %{YEAR} %{TIME} %{ISO8601_TIMEZONE}
DATESTAMP_OTHER %{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}
DATESTAMP_EVENTLOG %{YEAR}%{MONTHNUM2}%{MONTHDAY}%{HOUR}%{MINUTE}%{SECOND}
HTTPDATE %{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}

# syslog and levels; a program's name is printable ASCII without brackets
SYSLOGTIMESTAMP %{MONTH} +%{MONTHDAY} %{TIME}
PROG [!-Z\\^-~]+
SYSLOGHOST %{IPORHOST}
LOGLEVEL [Aa]lert|ALERT|[Tt]race|TRACE|[Dd]ebug|DEBUG|[Nn]otice|NOTICE|[Ii]nf(?:o(?:rmation)?)?|INF(?:O(?:RMATION)?)?|[Ww]ar(?:n(?:ing)?)?|WAR(?:N(?:ING)?)?|[Ee]rr?(?:or)?|ERR?(?:OR)?|[Cc]ri(?:t(?:ical)?)?|CRI(?:T(?:ICAL)?)?|[Ff]atal|FATAL|[Ss]evere|SEVERE|[Ee]merg(?:ency)?|EMERG(?:ENCY)?
`

export const legacy = String.raw`
EMAILLOCALPART [a-zA-Z][\w+,./:;<=-]+
URIHOST %{IPORHOST}(?::%{POSINT:port})?
URIPARAM \?[\w$.+!*'|(){},~@#%&/=:;?\[\]<>-]*
URIPATHPARAM %{URIPATH}(?:%{URIPARAM})?
URI %{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?
SYSLOGPROG %{PROG:program}(?:\[%{POSINT:pid}\])?
SYSLOGFACILITY <%{NONNEGINT:facility}\.%{NONNEGINT:priority}>
SYSLOGBASE %{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?%{SYSLOGHOST:logsource} %{SYSLOGPROG}:
`

export const ecs = String.raw`
# dotted atoms; RFC 5321 allows 64 characters in all, so an atom and 31 more at most
EMAILLOCALPART [\w!#$%&'*+/=?^\x60{|}~-]{1,64}(?:\.[\w!#$%&'*+/=?^\x60{|}~-]{1,62}){0,31}
URIHOST %{IPORHOST}(?::%{POSINT})?
URIQUERY [\w$.+!*'|(){},~@#%&/=:;?\[\]<>-]*
URIPARAM \?%{URIQUERY}
URIPATHPARAM %{URIPATH}(?:\?%{URIQUERY})?
URI %{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?(?:%{URIHOST})?(?:%{URIPATH}(?:\?%{URIQUERY})?)?
SYSLOGPROG %{PROG:[process][name]}(?:\[%{POSINT:[process][pid]:int}\])?
SYSLOGFACILITY <%{NONNEGINT:[log][syslog][facility][code]:int}\.%{NONNEGINT:[log][syslog][priority]:int}>
SYSLOGBASE %{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?%{SYSLOGHOST:[host][hostname]} %{SYSLOGPROG}:
`
