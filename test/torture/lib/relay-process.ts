// A relay in front of a server, to be stopped by SIGSTOP: then the kernel takes two connections that nobody serves, and
// further attempts get no answer at all. Its arguments: the port to lead to. It says its own port.
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

const target = Number(process.argv[2])
const server = createServer(from => {
  const to = connect(target, '127.0.0.1')
  from.pipe(to).pipe(from)
  from.on('error', () => to.destroy())
  to.on('error', () => from.destroy())
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
