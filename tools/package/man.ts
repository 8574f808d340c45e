// The man pages, made from the command tree and from the components' definitions.
import type { Command } from 'commander'
import type { Page } from '../../src/config/reference.ts'

/** Title of a page; `date` is ISO, the day of the release. */
export interface Heading {
  readonly version: string
  readonly date: string
}

/** Text that troff takes as it is. */
function plain(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll('`', '\\(ga')
    .replaceAll("'", '\\(aq')
    .replace(/^\./gm, '\\&.')
    .replaceAll('…', '...')
}

/** Running text: what stands in backticks becomes bold; line ends are troff's to choose. */
const prose = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .split('`')
    .map((part, i) => (i % 2 === 1 ? bold(part) : plain(part)))
    .join('')
    .trim()

const bold = (text: string): string => `\\fB${plain(text)}\\fP`
const heading = (name: string, section: number, { version, date }: Heading): string[] => [
  '.\\" Made by tools/package/man.ts from the program itself.',
  `.TH "${name.toUpperCase()}" "${section}" "${date}" "yarder ${version}" ""`,
  '.nh',
  '.ad l'
]
const paragraph = (text: string): string[] => ['.PP', prose(text)]
const literal = (text: string): string[] => ['.PP', '.RS 4', '.nf', plain(text.trimEnd()), '.fi', '.RE']
const item = (label: string, text: string): string[] => ['.TP', label, prose(text)]

/** yarder(1). `examples` and `notes` are what the help of the program says at its end. */
export function commandPage(program: Command, head: Heading): string {
  const out = [...heading('yarder', 1, head), '.SH NAME', 'yarder \\- host agent for logs, metrics and health checks']
  out.push('.SH SYNOPSIS', `${bold('yarder')} \\fIcommand\\fP [\\fIoption\\fP ...]`)
  out.push('.SH DESCRIPTION', prose(program.description()))
  out.push(...paragraph('As a service it runs `yarder run -c /etc/yarder/yarder.yaml`; see `systemctl status yarder`.'))
  out.push('.SH COMMANDS')
  for (const command of program.commands) out.push(...commandSection(command))
  out.push('.SH "EXIT STATUS"')
  out.push(...item('0', 'It worked.'), ...item('1', 'It failed.'), ...item('2', 'Wrong usage or configuration.'))
  out.push(...paragraph('`yarder check` has those of a monitoring plugin: 0 ok, 1 warning, 2 critical, 3 unknown.'))
  out.push('.SH FILES')
  for (const [path, text] of FILES) out.push(...item(bold(path), text))
  out.push('.SH ENVIRONMENT')
  for (const [name, text] of ENVIRONMENT) out.push(...item(bold(name), text))
  out.push('.SH "SEE ALSO"', '\\fByarder.yaml\\fP(5), \\fBjournalctl\\fP(1), \\fBsystemctl\\fP(1)')
  return `${out.join('\n')}\n`
}

const FILES = [
  ['/etc/yarder/yarder.yaml', 'The configuration.'],
  ['/etc/yarder/conf.d/*.yaml', 'Parts of it, read in the order of their names.'],
  ['/var/lib/yarder', 'Positions in the logs, and dead letters.'],
  ['/run/yarder/yarder.sock', 'Where the running agent takes `yarder status` and `yarder reload`.'],
  ['/usr/share/yarder/drop-ins', 'Drop-ins for the service that give it more rights.']
] as const

const ENVIRONMENT = [
  ['YARDER_CONFIG', 'The configuration where `-c` names none.'],
  ['LOGLEVEL', 'How much the agent says: error, warn, info or debug, or 0 to 20.'],
  ['NO_COLOR', 'No colours on a terminal.'],
  ['YARDER_MAX_HEAP_MB', "Limit of V8's heap in megabytes; the service sets it."]
] as const

function commandSection(command: Command): string[] {
  const words = command.registeredArguments.map(a => {
    const name = `\\fI${plain(a.name())}${a.variadic ? '\\fP ...' : '\\fP'}`
    return a.required ? name : `[${name}]`
  })
  const out = [`.SS "yarder ${command.name()}"`, ['.B yarder', command.name()].join(' ')]
  out[1] = `${bold(`yarder ${command.name()}`)} [\\fIoption\\fP ...] ${words.join(' ')}`.trim()
  const text = command.description()
  out.push(...paragraph(`${text[0]!.toUpperCase()}${text.slice(1)}.`))
  for (const a of command.registeredArguments)
    if (a.description !== '') out.push(...item(`\\fI${plain(a.name())}\\fP`, a.description))
  for (const o of command.options) out.push(...item(bold(o.flags), o.description))
  return out
}

/** yarder.yaml(5), the whole reference. */
export function configPage(pages: readonly Page[], head: Heading): string {
  const out = [...heading('yarder.yaml', 5, head), '.SH NAME', 'yarder.yaml \\- configuration of yarder']
  const [first, ...more] = INTRODUCTION
  out.push('.SH DESCRIPTION', prose(first), ...more.flatMap(paragraph))
  for (const page of pages) {
    out.push(`.SH "${page.name.toUpperCase()}"`, prose(page.summary), ...body(page))
    for (const part of page.parts) out.push(`.SS "${page.name}: ${part.name}"`, prose(part.summary), ...body(part))
  }
  out.push('.SH "SEE ALSO"', '\\fByarder\\fP(1); \\fByarder docs\\fP \\fIname\\fP prints one part of this page.')
  return `${out.join('\n')}\n`
}

const INTRODUCTION = [
  'One YAML file, `/etc/yarder/yarder.yaml`, and further ones in `conf.d` beside it. Every section may be absent. `yarder validate` ' +
    'tells all that is wrong, with file, line and column.',
  'Values may hold `${NAME}` and `${NAME:-default}` from the environment, `${file:/path}` the content of a file, and ' +
    '`${credential:name}` a credential that systemd hands over by `LoadCredential=`. `$${` stands for itself.'
] as const

function body(page: Page): string[] {
  const out: string[] = []
  for (const text of page.paragraphs) for (const part of text.split(/\n(?=- )/)) out.push(...paragraph(part))
  for (const { title, rows } of page.groups) {
    if (page.kind === 'section' || !title.startsWith('Options of every')) {
      out.push('.PP', `\\fI${plain(title)}\\fP`)
      for (const r of rows) {
        const facts = [r.type.replaceAll('`', ''), r.presence].filter(t => t !== '').join(', ')
        out.push('.TP', `${bold(r.name)} (${plain(facts)})`, prose(r.text))
      }
    }
  }
  for (const { title, yaml } of page.examples) out.push(...paragraph(`${title}:`), ...literal(yaml))
  return out
}
