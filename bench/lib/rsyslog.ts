// Debian's rsyslogd on the same file and receiver, as the yardstick: imfile, mmnormalize or mmjsonparse, omelasticsearch.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { debianPackage } from '../../test/lib/real/debian.ts'
import { start, until } from '../../test/lib/real/process.ts'
import { cpuOf, peakRss, type Sink } from './parts.ts'

export interface RsyslogRun {
  /** Documents that the sink got; the run is over when they are all there, or nothing came for ten seconds. */
  readonly docs: number
  readonly wallSeconds: number
  readonly cpuSeconds: number
  readonly peakRssBytes: number
}

/** Undefined when rsyslog and its Elasticsearch module are there, else the reason to leave this comparison out. */
export function rsyslogMissing(): Promise<string | undefined> {
  return debianPackage(['rsyslog', 'rsyslog-elasticsearch'])
}

/**
 * Ships `lines` lines of `file` to `sink` and tells what it cost. `raw` sends each line as `message`; `combined` adds the
 * fields of an nginx line; `json` parses each line and sends its members. Dates stay text, as rsyslog has no parser for them.
 */
export async function rsyslog(options: {
  file: string
  lines: number
  sink: Sink
  parse: 'raw' | 'combined' | 'json'
}): Promise<RsyslogRun> {
  const folder = await mkdtemp(join(tmpdir(), 'yarder-rsyslog-'))
  await writeFile(join(folder, 'combined.rulebase'), rulebase)
  await writeFile(join(folder, 'rsyslog.conf'), config({ ...options, folder, port: options.sink.port }))
  await options.sink.reset()
  const started = performance.now()
  const running = await start(
    ['/usr/sbin/rsyslogd', '-n', '-i', join(folder, 'pid'), '-f', join(folder, 'rsyslog.conf')],
    { logFile: join(folder, 'output.log') }
  )
  try {
    const docs = await allOrStalled(options.sink, options.lines, () => running.check())
    const wallSeconds = (performance.now() - started) / 1000
    return { docs, wallSeconds, cpuSeconds: cpuOf(running.pid), peakRssBytes: peakRss(running.pid) }
  } finally {
    await running.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function allOrStalled(sink: Sink, lines: number, check: () => void): Promise<number> {
  let docs = -1
  let since = performance.now()
  return until(
    'rsyslog to deliver',
    async () => {
      check()
      const now = (await sink.stats()).docs
      if (now !== docs) since = performance.now()
      docs = now
      return (docs >= lines || performance.now() - since > 10_000) && { docs }
    },
    600_000
  ).then(end => end.docs)
}

// Fields as in the legacy COMBINEDAPACHELOG.
const rulebase = `version=2
rule=:%clientip:word% %ident:word% %auth:word% [%timestamp:char-to{"extradata":"]"}%] "%verb:word% \
%request:word% HTTP/%httpversion:char-to{"extradata":"\\""}%" %response:number% %bytes:number% \
"%referrer:char-to{"extradata":"\\""}%" "%agent:char-to{"extradata":"\\""}%"
`

/** What is done to a line, and the template of its document: the leanest that rsyslog has for each way. */
const ways = {
  raw: {
    actions: '',
    document: `type="list") {
  constant(value="{\\"message\\":\\"") property(name="msg" format="json") constant(value="\\"}")
}`
  },
  combined: {
    actions: 'action(type="mmnormalize" ruleBase="FOLDER/combined.rulebase")\n  set $!message = $msg;',
    document: 'type="subtree" subtree="$!")'
  },
  json: {
    actions: 'action(type="mmjsonparse" cookie="")',
    document: 'type="subtree" subtree="$!")'
  }
}

function config(at: { folder: string; file: string; port: number; parse: 'raw' | 'combined' | 'json' }): string {
  const way = ways[at.parse]
  return `
global(workDirectory="${at.folder}" maxMessageSize="64k")
main_queue(queue.type="LinkedList" queue.size="20000" queue.dequeueBatchSize="2000")
module(load="imfile")
module(load="mmnormalize")
module(load="mmjsonparse")
module(load="omelasticsearch")
template(name="document" ${way.document}
input(type="imfile" file="${at.file}" tag="bench" freshStartTail="off" addMetadata="off" ruleset="ship")
ruleset(name="ship") {
  ${way.actions.replace('FOLDER', at.folder)}
  action(type="omelasticsearch" server="127.0.0.1" serverport="${at.port}" template="document" searchIndex="bench"
    searchType="" bulkmode="on" maxbytes="5m")
}
`
}
