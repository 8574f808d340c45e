import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cli, holdWorld } from '../../test/lib/world.ts'
import { createProgram } from './cli.ts'
import { version } from './command.ts'

const program = createProgram(holdWorld(), () => {})
const names = program.commands.map(c => c.name())

test('no command is answered with the help on stderr and exit 2', async () => {
  const { status, stdout, stderr } = await cli([])
  assert.equal(status, 2)
  assert.equal(stdout, '')
  assert.match(stderr, /^Usage: yarder /)
})

test('help names every command', async () => {
  for (const argv of [['--help'], ['help']]) {
    const { status, stdout, stderr } = await cli(argv)
    assert.equal(status, 0, stderr)
    for (const name of names) assert.match(stdout, new RegExp(`^  ${name}\\b`, 'm'))
  }
})

test('each command has help with a text for every option and argument', async () => {
  assert.ok(names.length >= 9)
  for (const command of program.commands) {
    const { status, stdout, stderr } = await cli([command.name(), '--help'])
    assert.equal(status, 0, command.name())
    assert.equal(stderr, '')
    assert.match(stdout, new RegExp(`^Usage: yarder ${command.name()}`))
    for (const option of [...command.options, ...command.registeredArguments]) {
      assert.ok(option.description !== '', `${command.name()}: ${option.name()} has a text`)
      assert.ok(stdout.includes(option.description.slice(0, 20)), `${command.name()}: ${option.name()}`)
    }
  }
})

test('defaults are shown', async () => {
  const { stdout } = await cli(['config', '--help'])
  assert.match(stdout, /default: "show"/)
  assert.match(stdout, /\$YARDER_CONFIG, else\s+\/etc\/yarder\/yarder\.yaml/)
})

test('the version is printed', async () => {
  assert.deepEqual(await cli(['--version']), { status: 0, stdout: `yarder ${version()}\n`, stderr: '' })
  assert.match((await cli(['version'], { terminal: true })).stdout, /^yarder \S+ \(Node 26\./)
  const facts = JSON.parse((await cli(['version'])).stdout) as Record<string, string>
  assert.deepEqual(Object.keys(facts), ['version', 'node', 'platform'])
})

test('wrong usage is one line on stderr that helps, and exit 2', async () => {
  for (const [argv, expected] of [
    [['vaildate'], "yarder: unknown command 'vaildate'; did you mean validate?"],
    [['nonsense'], "yarder: unknown command 'nonsense'; see: yarder --help"],
    [['--verison'], "yarder: unknown option '--verison'; did you mean --version?"],
    [['validate', '--Config', 'x'], "yarder validate: unknown option '--Config'; did you mean --config?"],
    [['validate', '--zzz'], "yarder validate: unknown option '--zzz'; see: yarder validate --help"],
    [['validate', '-c'], "yarder validate: option '-c, --config <file>' argument missing; see: yarder validate --help"],
    [['parse'], "yarder parse: missing required argument 'file'; see: yarder parse --help"],
    [
      ['version', 'x'],
      "yarder version: too many arguments for 'version'. Expected 0 arguments but got 1: x; see: yarder version --help"
    ],
    [
      ['parse', '--schema', 'foo', 'x'],
      "yarder parse: option '--schema <schema>' argument 'foo' is invalid. Allowed choices are logstash, ecs; see: yarder parse --help"
    ],
    [
      ['parse', '--json', '--grok', '%{IP}', 'x'],
      "yarder parse: option '--grok <pattern>' cannot be used with option '--json'; see: yarder parse --help"
    ],
    [['help', 'nonsense'], "yarder: unknown command 'nonsense'; see: yarder --help"],
    [
      ['positions', 'adopt'],
      "yarder positions adopt: missing required argument 'registry'; see: yarder positions adopt --help"
    ],
    [['positions', 'set'], 'yarder positions set: needs --input NAME; see: yarder positions ls'],
    [['completion', 'tcsh'], 'yarder completion: the shell must be one of bash, zsh, fish; got "tcsh"']
  ] as const) {
    const { status, stdout, stderr } = await cli(argv)
    assert.equal(stderr, `${expected}\n`)
    assert.equal(stdout, '')
    assert.equal(status, 2)
  }
})

test('completion offers every command with its options', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout } = await cli(['completion', shell])
    for (const command of program.commands) {
      assert.ok(stdout.includes(command.name()), `${shell}: ${command.name()}`)
      for (const { long } of command.options) assert.ok(stdout.includes(long!.slice(2)), `${shell}: ${long}`)
    }
  }
})
