// THE LIST: every component, one import and one line each; and the catalog that a configuration is checked against.
import { defineCatalog, pipelineField } from '../config/catalog.ts'
import type { Checked } from '../config/checked.ts'
import * as f from '../core/field.ts'
import { command } from '../health/check/command.ts'
import { disk } from '../health/check/disk.ts'
import { dns } from '../health/check/dns.ts'
import { fileCheck } from '../health/check/file.ts'
import { heartbeat } from '../health/check/heartbeat.ts'
import { http } from '../health/check/http.ts'
import { load } from '../health/check/load.ts'
import { logCheck } from '../health/check/log.ts'
import { memory } from '../health/check/memory.ts'
import { metricCheck } from '../health/check/metric.ts'
import { mount } from '../health/check/mount.ts'
import { packageCheck } from '../health/check/package.ts'
import { port } from '../health/check/port.ts'
import { processCheck } from '../health/check/process.ts'
import { systemdUnit } from '../health/check/systemd-unit.ts'
import { tcp } from '../health/check/tcp.ts'
import { tls } from '../health/check/tls.ts'
import { user } from '../health/check/user.ts'
import { checkCommonFields, lintCheckCommon } from '../health/common.ts'
import { outputCommonFields } from '../output/delivery.ts'
import { notifyCommonFields } from '../health/notify.ts'
import { email } from '../health/notify/email.ts'
import { exec } from '../health/notify/exec.ts'
import { slack } from '../health/notify/slack.ts'
import { unit } from '../health/notify/unit.ts'
import { webhook } from '../health/notify/webhook.ts'
import { file as fileInput } from '../input/file.ts'
import { journald } from '../input/journald.ts'
import { stdin } from '../input/stdin.ts'
import { graphite } from '../metrics/export/graphite.ts'
import { prometheus } from '../metrics/export/prometheus.ts'
import { statsd } from '../metrics/export/statsd.ts'
import { counter } from '../metrics/from-logs/counter.ts'
import { gauge } from '../metrics/from-logs/gauge.ts'
import { histogram } from '../metrics/from-logs/histogram.ts'
import { hostMetricsFields } from '../metrics/collect/options.ts'
import { metricCommonFields } from '../metrics/from-logs/metric.ts'
import { summary } from '../metrics/from-logs/summary.ts'
import { elasticsearch } from '../output/elasticsearch.ts'
import { file as fileOutput } from '../output/file.ts'
import { http as httpOutput } from '../output/http.ts'
import { logstash } from '../output/logstash.ts'
import { stdout } from '../output/stdout.ts'
import { syslog } from '../output/syslog.ts'
import { auto } from '../pipeline/parse/auto.ts'
import { csv } from '../pipeline/parse/csv.ts'
import { date } from '../pipeline/parse/date.ts'
import { dissect } from '../pipeline/parse/dissect.ts'
import { grok } from '../pipeline/parse/grok.ts'
import { json } from '../pipeline/parse/json.ts'
import { kv } from '../pipeline/parse/kv.ts'
import { logfmt } from '../pipeline/parse/logfmt.ts'
import { regex } from '../pipeline/parse/regex.ts'
import { addTags } from '../pipeline/transform/add-tags.ts'
import { convert } from '../pipeline/transform/convert.ts'
import { copy } from '../pipeline/transform/copy.ts'
import { drop } from '../pipeline/transform/drop.ts'
import { gsub } from '../pipeline/transform/gsub.ts'
import { join } from '../pipeline/transform/join.ts'
import { keep } from '../pipeline/transform/keep.ts'
import { lowercase } from '../pipeline/transform/lowercase.ts'
import { redact } from '../pipeline/transform/redact.ts'
import { removeTags } from '../pipeline/transform/remove-tags.ts'
import { remove } from '../pipeline/transform/remove.ts'
import { rename } from '../pipeline/transform/rename.ts'
import { sample } from '../pipeline/transform/sample.ts'
import { set } from '../pipeline/transform/set.ts'
import { split } from '../pipeline/transform/split.ts'
import { strip } from '../pipeline/transform/strip.ts'
import { uppercase } from '../pipeline/transform/uppercase.ts'
import { adminFields, agentFields, inputCommonFields, lintAdmin } from './sections.ts'

const inputs = [fileInput, journald, stdin] as const
const parsers = [auto, csv, date, dissect, grok, json, kv, logfmt, regex] as const
const transforms = [
  addTags,
  convert,
  copy,
  drop,
  gsub,
  join,
  keep,
  lowercase,
  redact,
  remove,
  removeTags,
  rename,
  sample,
  set,
  split,
  strip,
  uppercase
] as const
const outputs = [elasticsearch, fileOutput, httpOutput, logstash, stdout, syslog] as const
const metrics = [counter, gauge, histogram, summary] as const
const exporters = [graphite, prometheus, statsd] as const
const checks = [
  command,
  disk,
  dns,
  fileCheck,
  heartbeat,
  http,
  load,
  logCheck,
  memory,
  metricCheck,
  mount,
  packageCheck,
  port,
  processCheck,
  systemdUnit,
  tcp,
  tls,
  user
] as const
const notify = [email, exec, slack, unit, webhook] as const

const inputCommon = {
  pipeline: f.optional(
    pipelineField('What is done with each line: the name of a pipeline, or its steps.', { example: 'nginx' })
  ),
  ...inputCommonFields
}

export const catalog = defineCatalog({
  sections: {
    agent: { doc: 'The agent itself.', fields: agentFields },
    admin: { doc: 'The HTTP listener for `/metrics` and `/health`.', fields: adminFields, lint: lintAdmin },
    host_metrics: {
      doc: 'Numbers about the host itself, as `yarder_host_…`, read without root.',
      fields: hostMetricsFields
    }
  },
  units: {
    inputs: {
      doc: 'Where lines come from.',
      definitions: inputs,
      common: inputCommon,
      refersTo: { outputs: 'outputs' }
    },
    outputs: {
      doc: 'Where records go; without any they are printed on stdout, NDJSON.',
      definitions: outputs,
      common: outputCommonFields
    },
    metrics: {
      doc: 'Numbers out of records, on `/metrics`.',
      definitions: metrics,
      common: metricCommonFields,
      refersTo: { input: 'inputs' }
    },
    exporters: {
      doc: 'Where the numbers are sent besides `/metrics`; the name of each is its type unless it gives one.',
      definitions: exporters,
      common: {},
      typeFromName: true
    },
    checks: {
      doc: 'What the agent watches besides logs, and when.',
      definitions: checks,
      common: checkCommonFields,
      lint: lintCheckCommon,
      refersTo: { notify: 'notify', depends_on: 'checks' }
    },
    notify: { doc: 'Who is told when a check changes its state.', definitions: notify, common: notifyCommonFields }
  },
  steps: [...parsers, ...transforms]
})

export type CheckedConfig = Checked<typeof catalog>
export type InputUnit = CheckedConfig['units']['inputs'][number]
export type OutputUnit = CheckedConfig['units']['outputs'][number]
export type ExporterUnit = CheckedConfig['units']['exporters'][number]
