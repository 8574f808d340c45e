// Grok patterns for the job log of the Bacula backup system (and Bareos, which writes the same lines).

// The messages without a field, or whose numbers go uncaptured, are the same in both sets.
export const common = String.raw`
BACULA_VOLUME %{USER}
BACULA_DEVICE %{USER}
BACULA_DEVICEPATH %{UNIXPATH}
BACULA_CAPACITY %{INT}(?:,%{INT})*
BACULA_VERSION %{USER}
BACULA_JOB %{USER}

BACULA_LOG_BEGIN_PRUNE_JOBS Begin pruning Jobs older than %{INT} [a-z]+(?: %{INT} [a-z]+)* ?\.
BACULA_LOG_BEGIN_PRUNE_FILES Begin pruning Files\.
BACULA_LOG_ENDPRUNE End auto prune\.
BACULA_LOG_DIFF_FS %{UNIXPATH} is a different filesystem\. Will not descend from %{UNIXPATH} into it\.
BACULA_LOG_NOPRUNE_JOBS No Jobs found to prune\.
BACULA_LOG_NOPRUNE_FILES No Files found to prune\.
BACULA_LOG_VSS (?:Generate )?VSS (?:[Ss]napshots?|Writer)
BACULA_LOG_MAXSTART Fatal [Ee]rror: Job canceled because max start delay time exceeded\.
BACULA_LOG_NOJOBSTAT Fatal [Ee]rror: No Job status returned from FD\.
BACULA_LOG_NOSUIT No prior or suitable Full backup found in catalog\. Doing FULL backup\.
BACULA_LOG_NOPRIOR No prior Full backup Job record found\.
BACULA_LOG_JOB (?:Error: )?(?:Bacula|Bareos) %{BACULA_HOST} %{BACULA_VERSION} \(%{BACULA_VERSION}\):
`

// What may follow `HOST [JobId N]:`, one message a line of the log; both sets know the same ones.
const messages = [
  'MAX_CAPACITY',
  'END_VOLUME',
  'NEW_VOLUME',
  'NEW_LABEL',
  'WROTE_LABEL',
  'NEW_MOUNT',
  'NOOPEN',
  'NOOPENDIR',
  'NOSTAT',
  'NOJOBS',
  'ALL_RECORDS_PRUNED',
  'BEGIN_PRUNE_JOBS',
  'BEGIN_PRUNE_FILES',
  'PRUNED_JOBS',
  'PRUNED_FILES',
  'ENDPRUNE',
  'STARTJOB',
  'STARTRESTORE',
  'USEDEVICE',
  'DIFF_FS',
  'JOBEND',
  'NOPRUNE_JOBS',
  'NOPRUNE_FILES',
  'VOLUME_PREVWRITTEN',
  'READYAPPEND',
  'CANCELLING',
  'MARKCANCEL',
  'CLIENT_RBJ',
  'VSS',
  'MAXSTART',
  'DUPLICATE',
  'NOJOBSTAT',
  'FATAL_CONN',
  'NO_CONNECT',
  'NO_AUTH',
  'NOSUIT',
  'JOB',
  'NOPRIOR',
]
const anyMessage = `(?:${messages.map((name) => `%{BACULA_LOG_${name}}`).join('|')})`

export const legacy = String.raw`
BACULA_TIMESTAMP %{MONTHDAY}-%{MONTH} %{HOUR}:%{MINUTE}
BACULA_HOST [0-9A-Za-z][0-9A-Za-z_.-]*

BACULA_LOG_MAX_CAPACITY User defined maximum volume capacity %{BACULA_CAPACITY} exceeded on device "%{BACULA_DEVICE:device}" \(%{BACULA_DEVICEPATH}\)
BACULA_LOG_END_VOLUME End of medium on Volume "%{BACULA_VOLUME:volume}" Bytes=%{BACULA_CAPACITY} Blocks=%{BACULA_CAPACITY} at %{MONTHDAY}-%{MONTH}-%{YEAR} %{HOUR}:%{MINUTE}\.
BACULA_LOG_NEW_VOLUME Created new Volume[ =]"%{BACULA_VOLUME:volume}"(?:, .*?)? in catalog\.
BACULA_LOG_NEW_LABEL Labeled new Volume "%{BACULA_VOLUME:volume}" on (?:[A-Za-z]+ )?device "%{BACULA_DEVICE:device}" \(%{BACULA_DEVICEPATH}\)
BACULA_LOG_WROTE_LABEL Wrote label to prelabeled Volume "%{BACULA_VOLUME:volume}" on (?:[A-Za-z]+ )?device "%{BACULA_DEVICE}" \(%{BACULA_DEVICEPATH}\)
BACULA_LOG_NEW_MOUNT New volume "%{BACULA_VOLUME:volume}" mounted on (?:[A-Za-z]+ )?device "%{BACULA_DEVICE:device}" \(%{BACULA_DEVICEPATH}\) at %{MONTHDAY}-%{MONTH}-%{YEAR} %{HOUR}:%{MINUTE}\.
BACULA_LOG_NOOPEN (?:Cannot|Could not) open (?!directory )%{DATA}: ERR=%{GREEDYDATA:berror}
BACULA_LOG_NOOPENDIR Could not open directory %{DATA}: ERR=%{GREEDYDATA:berror}
BACULA_LOG_NOSTAT Could not stat %{DATA}: ERR=%{GREEDYDATA:berror}
BACULA_LOG_NOJOBS There are no more Jobs associated with Volume "%{BACULA_VOLUME:volume}"\. Marking it purged\.
BACULA_LOG_ALL_RECORDS_PRUNED All records pruned from Volume "%{BACULA_VOLUME:volume}"; marking it "Purged"
BACULA_LOG_PRUNED_JOBS Pruned %{INT} Jobs? for client %{BACULA_HOST:client} from catalog\.
BACULA_LOG_PRUNED_FILES Pruned Files from %{INT} Jobs? for client %{BACULA_HOST:client} from catalog\.
BACULA_LOG_STARTJOB Start Backup JobId %{INT}, Job=%{BACULA_JOB:job}
BACULA_LOG_STARTRESTORE Start Restore Job %{BACULA_JOB:job}
BACULA_LOG_USEDEVICE Using Device "%{BACULA_DEVICE:device}"
BACULA_LOG_JOBEND Job write elapsed time = %{DATA:elapsed}, Transfer rate = %{NUMBER} +(?:[KMGT] )?Bytes/second
BACULA_LOG_VOLUME_PREVWRITTEN Volume "?%{BACULA_VOLUME:volume}"? previously written, moving to end of data\.
BACULA_LOG_READYAPPEND Ready to append to end of Volume "%{BACULA_VOLUME:volume}" size=%{INT}
BACULA_LOG_CANCELLING Cancelling duplicate JobId=%{INT}\.
BACULA_LOG_MARKCANCEL JobId %{INT}, Job %{BACULA_JOB:job} marked to be canceled\.
BACULA_LOG_CLIENT_RBJ shell command: run ClientRunBeforeJob "%{GREEDYDATA:runjob}"
BACULA_LOG_DUPLICATE Fatal [Ee]rror: JobId %{INT:duplicate} already running\. Duplicate job not allowed\.
BACULA_LOG_FATAL_CONN Fatal [Ee]rror: (?:\S+:[0-9]+ )?Unable to connect to Client: %{BACULA_HOST:client} on %{HOSTNAME}:%{POSINT}\. ERR=(?<berror>%{GREEDYDATA})
BACULA_LOG_NO_CONNECT Warning: (?:\S+:[0-9]+ )?Could not connect to Client: %{BACULA_HOST:client} on %{HOSTNAME}:%{POSINT}\. ERR=(?<berror>%{GREEDYDATA})
BACULA_LOG_NO_AUTH Fatal [Ee]rror: Unable to authenticate with File daemon at %{DATA}\. Possible causes:

BACULA_LOGLINE %{BACULA_TIMESTAMP:bts} %{BACULA_HOST:hostname}(?: JobId %{INT:jobid})?:? +${anyMessage}
`

export const ecs = String.raw`
BACULA_TIMESTAMP %{MONTHDAY}-%{MONTH}(?:-%{YEAR})? %{HOUR}:%{MINUTE}
BACULA_HOST %{HOSTNAME}

BACULA_LOG_MAX_CAPACITY User defined maximum volume capacity %{BACULA_CAPACITY:[bacula][volume][max_capacity]} exceeded on device "%{BACULA_DEVICE:[bacula][volume][device]}" \(%{BACULA_DEVICEPATH:[bacula][volume][path]}\)
BACULA_LOG_END_VOLUME End of medium on Volume "%{BACULA_VOLUME:[bacula][volume][name]}" Bytes=%{BACULA_CAPACITY:[bacula][volume][bytes]} Blocks=%{BACULA_CAPACITY:[bacula][volume][blocks]} at %{BACULA_TIMESTAMP:[bacula][timestamp]}\.
BACULA_LOG_NEW_VOLUME Created new Volume[ =]"%{BACULA_VOLUME:[bacula][volume][name]}"(?:, .*?)? in catalog\.
BACULA_LOG_NEW_LABEL Labeled new Volume "%{BACULA_VOLUME:[bacula][volume][name]}" on (?:[A-Za-z]+ )?device "%{BACULA_DEVICE:[bacula][volume][device]}" \(%{BACULA_DEVICEPATH:[bacula][volume][path]}\)
BACULA_LOG_WROTE_LABEL Wrote label to prelabeled Volume "%{BACULA_VOLUME:[bacula][volume][name]}" on (?:[A-Za-z]+ )?device "%{BACULA_DEVICE:[bacula][volume][device]}" \(%{BACULA_DEVICEPATH:[bacula][volume][path]}\)
BACULA_LOG_NEW_MOUNT New volume "%{BACULA_VOLUME:[bacula][volume][name]}" mounted on (?:[A-Za-z]+ )?device "%{BACULA_DEVICE:[bacula][volume][device]}" \(%{BACULA_DEVICEPATH:[bacula][volume][path]}\) at %{BACULA_TIMESTAMP:[bacula][timestamp]}\.
BACULA_LOG_NOOPEN (?:Cannot|Could not) open (?!directory )%{DATA}: ERR=%{GREEDYDATA:[error][message]}
BACULA_LOG_NOOPENDIR Could not open directory "?%{DATA:[file][path]}"?: ERR=%{GREEDYDATA:[error][message]}
BACULA_LOG_NOSTAT Could not stat "?%{DATA:[file][path]}"?: ERR=%{GREEDYDATA:[error][message]}
BACULA_LOG_NOJOBS There are no more Jobs associated with Volume "%{BACULA_VOLUME:[bacula][volume][name]}"\. Marking it purged\.
BACULA_LOG_ALL_RECORDS_PRUNED All records pruned from Volume "%{BACULA_VOLUME:[bacula][volume][name]}"; marking it "Purged"
BACULA_LOG_PRUNED_JOBS Pruned %{INT} Jobs? for client %{BACULA_HOST:[bacula][client][name]} from catalog\.
BACULA_LOG_PRUNED_FILES Pruned Files from %{INT} Jobs? for client %{BACULA_HOST:[bacula][client][name]} from catalog\.
BACULA_LOG_STARTJOB Start Backup JobId %{INT}, Job=%{BACULA_JOB:[bacula][job][name]}
BACULA_LOG_STARTRESTORE Start Restore Job %{BACULA_JOB:[bacula][job][name]}
BACULA_LOG_USEDEVICE Using Device "%{BACULA_DEVICE:[bacula][volume][device]}"
BACULA_LOG_JOBEND Job write elapsed time = %{DATA:[bacula][job][elapsed_time]}, Transfer rate = %{NUMBER} +(?:[KMGT] )?Bytes/second
BACULA_LOG_VOLUME_PREVWRITTEN Volume "?%{BACULA_VOLUME:[bacula][volume][name]}"? previously written, moving to end of data\.
BACULA_LOG_READYAPPEND Ready to append to end of Volume "%{BACULA_VOLUME:[bacula][volume][name]}" size=%{INT:[bacula][volume][size]:int}
BACULA_LOG_CANCELLING Cancelling duplicate JobId=%{INT:[bacula][job][other_id]}\.
BACULA_LOG_MARKCANCEL JobId %{INT:[bacula][job][id]}, Job %{BACULA_JOB:[bacula][job][name]} marked to be canceled\.
BACULA_LOG_CLIENT_RBJ shell command: run ClientRunBeforeJob "%{GREEDYDATA:[bacula][job][client_run_before_command]}"
BACULA_LOG_DUPLICATE Fatal [Ee]rror: JobId %{INT:[bacula][job][other_id]} already running\. Duplicate job not allowed\.
BACULA_LOG_FATAL_CONN Fatal [Ee]rror: (?:\S+:[0-9]+ )?Unable to connect to Client: %{BACULA_HOST:[bacula][client][name]} on %{IPORHOST:[client][address]}:%{POSINT:[client][port]:int}\. ERR=%{GREEDYDATA:[error][message]}
BACULA_LOG_NO_CONNECT Warning: (?:\S+:[0-9]+ )?Could not connect to Client: %{BACULA_HOST:[bacula][client][name]} on %{IPORHOST:[client][address]}:%{POSINT:[client][port]:int}\. ERR=%{GREEDYDATA:[error][message]}
BACULA_LOG_NO_AUTH Fatal [Ee]rror: Unable to authenticate with File daemon at "?%{IPORHOST:[client][address]}(?::%{POSINT:[client][port]:int})?"?\. Possible causes:

BACULA_LOG %{BACULA_TIMESTAMP:timestamp} %{BACULA_HOST:[host][hostname]}(?: JobId %{INT:[bacula][job][id]})?:? +${anyMessage}
BACULA_LOGLINE %{BACULA_LOG}
`
