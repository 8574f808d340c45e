// `yarder docs`: the reference, the JSON Schema and a sample of the configuration, made from the components themselves.
import { EXIT } from './command.ts'
import type { Register, World } from './command.ts'

interface DocsOptions {
  schema?: true
  sample?: true
  markdown?: true
}

/** Where the packages and the repository put the JSON Schema, for editors to find. */
export const SCHEMA_FILE = 'yarder.schema.json'

export const registerDocs: Register = (program, world, exit) => {
  const command = program.command('docs')
  command
    .description('print the reference of a component or section, or the list of all')
    .argument('[component]', 'such as file, grok, elasticsearch, agent, conditions, outputs, or outputs.file')
    .addOption(command.createOption('--schema', 'print the JSON Schema, for editors').conflicts(['sample', 'markdown']))
    .addOption(command.createOption('--sample', 'print a sample configuration').conflicts('markdown'))
    .option('--markdown', 'print the page as Markdown')
    .action(async (component: string | undefined, options: DocsOptions) => {
      exit(await printDocs(world, component, options))
    })
}

async function printDocs(world: World, component: string | undefined, options: DocsOptions): Promise<number> {
  const { catalog } = await import('../agent/components.ts')
  const whole = options.schema === true ? '--schema' : options.sample === true ? '--sample' : undefined
  if (whole !== undefined && component !== undefined) {
    world.err(`yarder docs: ${whole} is about the whole configuration; leave "${component}" out\n`)
    return EXIT.usage
  }
  if (options.schema === true) {
    const { configSchema } = await import('../config/schema.ts')
    world.out(`${JSON.stringify(configSchema(catalog), null, 2)}\n`)
    return EXIT.ok
  }
  if (options.sample === true) {
    const { sampleConfig } = await import('../config/sample.ts')
    world.out(sampleConfig(catalog, SCHEMA_FILE))
    return EXIT.ok
  }
  const { pageNamed, referencePages, referenceText } = await import('../config/reference.ts')
  const answer = referenceText(catalog, component)
  if ('error' in answer) {
    world.err(`yarder docs: ${answer.error}\n`)
    return EXIT.usage
  }
  world.out(
    options.markdown === true
      ? markdownOf(referencePages(catalog), component === undefined ? undefined : pageNamed(component))
      : answer.text
  )
  return EXIT.ok
}

/** The pages of that name one after the other, the index without one. */
function markdownOf(pages: ReadonlyMap<string, string>, wanted: string | undefined): string {
  const found = [...pages].filter(([file]) =>
    wanted === undefined ? file === 'README.md' : file === `${wanted}.md` || file.endsWith(`/${wanted}.md`)
  )
  return found.map(([, text]) => text).join('\n')
}
