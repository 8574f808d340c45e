// `npm start`: yarder on sample logs that keep growing, with nothing else to install. Ctrl-C ends it.
import { spawn } from 'node:child_process'
import { appendFileSync, cpSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const home = join(root, '.cache', 'quickstart')
rmSync(home, { recursive: true, force: true })
mkdirSync(home, { recursive: true })
cpSync(join(root, 'examples', 'logs'), join(home, 'logs'), { recursive: true })

console.error(`
yarder on sample logs. While it runs, look at:  curl -s http://127.0.0.1:9680/metrics | grep -E '^(nginx|yarder)_'    and    curl -s http://127.0.0.1:9680/health
Its config is examples/quickstart.yaml; its state:  bin/yarder status --data-dir .cache/quickstart/data
Any log works at once:  bin/yarder run --from-beginning /var/log/syslog
For your own nginx and Elasticsearch: copy examples/nginx-to-elasticsearch.yaml, set paths and hosts, then  bin/yarder run -c FILE   (Ctrl-C ends this)
`)
const yarder = spawn(join(root, 'bin', 'yarder'), ['run', '-c', join(root, 'examples', 'quickstart.yaml')], {
  stdio: 'inherit',
  env: { ...process.env, QUICKSTART: home }
})

const paths = ['/', '/cart', '/static/app.css', '/api/v1/items?page=2', '/login', '/healthz']
const agents = ['Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0', 'curl/8.5.0']
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
const two = n => String(n).padStart(2, '0')
let n = 0
function accessLine() {
  const d = new Date()
  const time = `${two(d.getUTCDate())}/${MONTHS[d.getUTCMonth()]}/${d.getUTCFullYear()}:${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())} +0000`
  const status = n % 11 === 10 ? 502 : n % 7 === 6 ? 404 : 200
  return `192.0.2.${1 + ((n * 7) % 250)} - - [${time}] "GET ${paths[n % paths.length]} HTTP/1.1" ${status} ${200 + ((n * 37) % 5000)} "-" "${agents[n % agents.length]}"`
}
const writer = setInterval(() => {
  appendFileSync(join(home, 'logs', 'access.log'), `${accessLine()}\n`)
  n++
}, 1000)

// The terminal sends Ctrl-C to yarder too; it ends in its own time, and this with it. A terminal that is closed sends
// SIGHUP, which to yarder means to read its config again: without a word from here it would stay.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    clearInterval(writer)
    if (signal !== 'SIGINT') yarder.kill('SIGTERM')
  })
yarder.on('exit', (code, signal) => {
  clearInterval(writer)
  process.exit(code ?? (signal === 'SIGINT' ? 0 : 1))
})
