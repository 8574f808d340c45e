// THE FORMATS that `auto` knows, in the order in which they are tried among those that begin with the same character.
import type { Shape } from './shape.ts'

/** Words for levels, as printed, in capitals, small letters or with one capital. */
const COMMON = ['TRACE', 'DEBUG', 'INFO', 'NOTICE', 'WARNING', 'WARN', 'ERROR', 'ERR', 'FATAL', 'CRITICAL', 'CRIT']
const RARE = ['SEVERE', 'ALERT', 'EMERGENCY', 'EMERG', 'PANIC']
const WORDS = [...COMMON, ...RARE]
const CAPITALS = WORDS.join('|')
const LEVEL = `(${WORDS.flatMap(w => [w, w.toLowerCase(), w[0]! + w.slice(1).toLowerCase()]).join('|')})`
const JAVA_LEVEL = `(${CAPITALS}|FINEST|FINER|FINE|CONFIG)`
const POSTGRES_LEVEL = `(${CAPITALS}|DEBUG[1-5]|LOG|STATEMENT|HINT|DETAIL|CONTEXT|QUERY)`
const MYSQL_LEVEL = '(Note|Warning|ERROR|Error|System)'

const QUOTED = '"((?:[^"\\\\]|\\\\.)*)"'
const ZONE = '(?:Z|UTC|GMT|CES?T|EES?T|WES?T|BST|MSK|[ECMP][SD]T|[+-]\\d\\d:?\\d\\d)'
const ISO = `(\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d{1,9})?(?: ?${ZONE})?)`
const CLOCK = '(\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d{1,6})?)'
const CLOCK_FORMATS = ['HH:mm:ss', 'HH:mm:ss,SSS', 'HH:mm:ss.SSS']
const REST = '([^]*)'

/** Every format but the ones that have a parser of their own (JSON, logfmt). */
export const SHAPES: readonly Shape[] = [
  // Web servers.
  {
    name: 'combined',
    starts: '!-~',
    pattern: re(
      `([^ ]+) ([^ ]+) ([^ ]+) \\[([^\\]]{20,32})\\] ${QUOTED} (\\d{3}|-) (\\d+|-) ${QUOTED} ${QUOTED}(?: ${QUOTED})?`
    ),
    groups: 'clientip ident auth @time @request response:int bytes:int referrer agent forwarded_for',
    time: ['dd/MMM/yyyy:HH:mm:ss Z']
  },
  {
    name: 'werkzeug',
    starts: '!-~',
    pattern: re(
      `([^ ]+) ([^ ]+) ([^ ]+) \\[(\\d\\d/\\w{3}/\\d{4} \\d\\d:\\d\\d:\\d\\d)\\] ${QUOTED}(?: (\\d{3}|-))?(?: (\\d+|-))?`
    ),
    groups: 'clientip ident auth @time @request response:int bytes:int',
    time: ['dd/MMM/yyyy HH:mm:ss']
  },
  {
    name: 'common',
    starts: '!-~',
    pattern: re(`([^ ]+) ([^ ]+) ([^ ]+) \\[([^\\]]{20,32})\\] ${QUOTED}(?: (\\d{3}|-))?(?: (\\d+|-))?`),
    groups: 'clientip ident auth @time @request response:int bytes:int',
    time: ['dd/MMM/yyyy:HH:mm:ss Z']
  },
  {
    name: 'vhost_combined',
    starts: 'A-Za-z0-9',
    pattern: re(
      `([^ :]+):(\\d{1,5}) ([^ ]+) ([^ ]+) ([^ ]+) \\[([^\\]]{20,32})\\] ${QUOTED} (\\d{3}|-) (\\d+|-) ${QUOTED} ${QUOTED}`
    ),
    groups: 'vhost - clientip ident auth @time @request response:int bytes:int referrer agent',
    time: ['dd/MMM/yyyy:HH:mm:ss Z']
  },
  {
    name: 'http_server',
    starts: '0-9A-Za-z:',
    pattern: re(`([^ ]+) \\[${CLOCK}\\] ${QUOTED}(?: (\\d{3}|-))?(?: (\\d+|-))?`),
    groups: 'clientip @time @request response:int bytes:int',
    time: CLOCK_FORMATS
  },
  {
    name: 'http_server',
    starts: '[',
    pattern: re(
      `\\[(\\d\\d/\\w{3}/\\d{4}[ :]\\d\\d:\\d\\d:\\d\\d(?: [+-]\\d{4})?)\\] ${QUOTED}(?: (\\d{3}|-))?(?: (\\d+|-))?`
    ),
    groups: '@time @request response:int bytes:int',
    time: ['dd/MMM/yyyy HH:mm:ss', 'dd/MMM/yyyy:HH:mm:ss Z']
  },
  {
    name: 'nginx_error',
    starts: '0-9',
    pattern: re(
      '(\\d{4}/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d) \\[(\\w+)\\] (\\d+)#(\\d+): (?:\\*(\\d+) )?' +
        '([^]*?)(?:, client: ([^ ,]+), server: ([^ ,]*)(?:, request: "([^"]*)")?[^]*)?$'
    ),
    groups: '@time level pid:int tid:int connection:int @text clientip server @request',
    time: ['yyyy/MM/dd HH:mm:ss']
  },
  {
    name: 'apache_error',
    starts: '[',
    pattern: re(
      '\\[(\\w{3} \\w{3} +\\d{1,2} \\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,9})? \\d{4})\\] \\[(?:(\\w*):)?(\\w+)\\] (?:\\[pid (\\d+)(?::tid (\\d+))?\\] )?' +
        `(?:\\[client ([^\\]]+?)(?::(\\d{1,5}))?\\] )?${REST}`
    ),
    groups: '@time module level pid:int tid:int clientip port:int @text',
    time: ['EEE MMM dd HH:mm:ss.SSSSSS yyyy', 'EEE MMM dd HH:mm:ss yyyy']
  },

  // Syslog, as files, the network and journalctl have it.
  {
    name: 'syslog_rfc5424',
    starts: '<',
    pattern: re(
      `<(\\d{1,3})>\\d{1,2} ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) (?:-|((?:\\[(?:[^\\]\\\\]|\\\\.)*\\])+))(?: \\ufeff?${REST})?$`
    ),
    groups: '@priority @time logsource program pid:int msgid structured_data @text'
  },
  {
    name: 'syslog',
    starts: '<A-Z',
    pattern: re(
      `(?:<(\\d{1,3})>)?((?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \\d]\\d \\d\\d:\\d\\d:\\d\\d) ([^ ]+) ([^ :[]+)(?:\\[(\\d+)\\])?:? ?${REST}`
    ),
    groups: '@priority @time logsource program pid:int @text',
    time: ['MMM d HH:mm:ss']
  },

  // Lines that begin with a date.
  {
    name: 'cri',
    starts: '0-9',
    pattern: re(`${ISO} (stdout|stderr) [FP] ${REST}`),
    groups: '@time stream @text'
  },
  {
    name: 'app_engine',
    starts: '0-9',
    pattern: re(`${ISO} ([\\w-]+)\\[([\\w.-]+)\\] +${QUOTED}(?: (\\d{3}))?`),
    groups: '@time service version @request response:int'
  },
  {
    name: 'pecan',
    starts: '0-9',
    pattern: re(`${ISO} (?:\\[(\\w+)\\])?\\[${LEVEL} *\\] ?\\[([^\\]]*)\\] ?${REST}`),
    groups: '@time app_environment level logger @text'
  },
  {
    name: 'postgresql',
    starts: '0-9',
    pattern: re(`${ISO} \\[(\\d+)(?:-\\d+)?\\] (?:([^ @]+)@([^ ]+) )?${POSTGRES_LEVEL}: +${REST}`),
    groups: '@time pid:int user database level @text'
  },
  {
    name: 'mysql_error',
    starts: '0-9',
    pattern: re(`${ISO} (\\d+) \\[${MYSQL_LEVEL}\\] (?:\\[(MY-\\d+)\\] \\[(\\w+)\\] )?${REST}`),
    groups: '@time thread level code module @text'
  },
  {
    name: 'spring_boot',
    starts: '0-9',
    pattern: re(`${ISO} +${JAVA_LEVEL} (\\d+) --- (?:\\[[^\\]]*\\] )??\\[ *([^\\]]*)\\] ([^ ]+) *: ?${REST}`),
    groups: '@time level pid:int thread logger @text'
  },
  {
    name: 'logback',
    starts: '0-9',
    pattern: re(`(?:${ISO}|${CLOCK}) \\[([^\\]]*)\\] ${JAVA_LEVEL} +([^ ]+) +- ${REST}`),
    groups: '@time @time thread level logger @text',
    time: ['ISO8601', ...CLOCK_FORMATS]
  },
  {
    name: 'log4j',
    starts: '0-9',
    pattern: re(`${ISO} +${JAVA_LEVEL} +(?:\\[([^\\]]*)\\] )?([\\w$]+(?:\\.[\\w$]+)+)(?::(\\d+))?(?: -|:) ?${REST}`),
    groups: '@time level thread logger sourceline:int @text'
  },
  {
    name: 'python',
    starts: '0-9',
    pattern: re(`${ISO} (?:- )?([\\w.-]+) (?:- )?${LEVEL}\\b:?(?: -)? ?${REST}`),
    groups: '@time logger level @text'
  },
  {
    name: 'cloud_functions',
    starts: '0-9',
    pattern: re(`${ISO}: Function execution took (\\d+) ms, finished with status(?: code)?: (?:(\\d{3})|[^]*)`),
    groups: '@time duration_ms:int response:int'
  },
  {
    name: 'timestamp_level',
    starts: '0-9',
    pattern: re(`${ISO}:? +(?:- )?[[(]?${LEVEL}\\b *[\\])]?:? ?${REST}`),
    groups: '@time level @text'
  },
  {
    name: 'syslog_iso',
    starts: '0-9',
    pattern: re(`${ISO} ([^ ]+) ([^ :[]+)(?:\\[(\\d+)\\])?: ?${REST}`),
    groups: '@time logsource program pid:int @text'
  },
  { name: 'timestamp', starts: '0-9', pattern: re(`${ISO}:? ?${REST}`), groups: '@time @text' },
  {
    name: 'timestamp',
    starts: '0-9',
    pattern: re(`(\\d{4}/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d)(?:\\.\\d{1,9})? (?:\\[?${LEVEL}\\b\\]?:? )?${REST}`),
    groups: '@time level @text',
    time: ['yyyy/MM/dd HH:mm:ss']
  },
  {
    name: 'redis',
    starts: '0-9',
    pattern: re(`(\\d+):([MSCX]) (\\d\\d \\w{3} \\d{4} \\d\\d:\\d\\d:\\d\\d\\.\\d{3}) ([.*#-]) ${REST}`),
    groups: 'pid:int role @time level @text',
    time: ['dd MMM yyyy HH:mm:ss.SSS'],
    levels: { '.': 'debug', '-': 'verbose', '*': 'notice', '#': 'warning' }
  },
  {
    name: 'rq',
    starts: '0-9',
    pattern: re(`${CLOCK} (RQ worker .*)`),
    groups: '@time @text',
    time: CLOCK_FORMATS,
    fields: { program: 'rq' }
  },
  {
    name: 'clock_level',
    starts: '0-9',
    pattern: re(`${CLOCK} +\\[?${LEVEL}\\b *\\]?:? ?${REST}`),
    groups: '@time level @text',
    time: CLOCK_FORMATS
  },
  { name: 'clock', starts: '0-9', pattern: re(`${CLOCK} ${REST}`), groups: '@time @text', time: CLOCK_FORMATS },

  // Lines that begin with a bracket.
  {
    name: 'gunicorn',
    starts: '[',
    pattern: re(`\\[${ISO}\\] \\[(\\d+)\\] \\[${LEVEL}\\] ?${REST}`),
    groups: '@time pid:int level @text'
  },
  {
    name: 'python_brackets',
    starts: '[',
    pattern: re(`\\[${ISO}\\] ?\\[([^\\]]*)\\] ?\\[${LEVEL} *\\] ?${REST}`),
    groups: '@time logger level @text'
  },
  {
    name: 'monolog',
    starts: '[',
    pattern: re(`\\[${ISO}\\] ([\\w-]+)\\.${LEVEL}: ${REST}`),
    groups: '@time logger level @text'
  },
  {
    name: 'airflow',
    starts: '[',
    pattern: re(`\\[${ISO}\\] \\{([^:}]+):(\\d+)\\} ${LEVEL} - ${REST}`),
    groups: '@time sourcefile sourceline:int level @text'
  },
  {
    name: 'timestamp_level',
    starts: '[',
    pattern: re(`\\[${ISO}\\] *(?:\\[?${LEVEL}\\b *\\]?:? ?)?${REST}`),
    groups: '@time level @text'
  },
  {
    name: 'azure_functions',
    starts: '[',
    pattern: re(`\\[(\\d{1,2}/\\d{1,2}/\\d\\d(?:\\d\\d)? \\d{1,2}:\\d\\d:\\d\\d [AP]M)\\] (?:${LEVEL}: )?${REST}`),
    groups: '@time level @text',
    time: ['M/d/yy h:mm:ss a', 'M/d/yyyy h:mm:ss a']
  },
  {
    name: 'lambda',
    starts: '[',
    pattern: re(
      `\\[${LEVEL} *\\]\\s+(?:${ISO}\\s+([\\da-f-]{36})\\s+)?(?:((?:[A-Za-z_]\\w*\\.)*[A-Za-z]*(?:Exception|Error)): )?${REST}`
    ),
    groups: 'level @time request_id exception @text'
  },
  {
    name: 'python_console',
    starts: '[',
    pattern: re(`\\[([\\w.-]+)\\] ?\\[${LEVEL} *\\] ?${REST}`),
    groups: 'logger level @text'
  },

  // Lines that begin with a word.
  {
    name: 'lambda_report',
    starts: 'R',
    pattern: re(
      'REPORT RequestId: ([\\w-]+)\\s+Duration: ([\\d.]+) ms\\s+Billed Duration: ([\\d.]+) ms\\s+Memory Size: (\\d+) MB\\s+Max Memory Used: (\\d+) MB(?:\\s+Init Duration: ([\\d.]+) ms)?'
    ),
    groups:
      'request_id duration_ms:number billed_duration_ms:number memory_size_mb:int max_memory_used_mb:int init_duration_ms:number'
  },
  {
    name: 'lambda_event',
    starts: 'SE',
    pattern: re(`(START|END) RequestId: ([\\w-]+)(?:\\s+Version: ([^ ]+))?`),
    groups: 'event_name request_id version'
  },
  {
    name: 'glog',
    starts: 'IWEF',
    pattern: re(`([IWEF])(\\d{4} \\d\\d:\\d\\d:\\d\\d\\.\\d{6}) +(\\d+) ([^:]+):(\\d+)\\] ${REST}`),
    groups: 'level @time tid:int sourcefile sourceline:int @text',
    time: ['MMdd HH:mm:ss.SSSSSS'],
    levels: { I: 'INFO', W: 'WARNING', E: 'ERROR', F: 'FATAL' }
  },
  {
    name: 'ruby',
    starts: 'DIWEFA',
    pattern: re(`[DIWEFA], \\[${ISO.replace('(?: ?', '(?:')} #(\\d+)\\] +(\\w+) -- ([^:]*): ${REST}`),
    groups: '@time pid:int level program @text'
  },
  {
    name: 'python_default',
    starts: 'A-Z',
    pattern: re(`${LEVEL}:([\\w.-]+):${REST}`),
    groups: 'level logger @text'
  },
  {
    name: 'level_logger',
    starts: 'A-Za-z',
    pattern: re(`${LEVEL} +\\[([^\\]]+)\\] ${REST}`),
    groups: 'level logger @text'
  },
  {
    name: 'traceback',
    starts: 'T',
    pattern: re(`Traceback \\(most recent call last\\):${REST}`),
    groups: '-'
  },
  {
    name: 'exception',
    starts: 'A-Za-z',
    pattern: re(
      `(?:Exception in thread "([^"]*)" )?((?:[A-Za-z_$][\\w$]*\\.)*[A-Za-z]*(?:Exception|Error))(?:: ${REST}|\\n${REST}|$)`
    ),
    groups: 'thread exception - -'
  },
  {
    name: 'level',
    starts: 'A-Za-z',
    pattern: re(`(?:${LEVEL}:|(${CAPITALS})\\b(?: +-)?) *${REST}`),
    groups: 'level level @text'
  },

  // What stands under a line, and Flask's list at its start.
  { name: 'flask', starts: ' *', pattern: re(` ?\\* (?=[A-Z])${REST}`), groups: '@text' },
  { name: 'continuation', starts: ' \t', pattern: re(`[ \\t]+\\S`), groups: '-' }
]

function re(source: string): RegExp {
  return new RegExp(`^${source}`)
}
