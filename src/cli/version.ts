// `yarder version`: what runs here, for a bug report.
import { EXIT, version } from './command.ts'
import type { Register } from './command.ts'

export const registerVersion: Register = (program, world, exit) => {
  program
    .command('version')
    .description('print the version of yarder, its Node and the platform')
    .action(() => {
      const facts = { version: version(), node: process.versions.node, platform: `${process.platform}-${process.arch}` }
      world.out(
        world.terminal
          ? `yarder ${facts.version} (Node ${facts.node}, ${facts.platform})\n`
          : `${JSON.stringify(facts)}\n`
      )
      exit(EXIT.ok)
    })
}
