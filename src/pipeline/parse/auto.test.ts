import assert from 'node:assert/strict'
import test from 'node:test'
import { ARRIVAL, build, run, source } from '../../../test/lib/step.ts'
import { auto } from './auto.ts'
import { SHAPES } from './auto/shapes.ts'

const step = build(auto, {})

type Row = readonly [line: string, format: string, time: string, fields: Record<string, unknown>]

// The lines that "Python for DevOps" prints. The arrival is 2026-11-22T12:00:00Z, the zone UTC.
const BOOK: readonly Row[] = [
  [
    '192.168.111.1 - - [03/Aug/2019:07:28:41 +0000] "GET / HTTP/1.1" 200 3700 "-" "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:68.0) Gecko/20100101 Firefox/68.0"',
    'combined',
    '2019-08-03T07:28:41.000Z',
    {
      clientip: '192.168.111.1',
      verb: 'GET',
      request: '/',
      httpversion: '1.1',
      response: 200,
      bytes: 3700,
      agent: 'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:68.0) Gecko/20100101 Firefox/68.0'
    }
  ],
  [
    '::1 - - [08/Aug/2019:21:03:45 +0000] "GET / HTTP/1.1" 200',
    'common',
    '2019-08-08T21:03:45.000Z',
    { clientip: '::1', verb: 'GET', request: '/', httpversion: '1.1', response: 200 }
  ],
  [
    '127.0.0.1 - swills [13/Nov/2019:14:43:30 -0800] "GET /assets/234 HTTP/1.0" 200 2326',
    'common',
    '2019-11-13T22:43:30.000Z',
    {
      clientip: '127.0.0.1',
      auth: 'swills',
      verb: 'GET',
      request: '/assets/234',
      httpversion: '1.0',
      response: 200,
      bytes: 2326
    }
  ],
  [
    '127.0.0.1 - rj [13/Nov/2019:14:34:30 -0000] "GET HTTP/1.0" 200',
    'common',
    '2019-11-13T14:34:30.000Z',
    { clientip: '127.0.0.1', auth: 'rj', verb: 'GET', httpversion: '1.0', response: 200 }
  ],
  [
    '127.0.0.1 - - [04/Sep/2019 12:10:54] "POST /?q=devops HTTP/1.1" 302 -',
    'werkzeug',
    '2019-09-04T12:10:54.000Z',
    { clientip: '127.0.0.1', verb: 'POST', request: '/?q=devops', httpversion: '1.1', response: 302 }
  ],
  [
    '127.0.0.1 - - [04/Sep/2019 12:10:58] "GET / HTTP/1.1" 200 -',
    'werkzeug',
    '2019-09-04T12:10:58.000Z',
    { clientip: '127.0.0.1', verb: 'GET', request: '/', httpversion: '1.1', response: 200 }
  ],
  [
    '127.0.0.1 - - [07/Jul/2019 10:16:20] "GET /metrics HTTP/1.1" 308 -',
    'werkzeug',
    '2019-07-07T10:16:20.000Z',
    { clientip: '127.0.0.1', verb: 'GET', request: '/metrics', httpversion: '1.1', response: 308 }
  ],
  [
    '127.0.0.1 - - [07/Jul/2019 10:16:20] "GET /metrics/ HTTP/1.1" 200 -',
    'werkzeug',
    '2019-07-07T10:16:20.000Z',
    { clientip: '127.0.0.1', verb: 'GET', request: '/metrics/', httpversion: '1.1', response: 200 }
  ],
  [
    '72.203.107.13 - - [19/Aug/2019 04:43:35] "GET /favicon.ico HTTP/1.1" 404 -',
    'werkzeug',
    '2019-08-19T04:43:35.000Z',
    { clientip: '72.203.107.13', verb: 'GET', request: '/favicon.ico', httpversion: '1.1', response: 404 }
  ],
  [
    '127.0.0.1 [09:58:37] "GET / HTTP/1.1" 200 -',
    'http_server',
    '2026-11-22T09:58:37.000Z',
    { clientip: '127.0.0.1', verb: 'GET', request: '/', httpversion: '1.1', response: 200 }
  ],
  [
    '127.0.0.1 [09:59:39] "GET /hello-world/hello-world-0.0.1.tar.gz HTTP/1.1" 200',
    'http_server',
    '2026-11-22T09:59:39.000Z',
    {
      clientip: '127.0.0.1',
      verb: 'GET',
      request: '/hello-world/hello-world-0.0.1.tar.gz',
      httpversion: '1.1',
      response: 200
    }
  ],
  [
    '[18/Apr/2019 03:37:24] "GET /x86_64/repodata/repomd.xml HTTP/1.1"',
    'http_server',
    '2019-04-18T03:37:24.000Z',
    { verb: 'GET', request: '/x86_64/repodata/repomd.xml', httpversion: '1.1' }
  ],
  [
    'Apr 23 13:44:20 srv1 systemd[1]: Started hello world pecan service.',
    'syslog',
    '2026-04-23T13:44:20.000Z',
    { logsource: 'srv1', program: 'systemd', pid: 1 }
  ],
  [
    'Apr 23 13:44:44 srv1 pecan[23980] [INFO ] [pecan.commands.serve] GET / 200',
    'syslog',
    '2026-04-23T13:44:44.000Z',
    {
      logsource: 'srv1',
      program: 'pecan',
      pid: 23980,
      level: 'INFO',
      logger: 'pecan.commands.serve',
      verb: 'GET',
      request: '/',
      response: 200
    }
  ],
  [
    'Apr 23 13:44:55 srv1 systemd[1]: hello-world.service: Main process exited',
    'syslog',
    '2026-04-23T13:44:55.000Z',
    { logsource: 'srv1', program: 'systemd', pid: 1 }
  ],
  [
    '2019-05-29 22:45:04 default[2019] "GET /favicon.ico HTTP/1.1" 404',
    'app_engine',
    '2019-05-29T22:45:04.000Z',
    { service: 'default', version: '2019', verb: 'GET', request: '/favicon.ico', httpversion: '1.1', response: 404 }
  ],
  [
    '2019-05-29 22:46:25 default[2019] "GET /name/usf HTTP/1.1" 200',
    'app_engine',
    '2019-05-29T22:46:25.000Z',
    { service: 'default', version: '2019', verb: 'GET', request: '/name/usf', httpversion: '1.1', response: 200 }
  ],
  [
    '2019-08-12 07:57:28,157 [DEVEL][INFO ] [pecan.commands.serve] GET / 200',
    'pecan',
    '2019-08-12T07:57:28.157Z',
    {
      app_environment: 'DEVEL',
      level: 'INFO',
      logger: 'pecan.commands.serve',
      verb: 'GET',
      request: '/',
      response: 200
    }
  ],
  [
    '2019-08-12 08:15:46,552 [PRODUCTION][INFO ] [pecan.commands.serve] GET / 200',
    'pecan',
    '2019-08-12T08:15:46.552Z',
    {
      app_environment: 'PRODUCTION',
      level: 'INFO',
      logger: 'pecan.commands.serve',
      verb: 'GET',
      request: '/',
      response: 200
    }
  ],
  [
    '{"type":"log","@timestamp":"2019-08-09T12:34:43Z","tags":["status","plugin:elasticsearch@7.3.0","info"],"pid":7885,"state":"yellow","message":"Status changed from uninitialized to yellow","prevState":"uninitialized","prevMsg":"uninitialized"}',
    'json',
    '2019-08-09T12:34:43.000Z',
    {
      type: 'log',
      tags: ['status', 'plugin:elasticsearch@7.3.0', 'info'],
      pid: 7885,
      state: 'yellow',
      prevState: 'uninitialized',
      prevMsg: 'uninitialized',
      message: 'Status changed from uninitialized to yellow'
    }
  ],
  [
    '{"type":"log","@timestamp":"2019-08-09T12:34:45Z","tags":["status","plugin:elasticsearch@7.3.0","info"],"pid":7885,"state":"green","message":"Status changed from yellow to green - Ready","prevState":"yellow","prevMsg":"Waiting for Elasticsearch"}',
    'json',
    '2019-08-09T12:34:45.000Z',
    {
      type: 'log',
      tags: ['status', 'plugin:elasticsearch@7.3.0', 'info'],
      pid: 7885,
      state: 'green',
      prevState: 'yellow',
      prevMsg: 'Waiting for Elasticsearch',
      message: 'Status changed from yellow to green - Ready'
    }
  ],
  [
    '{"type":"log","@timestamp":"2019-08-09T12:59:27Z","tags":["error","elasticsearch","data"],"pid":8022,"message":"Request error, retrying GET http://localhost:9199/_xpack => connect ECONNREFUSED 127.0.0.1:9199"}',
    'json',
    '2019-08-09T12:59:27.000Z',
    {
      type: 'log',
      tags: ['error', 'elasticsearch', 'data'],
      pid: 8022,
      message: 'Request error, retrying GET http://localhost:9199/_xpack => connect ECONNREFUSED 127.0.0.1:9199'
    }
  ],
  [
    '{"type":"log","@timestamp":"2019-08-09T12:59:27Z","tags":["warning","elasticsearch","data"],"pid":8022,"message":"Unable to revive connection: http://localhost:9199/"}',
    'json',
    '2019-08-09T12:59:27.000Z',
    {
      type: 'log',
      tags: ['warning', 'elasticsearch', 'data'],
      pid: 8022,
      message: 'Unable to revive connection: http://localhost:9199/'
    }
  ],
  [
    '2019-07-08 08:31:08,493 root WARNING warning is above info, should appear',
    'python',
    '2019-07-08T08:31:08.493Z',
    { logger: 'root', level: 'WARNING' }
  ],
  ["CRITICAL:root:this can't be that easy", 'python_default', '', { level: 'CRITICAL', logger: 'root' }],
  [
    '[2019-09-08 12:28:25,190][my-app][WARNING] an info message from my-app',
    'python_brackets',
    '2019-09-08T12:28:25.190Z',
    { logger: 'my-app', level: 'WARNING' }
  ],
  [
    '[root][WARNING] this is an info message from the root logger',
    'python_console',
    '',
    { logger: 'root', level: 'WARNING' }
  ],
  [
    'postgres | 2019-07-11 21:50:20.987 UTC [1] LOG: listening on IPv4 address "0.0.0.0", port 5432',
    'postgresql',
    '2019-07-11T21:50:20.987Z',
    { pid: 1, level: 'LOG', service: 'postgres' }
  ],
  [
    'migrations_1 | INFO [alembic.runtime.migration] Context impl PostgresqlImpl.',
    'level_logger',
    '',
    { level: 'INFO', logger: 'alembic.runtime.migration', service: 'migrations_1' }
  ],
  ['app_1 | * Running on http://0.0.0.0:5000/ (Press CTRL+C to quit)', 'flask', '', { service: 'app_1' }],
  [
    "worker_1 | 22:15:20 RQ worker 'rq:worker:2edb6a54f30a4aae8a8ca2f4a9850303' started, version 1.0",
    'rq',
    '2026-11-21T22:15:20.000Z',
    { program: 'rq', service: 'worker_1' }
  ],
  [
    '1:M 12 Jul 2019 20:17:12.967 * Ready to accept connections',
    'redis',
    '2019-07-12T20:17:12.967Z',
    { pid: 1, role: 'M', level: 'notice' }
  ],
  [
    '1:M 12 Jul 2019 20:17:12.967 # WARNING: The TCP backlog setting of 511 cannot be enforced because /proc/sys/net/core/somaxconn is set to the lower value of 128.',
    'redis',
    '2019-07-12T20:17:12.967Z',
    { pid: 1, role: 'M', level: 'warning' }
  ],
  [
    'REPORT RequestId: 5ac3c9c8-f8ca-4029-84fa-fcf5157b1404 Duration: 1.68 ms Billed Duration: 100 ms Memory Size: 1024 MB Max Memory Used: 56 MB',
    'lambda_report',
    '',
    {
      request_id: '5ac3c9c8-f8ca-4029-84fa-fcf5157b1404',
      duration_ms: 1.68,
      billed_duration_ms: 100,
      memory_size_mb: 1024,
      max_memory_used_mb: 56
    }
  ],
  [
    '2019-08-23T03:35:12.419846316Z: Function execution took 20 ms, finished with status code: 200',
    'cloud_functions',
    '2019-08-23T03:35:12.419Z',
    { duration_ms: 20, response: 200 }
  ],
  [
    '[8/24/19 12:21:35 AM] INFO: Starting Azure Functions Python Worker.',
    'azure_functions',
    '2019-08-24T00:21:35.000Z',
    { level: 'INFO' }
  ],
  [
    "[ERROR] Runtime.ImportModuleError: Unable to import module 'get': No module named 'todos'",
    'lambda',
    '',
    { level: 'ERROR', exception: 'Runtime.ImportModuleError' }
  ],
  [
    '19:41:00 WARNING: Please wait for graceful shutdown...',
    'clock_level',
    '2026-11-21T19:41:00.000Z',
    { level: 'WARNING' }
  ],
  [
    '[ERROR] Exception: Couldn\'t update the todo item.\nTraceback (most recent call last):\n  File "/var/task/update.py", line 15, in update\n    raise Exception("Couldn\'t update the todo item.")',
    'lambda',
    '',
    { level: 'ERROR', exception: 'Exception' }
  ],
  [
    '[ERROR] Running expensive_operation caused an error: TypeError: not all arguments converted during string formatting',
    'lambda',
    '',
    { level: 'ERROR' }
  ],
  [' * Debugger PIN: 647-161-014', 'flask', '', {}]
]

const USUAL: readonly Row[] = [
  [
    '10.1.1.1 - - [03/Aug/2019:07:28:41 +0000] "GET /a\\"b HTTP/1.1" 200 37 "http://x/" "curl" "10.0.0.7"',
    'combined',
    '2019-08-03T07:28:41.000Z',
    {
      clientip: '10.1.1.1',
      verb: 'GET',
      request: '/a\\"b',
      httpversion: '1.1',
      response: 200,
      bytes: 37,
      referrer: 'http://x/',
      agent: 'curl',
      forwarded_for: '10.0.0.7'
    }
  ],
  [
    'example.com:443 10.1.1.1 - - [03/Aug/2019:07:28:41 +0000] "GET / HTTP/2" 200 37 "-" "curl"',
    'vhost_combined',
    '2019-08-03T07:28:41.000Z',
    {
      vhost: 'example.com',
      clientip: '10.1.1.1',
      verb: 'GET',
      request: '/',
      httpversion: '2',
      response: 200,
      bytes: 37,
      agent: 'curl'
    }
  ],
  [
    'web1.example.com - - [03/Aug/2019:07:28:41 +0000] "\\x16\\x03\\x01" 400 0',
    'common',
    '2019-08-03T07:28:41.000Z',
    { clientip: 'web1.example.com', rawrequest: '\\x16\\x03\\x01', response: 400, bytes: 0 }
  ],
  [
    '2026/11/22 11:59:58 [error] 31#32: *7 open() "/x" failed (2: No such file or directory), client: 10.0.0.1, server: _, request: "GET /x HTTP/1.1"',
    'nginx_error',
    '2026-11-22T11:59:58.000Z',
    {
      level: 'error',
      pid: 31,
      tid: 32,
      connection: 7,
      clientip: '10.0.0.1',
      server: '_',
      verb: 'GET',
      request: '/x',
      httpversion: '1.1'
    }
  ],
  [
    '[Wed Oct 11 14:32:52.123456 2000] [core:error] [pid 35708:tid 4328] [client 72.15.99.187:4711] File does not exist: /favicon.ico',
    'apache_error',
    '2000-10-11T14:32:52.123Z',
    { module: 'core', level: 'error', pid: 35708, tid: 4328, clientip: '72.15.99.187', port: 4711 }
  ],
  [
    '[Wed Oct 11 14:32:52 2000] [error] [client 127.0.0.1] client denied',
    'apache_error',
    '2000-10-11T14:32:52.000Z',
    { level: 'error', clientip: '127.0.0.1' }
  ],
  [
    '<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 [a@1 b="c\\]"][d e="f"] ﻿su root failed',
    'syslog_rfc5424',
    '2003-10-11T22:14:15.003Z',
    {
      syslog_pri: 34,
      level: 'crit',
      logsource: 'mymachine.example.com',
      program: 'su',
      msgid: 'ID47',
      structured_data: '[a@1 b="c\\]"][d e="f"]'
    }
  ],
  [
    "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time",
    'syslog_rfc5424',
    '2003-08-24T12:14:15.000Z',
    { syslog_pri: 165, level: 'notice', logsource: '192.0.2.1', program: 'myproc', pid: 8710 }
  ],
  [
    '<34>Oct 11 22:14:15 mymachine su: failed for lonvick',
    'syslog',
    '2026-10-11T22:14:15.000Z',
    { syslog_pri: 34, level: 'crit', logsource: 'mymachine', program: 'su' }
  ],
  [
    '2026-11-22T11:59:58.123456+01:00 web1 sshd[12]: Accepted publickey for joe',
    'syslog_iso',
    '2026-11-22T10:59:58.123Z',
    { logsource: 'web1', program: 'sshd', pid: 12 }
  ],
  [
    '2026-11-22 11:59:58.001 CET [4711] joe@shop ERROR:  relation "x" does not exist',
    'postgresql',
    '2026-11-22T10:59:58.001Z',
    { pid: 4711, user: 'joe', database: 'shop', level: 'ERROR' }
  ],
  [
    '2026-11-22T11:59:58.123456Z 0 [Warning] [MY-010055] [Server] IP address could not be resolved',
    'mysql_error',
    '2026-11-22T11:59:58.123Z',
    { thread: '0', level: 'Warning', code: 'MY-010055', module: 'Server' }
  ],
  [
    '2019-03-05T10:57:51.112Z  INFO 45469 --- [shop] [           main] o.a.c.core.StandardEngine  : Starting',
    'spring_boot',
    '2019-03-05T10:57:51.112Z',
    { level: 'INFO', pid: 45469, thread: 'main', logger: 'o.a.c.core.StandardEngine' }
  ],
  [
    '2019-03-05 10:57:51,112 [main] WARN  com.example.App - slow',
    'logback',
    '2019-03-05T10:57:51.112Z',
    { thread: 'main', level: 'WARN', logger: 'com.example.App' }
  ],
  [
    '10:57:51.112 [main] WARN  com.example.App - slow',
    'logback',
    '2026-11-22T10:57:51.112Z',
    { thread: 'main', level: 'WARN', logger: 'com.example.App' }
  ],
  [
    '2019-03-05 10:57:51,112 INFO  [pool-1] com.example.App: GET /x 404',
    'log4j',
    '2019-03-05T10:57:51.112Z',
    { level: 'INFO', thread: 'pool-1', logger: 'com.example.App', verb: 'GET', request: '/x', response: 404 }
  ],
  [
    '2019-03-05 10:57:51,112 - shop.cart - ERROR - no item',
    'python',
    '2019-03-05T10:57:51.112Z',
    { logger: 'shop.cart', level: 'ERROR' }
  ],
  ['2019-03-05 10:57:51 +0000 ERROR it broke', 'timestamp_level', '2019-03-05T10:57:51.000Z', { level: 'ERROR' }],
  ['2019-03-05T10:57:51Z nothing known', 'timestamp', '2019-03-05T10:57:51.000Z', {}],
  [
    '2019-03-05T10:57:51.5Z stdout F [warn] disk',
    'cri',
    '2019-03-05T10:57:51.500Z',
    { stream: 'stdout', level: 'warn' }
  ],
  ['2009/11/10 23:00:00 listening', 'timestamp', '2009-11-10T23:00:00.000Z', {}],
  [
    '[2019-03-05 10:57:51 +0000] [31] [INFO] Booting worker',
    'gunicorn',
    '2019-03-05T10:57:51.000Z',
    { pid: 31, level: 'INFO' }
  ],
  [
    '[2019-03-05 10:57:51,112] {dag.py:12} INFO - done',
    'airflow',
    '2019-03-05T10:57:51.112Z',
    { sourcefile: 'dag.py', sourceline: 12, level: 'INFO' }
  ],
  [
    '[2019-03-05T10:57:51.112+00:00] app.ERROR: Uncaught {"x":1}',
    'monolog',
    '2019-03-05T10:57:51.112Z',
    { logger: 'app', level: 'ERROR' }
  ],
  [
    '[ERROR]\t2019-03-05T10:57:51.112Z\t5ac3c9c8-f8ca-4029-84fa-fcf5157b1404\tKeyError: x',
    'lambda',
    '2019-03-05T10:57:51.112Z',
    { level: 'ERROR', request_id: '5ac3c9c8-f8ca-4029-84fa-fcf5157b1404', exception: 'KeyError' }
  ],
  [
    'START RequestId: 5ac3c9c8-f8ca-4029-84fa-fcf5157b1404 Version: $LATEST',
    'lambda_event',
    '',
    { event_name: 'START', request_id: '5ac3c9c8-f8ca-4029-84fa-fcf5157b1404', version: '$LATEST' }
  ],
  [
    'I1122 11:59:58.123456    31 server.go:12] started',
    'glog',
    '2026-11-22T11:59:58.123Z',
    { level: 'INFO', tid: 31, sourcefile: 'server.go', sourceline: 12 }
  ],
  [
    'E, [2019-03-05T10:57:51.112345 #31] ERROR -- app: boom',
    'ruby',
    '2019-03-05T10:57:51.112Z',
    { pid: 31, level: 'ERROR', program: 'app' }
  ],
  [
    'java.lang.IllegalStateException: no\n\tat com.example.App.main(App.java:3)',
    'exception',
    '',
    { exception: 'java.lang.IllegalStateException' }
  ],
  ['Exception in thread "main" java.lang.Error', 'exception', '', { thread: 'main', exception: 'java.lang.Error' }],
  ['\tat com.example.App.main(App.java:3)', 'continuation', '', {}],
  ['Traceback (most recent call last):', 'traceback', '', {}],
  ['Error: nothing', 'exception', '', { exception: 'Error' }],
  [
    'time=2019-03-05T10:57:51Z level=info msg="it works"',
    'logfmt',
    '2019-03-05T10:57:51.000Z',
    { time: '2019-03-05T10:57:51Z', level: 'info', msg: 'it works' }
  ],
  [
    '{"time":1551783471112,"level":30,"msg":"pino"}',
    'json',
    '2019-03-05T10:57:51.112Z',
    { time: 1551783471112, level: 30, msg: 'pino' }
  ],
  [
    'api-1  | {"ts":"2019-03-05T10:57:51Z","a":1}',
    'json',
    '2019-03-05T10:57:51.000Z',
    { ts: '2019-03-05T10:57:51Z', a: 1, service: 'api-1' }
  ],
  ['db_1 | ready to go', 'compose', '', { service: 'db_1' }],
  [
    '1:S 12 Jul 2019 20:17:12.967 - verbose',
    'redis',
    '2019-07-12T20:17:12.967Z',
    { pid: 1, role: 'S', level: 'verbose' }
  ]
]

for (const [line, format, time, fields] of [...BOOK, ...USUAL]) {
  test(`takes ${JSON.stringify(line)} as ${format}`, () => {
    const out = run(step, line)
    const { timestamp, time_assumed: _, format: got, message, ...rest } = JSON.parse(JSON.stringify(out.event))
    assert.equal(got, format)
    assert.equal(out.time, time)
    assert.equal(out.failed, '')
    if (message !== undefined && message !== fields['message']) assert.equal(message, line)
    if (timestamp !== undefined) assert.ok(line.includes(timestamp))
    const { message: __, ...expected } = fields
    assert.deepEqual(rest, expected)
  })
}

test('none of the lines of the book is unmatched', () => {
  assert.equal(BOOK.length, 41, '44 lines, four of which are one event')
  assert.deepEqual(
    BOOK.filter(([line]) => run(step, line).event['tags']?.toString().includes('_autoparsefailure')),
    []
  )
})

test('names what a line leaves open about its time, and takes the zone of the agent', () => {
  const berlin = build(auto, {}, { timezone: 'Europe/Berlin' })
  const out = run(berlin, '2019-08-12 07:57:28,157 [DEVEL][INFO ] [pecan.commands.serve] GET / 200')
  assert.equal(out.time, '2019-08-12T05:57:28.157Z')
  const assumed = (line: string): unknown => run(step, line).event['time_assumed']
  assert.deepEqual(assumed('Apr 23 13:44:20 srv1 systemd[1]: Started.'), ['year', 'timezone'])
  assert.deepEqual(assumed('19:41:00 WARNING: wait'), ['date', 'timezone'])
  assert.deepEqual(assumed('2019-05-29 22:45:04 ERROR x'), ['timezone'])
  assert.equal(assumed('2019-05-29T22:45:04Z ERROR x'), undefined)
})

test('ships a line of no known format as it is, tagged', () => {
  for (const line of ['', 'hello world', 'größer', '?', 'a=b', '{"a":', '[1,2]', '🙂 x', '\0']) {
    const out = run(step, line)
    assert.deepEqual(out.event, { message: line, tags: ['_autoparsefailure'] })
    assert.equal(out.failed, '_autoparsefailure')
  }
})

test('keeps a time that is none as text, tagged', () => {
  const out = run(step, '1.1.1.1 - - [99/Foo/2019:07:28:41 +0000] "GET / HTTP/1.1" 200 1')
  assert.equal(out.failed, '_dateparsefailure')
  assert.equal(out.event['timestamp'], '99/Foo/2019:07:28:41 +0000')
  assert.equal(out.time, '')
})

test('the same line gives the same record, whatever came before', () => {
  const lines = [...BOOK, ...USUAL].map(row => row[0])
  const fresh = lines.map(line => JSON.stringify(run(build(auto, {}), line)))
  const mixed = build(auto, {})
  for (const i of [...lines.keys(), ...[...lines.keys()].reverse()]) {
    assert.equal(JSON.stringify(run(mixed, lines[i]!, { arrival: ARRIVAL })), fresh[i])
  }
})

test('under schema: ecs the names are those of ECS', () => {
  const ecs = build(auto, {}, { schema: 'ecs' })
  const out = run(ecs, BOOK[0]![0], { source: source() })
  assert.deepEqual(JSON.parse(JSON.stringify({ ...out.event, message: undefined })), {
    timestamp: '03/Aug/2019:07:28:41 +0000',
    source: { address: '192.168.111.1' },
    http: { request: { method: 'GET' }, version: '1.1', response: { status_code: 200, body: { bytes: 3700 } } },
    url: { original: '/' },
    user_agent: { original: 'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:68.0) Gecko/20100101 Firefox/68.0' },
    event: { dataset: 'combined' }
  })
})

test('reads another field and names the format elsewhere', () => {
  const other = build(auto, { field: 'log', format_field: 'event.dataset' })
  const { event } = run(other, { log: 'ERROR: x' })
  assert.deepEqual(event, { log: 'ERROR: x', level: 'ERROR', event: { dataset: 'level' } })
  assert.deepEqual(run(other, 'ERROR: x').event, { message: 'ERROR: x' })
})

test('no line of 50 kB stalls a format', () => {
  for (const piece of [
    'a',
    '1',
    ' ',
    'a ',
    '[',
    '[a',
    '"',
    '\\"',
    '2019-08-12 07:57:28 ',
    'a.',
    'a=',
    '<1>',
    ':',
    '1 ',
    '12:00:00 [',
    'ERROR '
  ]) {
    for (const start of ['', '2019-08-12 07:57:28 ', '1.1.1.1 - - [03/Aug/2019:07:28:41 +0000] "']) {
      const text = start + piece.repeat(Math.ceil(50_000 / piece.length))
      for (const shape of SHAPES) {
        const from = performance.now()
        shape.pattern.exec(text)
        const took = performance.now() - from
        assert.ok(took < 300, `${shape.name} took ${took} ms on ${start}${piece}…`)
      }
    }
  }
})
