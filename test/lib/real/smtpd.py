# A mail server of Debian's python3-aiosmtpd on a free port of 127.0.0.1; what it takes it prints, one JSON a line.
#   /usr/bin/python3 smtpd.py MODE [CERT KEY]
# MODE: plain, starttls or tls. It knows the user "yarder" with the password "s3cret", and asks for them under TLS.
# Mail to nobody@ is refused for good, mail to later@ for now, and with a subject that says "slow" it prints {} and never answers.
import asyncio
import json
import ssl
import sys
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

mode, *files = sys.argv[1:]


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and data == LoginPassword(b'yarder', b's3cret')
    return AuthResult(success=good, handled=False)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith('nobody@'):
            return '550 5.1.1 no such user'
        if address.startswith('later@'):
            return '451 4.7.1 greylisted, come back later'
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server, session, envelope):
        message = message_from_bytes(envelope.content, policy=policy.default)
        if 'slow' in (message['subject'] or ''):
            print('{}', flush=True)
            await asyncio.sleep(300)
        told = {
            'from': envelope.mail_from,
            'to': envelope.rcpt_tos,
            'encrypted': mode == 'tls' or session.ssl is not None,
            'authenticated': bool(session.authenticated),
            'headers': {name.lower(): str(value) for name, value in message.items()},
            'text': message.get_content(),
        }
        print(json.dumps(told), flush=True)
        return '250 taken'


async def main():
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)

    def session():
        return SMTP(
            Handler(),
            enable_SMTPUTF8=True,
            hostname='mail.test',
            tls_context=context if mode == 'starttls' else None,
            require_starttls=mode == 'starttls',
            authenticator=authenticate,
            auth_required=mode != 'plain',
            auth_require_tls=mode == 'starttls',
        )

    server = await asyncio.get_running_loop().create_server(
        session, '127.0.0.1', 0, ssl=context if mode == 'tls' else None
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
