// The options of `host_metrics`.
import * as f from '../../core/field.ts'

export const COLLECTORS = ['cpu', 'load', 'memory', 'psi', 'disk', 'filesystem', 'network', 'units'] as const

/** Those that hold no data of their own; asking one of the network could hang. */
const PSEUDO = [
  'autofs',
  'binfmt_misc',
  'bpf',
  'ceph',
  'cgroup*',
  'cifs',
  'configfs',
  'debugfs',
  'devpts',
  'devtmpfs',
  'efivarfs',
  'erofs',
  'fuse*',
  'hugetlbfs',
  'iso9660',
  'mqueue',
  'nfs*',
  'nsfs',
  'overlay',
  'proc',
  'pstore',
  'ramfs',
  'rpc_pipefs',
  'securityfs',
  'selinuxfs',
  'smb*',
  'squashfs',
  'sysfs',
  'tracefs'
]

const patterns = (what: string, doc: string, by: readonly string[]): f.Field<string[]> =>
  f.list(f.string(`${what}; \`*\` stands for any text.`), doc, { default: by })

export const hostMetricsFields = {
  enabled: f.boolean('Measure the host: `yarder_host_…` on `/metrics` and to every exporter.', { default: false }),
  every: f.duration('How often.', { default: '15s', min: '1s', max: '1h' }),
  collectors: f.list(f.choice(COLLECTORS, 'A group of numbers.'), 'What is measured.', {
    default: COLLECTORS,
    example: ['cpu', 'memory', 'filesystem'],
    min: 1
  }),
  units: patterns(
    'Name of a systemd unit',
    'Units whose memory, processor time and tasks are told, each by its control group (version 2). None without it.',
    []
  ),
  exclude_disks: patterns('Name of a disk', 'Disks that are left out; partitions are part of their disk.', [
    'fd*',
    'loop*',
    'nbd*',
    'ram*',
    'sr*',
    'zram*'
  ]),
  exclude_filesystems: patterns(
    'Type of a file system',
    'File systems that are left out: those without data of their own, and those of the network, which can hang.',
    PSEUDO
  ),
  exclude_mounts: patterns('Path', 'Mount points that are left out.', [
    '/dev/*',
    '/proc/*',
    '/run/credentials/*',
    '/run/user/*',
    '/snap/*',
    '/sys/*',
    '/var/lib/containers/*',
    '/var/lib/docker/*',
    '/var/lib/kubelet/*'
  ]),
  exclude_interfaces: patterns('Name of a network interface', 'Interfaces that are left out.', [
    'cali*',
    'ifb*',
    'lo',
    'lxc*',
    'veth*'
  ]),
  max_series: f.integer(
    'Disks, mount points, interfaces and units that have series of their own, each; the rest is one, `__overflow__`.',
    { default: 50, min: 1, max: 10_000 }
  ),
  proc: f.string('Where the kernel shows its numbers; `/host/proc` or the like in a container.', { default: '/proc' }),
  sys: f.string('Where it shows its devices and control groups.', { default: '/sys' }),
  rootfs: f.string('Where the root of the host is; `/host` or the like in a container.', { default: '/' })
}
export type HostMetricsOptions = f.Values<typeof hostMetricsFields>
