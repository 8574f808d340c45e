// The two built-in sets of grok patterns, put together from one module per kind of log.

import * as aws from './aws.ts'
import * as bacula from './bacula.ts'
import * as bind from './bind.ts'
import * as core from './core.ts'
import * as exim from './exim.ts'
import * as firewalls from './firewalls.ts'
import * as haproxy from './haproxy.ts'
import * as httpd from './httpd.ts'
import * as java from './java.ts'
import * as junos from './junos.ts'
import * as linuxSyslog from './linux-syslog.ts'
import * as maven from './maven.ts'
import * as mcollective from './mcollective.ts'
import * as mongodb from './mongodb.ts'
import * as nagios from './nagios.ts'
import * as postgresql from './postgresql.ts'
import * as rails from './rails.ts'
import * as redis from './redis.ts'
import * as ruby from './ruby.ts'
import * as squid from './squid.ts'
import * as zeek from './zeek.ts'

/** What a module of this folder exports: pattern files as text; `common` holds what is the same in both sets. */
interface PatternGroup {
  readonly common: string
  readonly legacy: string
  readonly ecs: string
}

/** The built-in sets: `legacy` captures flat field names, `ecs-v1` those of the Elastic Common Schema. */
export type PatternSetName = 'legacy' | 'ecs-v1'

const groups: readonly PatternGroup[] = [
  core,
  aws,
  bacula,
  bind,
  exim,
  firewalls,
  haproxy,
  httpd,
  java,
  junos,
  linuxSyslog,
  maven,
  mcollective,
  mongodb,
  nagios,
  postgresql,
  rails,
  redis,
  ruby,
  squid,
  zeek
]

// A name in Logstash's sense: [A-z0-9]+, where A-z is the ASCII range with its six signs, `_` among them.
const line = /^\s*([A-z0-9]+)\s+(\S.*?)\r?$/s

/**
 * Reads a pattern file: a `NAME definition` a line, spaces at the end included; blank lines and lines that start with
 * `#` are passed over, and so is a line without a definition, as Logstash does. Of two definitions of a name the later
 * holds.
 */
export function parsePatternFile(text: string): Map<string, string> {
  const patterns = new Map<string, string>()
  for (const row of text.split('\n')) {
    if (row.trimStart().startsWith('#')) continue
    const [, name, definition] = line.exec(row) ?? []
    if (name !== undefined && definition !== undefined) patterns.set(name, definition)
  }
  return patterns
}

/** A built-in set, name → definition, as a new map the caller may add to. */
export function patternSet(name: PatternSetName): Map<string, string> {
  const patterns = new Map<string, string>()
  for (const group of groups) {
    const own = name === 'legacy' ? group.legacy : group.ecs
    for (const text of [group.common, own]) {
      for (const [pattern, definition] of parsePatternFile(text)) patterns.set(pattern, definition)
    }
  }
  return patterns
}
