// An entry of the journal as a record, under the names that ECS and Filebeat have for its fields.
import type { Event } from '../../core/event.ts'
import type { Entry } from './export.ts'

/** By their codes, as journalctl takes them for `--priority`. */
export const PRIORITIES = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const

/** Where a field of the journal goes, systemd.journal-fields(7); a `#` marks those that are numbers. */
const NAMES: Readonly<Record<string, string>> = {
  MESSAGE: 'message',
  MESSAGE_ID: 'message_id',
  SYSLOG_FACILITY: 'log.syslog.facility.code#',
  SYSLOG_IDENTIFIER: 'log.syslog.appname',
  SYSLOG_PID: 'log.syslog.procid',
  _PID: 'process.pid#',
  _COMM: 'process.name',
  _EXE: 'process.executable',
  _CMDLINE: 'process.command_line',
  _UID: 'user.id',
  _GID: 'user.group.id',
  _SYSTEMD_UNIT: 'systemd.unit',
  _SYSTEMD_USER_UNIT: 'systemd.user_unit',
  _SYSTEMD_SLICE: 'systemd.slice',
  _SYSTEMD_CGROUP: 'systemd.cgroup',
  _SYSTEMD_SESSION: 'systemd.session',
  _SYSTEMD_OWNER_UID: 'systemd.owner_uid',
  _SYSTEMD_INVOCATION_ID: 'systemd.invocation_id',
  _TRANSPORT: 'systemd.transport',
  _BOOT_ID: 'journald.host.boot_id',
  _KERNEL_DEVICE: 'journald.kernel.device',
  _KERNEL_SUBSYSTEM: 'journald.kernel.subsystem',
  UNIT: 'journald.object.unit',
  OBJECT_PID: 'journald.object.pid#',
  OBJECT_SYSTEMD_UNIT: 'journald.object.systemd.unit',
  COREDUMP_UNIT: 'journald.coredump.unit',
  CODE_FILE: 'journald.code.file',
  CODE_FUNC: 'journald.code.func',
  CODE_LINE: 'journald.code.line#'
}

interface Target {
  readonly keys: readonly string[]
  readonly number: boolean
}

const TARGETS = new Map<string, Target>(
  Object.entries(NAMES).map(([name, ref]) => [
    name,
    { keys: ref.replace('#', '').split('.'), number: ref.endsWith('#') }
  ])
)
/** Told by others already, or of no use outside of the journal. */
const LEFT_OUT = new Set([
  '_SOURCE_REALTIME_TIMESTAMP',
  '_SOURCE_MONOTONIC_TIMESTAMP',
  'SYSLOG_TIMESTAMP',
  '_STREAM_ID'
])
const TRUNCATED = '_truncated'
const ABSENT = { architecture: undefined, containerized: undefined, os: undefined }

/** What the constants of a record say about the host that the agent runs on. */
export interface Host {
  readonly name?: unknown
  readonly id?: unknown
}

/** The whole record; an entry of another host than `host` carries what the journal knows of that one, and no more. */
export function recordOf({ names, values, cut }: Entry, host: Host): Event {
  const event: Event = { message: '' }
  for (let i = 0; i < names.length; i++) place(event, names[i]!, values[i]!, host)
  const machine = values[names.indexOf('_MACHINE_ID')]
  if (machine !== undefined && machine !== host.id) {
    // What is undefined takes the constant away.
    event['host'] = { ...ABSENT, ...(event['host'] as Event | undefined), id: machine }
  }
  if (cut) event['tags'] = [TRUNCATED]
  return event
}

function place(event: Event, name: string, value: string, host: Host): void {
  const target = TARGETS.get(name)
  if (target !== undefined) {
    const number = Number(value)
    if (!target.number) put(event, target.keys, value)
    else if (value !== '' && Number.isSafeInteger(number)) put(event, target.keys, number)
  } else if (name === 'PRIORITY') {
    const level = PRIORITIES[Number(value)]
    if (level === undefined) return
    put(event, ['log', 'level'], level)
    put(event, ['log', 'syslog', 'severity', 'code'], Number(value))
  } else if (name === '_HOSTNAME') {
    if (value !== host.name) event['host'] = { name: value, hostname: value }
  } else if (name === '_MACHINE_ID' || LEFT_OUT.has(name)) return
  else put(event, ['journald', 'custom', name.replace(/^_+/, '').toLowerCase()], value)
}

/** What comes a second time under one name makes a list, but for the message. */
function put(event: Event, keys: readonly string[], value: unknown): void {
  let holder = event
  const last = keys.length - 1
  for (let i = 0; i < last; i++) {
    const next = holder[keys[i]!]
    holder = (next ?? (holder[keys[i]!] = {})) as Event
  }
  const key = keys[last]!
  const before = Object.hasOwn(holder, key) ? holder[key] : undefined
  if (before === undefined || before === '') holder[key] = value
  else if (keys[1] === 'custom')
    holder[key] = Array.isArray(before) ? [...(before as unknown[]), value] : [before, value]
}
