// Commands for a person at a terminal that show how an output's destination answers: as the output would ask it, without its secrets.
import { hostname, networkInterfaces } from 'node:os'
import { resolve } from 'node:path'
import type { TlsOptions } from '../../core/tls-files.ts'
import { word } from './finding.ts'

/** The options that say how a destination is spoken to; each output has some of them. */
export interface Manners {
  readonly tls?: TlsOptions | undefined
  readonly username?: string | undefined
  readonly api_key?: string | undefined
  readonly token?: string | undefined
  readonly protocol?: string
}

export interface Way {
  /** Where it goes: a URL, or `host:port`. */
  readonly target: string
  readonly options: Manners
  /** Folder that relative paths start from. */
  readonly configDir: string
}

/** What shows most of a destination: a request where it speaks HTTP, the handshake with TLS, else a connection. */
export function lookAt(way: Way): string {
  const { target, options } = way
  if (isUrl(target)) return `curl -sS -i -m 10 ${curlWords(way).join(' ')}`
  return options.tls === undefined ? knockAt(addressIn(target), options.protocol === 'udp') : handshake(way)
}

/** Certificates and the verdict on them, with the authority and the names that the output uses. */
export function handshake({ target, options: { tls }, configDir }: Way): string {
  const { host, port } = addressIn(target)
  const name = tls?.server_name ?? (isAddress(host) ? undefined : host)
  return [
    `timeout 10 openssl s_client -connect ${word(`${host}:${port}`)}`,
    ...(name === undefined ? [] : [`-servername ${word(name)} -verify_hostname ${word(name)}`]),
    ...files({ tls, configDir }, '-CAfile', '-cert', '-key'),
    '-showcerts </dev/null'
  ].join(' ')
}

/** Whether anybody listens: on this host the kernel knows, another one has to be asked. */
export function listening(host: string, port: string): string {
  return isHere(host) ? `ss -ltn 'sport = :${port}'` : knockAt({ host, port }, false)
}

/** Words of curl for a URL below that of the output; curl asks for the password itself. */
export function curlWords(way: Way, url = new URL(way.target), user = way.options.username): string[] {
  const { tls, api_key, token } = way.options
  const secure = url.protocol === 'https:'
  const { host, port } = addressIn(url.href)
  const shown = new URL(url)
  const words: string[] = []
  if (secure && tls?.server_name !== undefined) {
    shown.hostname = tls.server_name
    words.push(`--connect-to ${word(`::${host}:${port}`)}`)
  }
  if (secure && tls?.insecure_skip_verify === true) words.push('-k')
  if (secure) words.push(...files({ tls, configDir: way.configDir }, '--cacert', '--cert', '--key'))
  if (user !== undefined) words.push(`-u ${word(user)}`)
  else if (api_key !== undefined) words.push('-H "authorization: ApiKey $ENCODED_API_KEY"')
  else if (token !== undefined) words.push('-H "authorization: Bearer $TOKEN"')
  return [...words, word(shown.href)]
}

/** Of `https://a:9200/` or `a:5044`; an IPv6 address stays in brackets. */
export function addressIn(target: string): { host: string; port: string } {
  const text = isUrl(target) ? target : `tcp://${target}`
  if (!URL.canParse(text)) return { host: target, port: '' }
  const url = new URL(text)
  const standard = url.protocol === 'https:' ? '443' : url.protocol === 'http:' ? '80' : ''
  return { host: url.hostname, port: url.port || standard }
}

const isUrl = (target: string): boolean => /^https?:/.test(target)

function knockAt({ host, port }: { host: string; port: string }, udp: boolean): string {
  return `nc -v${udp ? 'u' : ''}z -w 5 ${word(bare(host))} ${port}`
}

function files(
  { tls, configDir }: { tls: TlsOptions | undefined; configDir: string },
  ...names: readonly [authority: string, certificate: string, key: string]
): string[] {
  return [tls?.ca_file, tls?.cert_file, tls?.key_file].flatMap((path, i) =>
    path === undefined ? [] : [`${names[i]} ${word(resolve(configDir, path))}`]
  )
}

const bare = (host: string): string => host.replace(/^\[|\]$/g, '')

const isAddress = (host: string): boolean => /^[\d.]+$|:/.test(host)

function isHere(host: string): boolean {
  const name = bare(host)
  if (/^127\.|^::1$|^localhost$/.test(name) || name === hostname()) return true
  return Object.values(networkInterfaces()).some(all => all?.some(({ address }) => address === name) === true)
}
