// `email`: a mail for each change of a check.
import { hostname } from 'node:os'
import { isIP } from 'node:net'
import { defineNotify } from '../../core/component.ts'
import { choice, duration, hostPort, oneOrMore, optional, secret, string, template } from '../../core/field.ts'
import { lintTls, tls } from '../../core/tls-files.ts'
import { lintTemplate, TEMPLATE_DOC } from './templates.ts'

/** `a@b` or `Name <a@b>`; what is in it is nodemailer's to read. */
const ADDRESS = /^(?:[^<>\r\n]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+)$/
const address = (doc: string, example: string) =>
  string(doc, {
    example,
    pattern: ADDRESS,
    must: 'a mail address such as "ops@example.com" or "Ops <ops@example.com>"'
  })

export const email = defineNotify({
  name: 'email',
  summary: 'Sends a mail.',
  description: `One mail for each change, in plain text, to a mail server. Mails of one check form a thread, and a mail that is sent again because its receipt was lost has the same Message-ID. ${TEMPLATE_DOC} What the server refuses for now (4xx), and a server that cannot be reached, is tried again with growing waits for an hour; what it refuses for good (5xx) is not. Without TLS no password is sent, except to this host itself.`,
  fields: {
    server: hostPort('The mail server that takes it; port 587 when none is named.', {
      example: 'smtp.example.com:587',
      defaultPort: 587
    }),
    encryption: choice(
      ['starttls', 'tls', 'none'],
      'How the connection is protected: STARTTLS, without which nothing is sent; TLS from the beginning (mostly port 465); or not at all.',
      { default: 'starttls' }
    ),
    user: optional(string('Name to log in with; nobody logs in without.', { example: 'yarder' })),
    password: optional(secret('Password of `user`, such as `${file:/etc/yarder/smtp}`.')),
    from: address('Sender.', 'yarder@example.com'),
    to: oneOrMore(address('A receiver.', 'ops@example.com'), 'Who gets it.', { example: ['ops@example.com'] }),
    subject: optional(
      template('Subject, in place of `CRITICAL homepage on web1: …`.', { example: '[%{state}] %{check} on %{host}' })
    ),
    body: optional(template('The text, in place of one that tells all fields.', { example: '%{text}' })),
    timeout: duration('A mail that takes longer to be handed over has failed.', {
      default: '30s',
      min: '100ms',
      max: '5m'
    }),
    tls
  },
  examples: [
    {
      title: 'Those on call',
      yaml: 'type: email\nserver: smtp.example.com\nuser: yarder\npassword: ${file:/etc/yarder/smtp}\nfrom: yarder@example.com\nto: [ops@example.com]'
    },
    {
      title: 'By the mail server of this host',
      yaml: 'type: email\nserver: 127.0.0.1:25\nencryption: none\nfrom: yarder@example.com\nto: root@example.com'
    }
  ],
  *lint(o) {
    if ((o.user === undefined) !== (o.password === undefined)) yield ['user', 'goes with password; give both or none']
    if (o.user !== undefined && o.encryption === 'none' && !isThisHost(o.server.host))
      yield ['encryption', 'must not be none with a password; anyone on the way could read it']
    if (o.encryption === 'none' && o.tls !== undefined) yield ['tls', 'has no effect with encryption: none']
    yield* lintTemplate('subject', o.subject)
    yield* lintTemplate('body', o.body)
    yield* lintTls(o.tls)
  },
  build(o, context) {
    return async (notification, signal) => {
      // Loaded with the first mail: whoever has none does not pay for it.
      const { sendMail } = await import('./email/send.ts')
      await sendMail(o, context, notification, hostname(), signal)
    }
  }
})

const isThisHost = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
