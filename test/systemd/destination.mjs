// A destination for records inside a test machine: HTTP, a record a line, all that it takes in one file.
//
//   node destination.mjs PORT FILE DELAY    DELAY: a file with milliseconds to answer after; `never` takes nothing and is silent
import { appendFileSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const [port, file, delay] = process.argv.slice(2)

createServer((request, response) => {
  const parts = []
  request.on('data', part => parts.push(part))
  request.on('end', () => {
    const wait = readFileSync(delay, 'utf8').trim()
    if (wait === 'never') return
    setTimeout(() => {
      appendFileSync(file, Buffer.concat(parts))
      response.end()
    }, Number(wait))
  })
}).listen(Number(port), '127.0.0.1')
