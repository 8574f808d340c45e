// Which known name a wrong one was meant to be: by how it is spelled, or by what other agents call the same thing.

/** What Filebeat, Vector, Fluent Bit, Logstash and Prometheus call what has another name here; the first that is known is meant. */
const ELSEWHERE: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    paths: 'include files filenames file_path',
    exclude: 'exclude_files exclude_path',
    start_at: 'start_position read_from read_from_head initial_read_offset seek',
    ignore_older: 'ignore_older_secs exclude_older_than',
    max_line_bytes: 'max_bytes message_max_bytes buffer_max_size max_log_size',
    file: 'filestream filelog tail log imfile',
    journald: 'journal systemd imjournal journalctl',
    units: 'include_units',
    matches: 'include_matches systemd_filter',
    identifiers: 'syslog_identifiers',
    directory: 'journal_directory',
    stdout: 'console print',
    logstash: 'beats lumberjack',
    elasticsearch: 'es opensearch',
    http: 'webhook',
    hosts: 'endpoints endpoint urls url address servers',
    url: 'endpoint uri',
    tls: 'ssl tls_config',
    ca_file: 'certificate_authorities ca ca_cert cafile',
    cert_file: 'certificate crt_file cert',
    key_file: 'key',
    insecure_skip_verify: 'verification_mode verify_certificate verify',
    batch: 'bulk_max_size batch_size flush_interval',
    max_events: 'bulk_max_size max_size',
    in_flight: 'worker workers pipelining',
    backoff: 'retry retries retry_limit request',
    when_full: 'overflow on_full block_on_overflow',
    every: 'interval period scrape_interval',
    schedule: 'cron',
    pipeline: 'processors transforms filters parser',
    when: 'condition if',
    type: 'kind input_type',
    inputs: 'sources receivers filebeat.inputs scrape_configs',
    outputs: 'sinks output.elasticsearch output.logstash output.file output.console',
    pipelines: 'transforms processors filters filter parsers',
    data_dir: 'path.data statefile sincedb_path storage'
  })
    .flatMap(([here, there]) => there.split(' ').map((word): [string, string] => [word, here]))
    .reduce((map, [word, here]) => map.set(word, [...(map.get(word) ?? []), here]), new Map<string, string[]>())
)

/** Words that no option has a name for, and what to do instead. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['fields_under_root', 'what "fields" gives is put under "fields"; the step "set" puts a field at the top']
])

/** `; did you mean "x"?` for the name that is meant, `; known are …` for short lists, else ''. */
export function didYouMean(word: string, known: readonly string[]): string {
  const lower = word.toLowerCase()
  const instead = INSTEAD.get(lower)
  if (instead !== undefined && !known.includes(lower)) return `; ${instead}`
  // By spelling alone `include` would be meant to be `exclude`.
  const meant = ELSEWHERE.get(lower)?.find(name => known.includes(name)) ?? nearest(lower, known) ?? begun(lower, known)
  if (meant !== undefined) return `; did you mean "${meant}"?`
  return known.length > 0 && known.length <= 24 ? `; known are ${[...known].sort().join(', ')}` : ''
}

/** The known name with the fewest edits, when they are few. */
function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const name of known) {
    const d = name.toLowerCase() === word ? 0 : distance(word, name.toLowerCase())
    if (d < least) {
      least = d
      best = name
    }
  }
  return best
}

/** `elastic` for `elasticsearch`, `initial` for `init`: the only known name that begins so, or with which the word begins. */
function begun(word: string, known: readonly string[]): string | undefined {
  const fit = known.filter(name => {
    const other = name.toLowerCase()
    return Math.min(word.length, other.length) > 2 && (other.startsWith(word) || word.startsWith(other))
  })
  return fit.length === 1 ? fit[0] : undefined
}

/** Edits between two words, a swap of neighbours counting one (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let d = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, rows[i - 2]![j - 2]! + 1)
      row.push(d)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}
