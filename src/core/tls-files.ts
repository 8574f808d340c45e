// TLS options that name files: read when they are first needed and again when a file changes.
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { describe, YarderError } from './errors.ts'
import { boolean, object, optional, string } from './field.ts'
import type { Values } from './field.ts'
import type { Log } from './log.ts'

export const tlsFields = {
  ca_file: optional(string('PEM file with the authorities to trust instead of those of the system.')),
  cert_file: optional(string('PEM file with the certificate this host shows, chain included.')),
  key_file: optional(string('PEM file with the key of `cert_file`.')),
  server_name: optional(string('Name the certificate of the peer must carry, when it is not the one in the address.')),
  insecure_skip_verify: boolean('Accepts any certificate. Anyone on the way can then read and change what is sent.', {
    default: false
  })
}

export type TlsOptions = Values<typeof tlsFields>

/** The `tls` option as every component that opens connections has it. */
export const tls = optional(
  object(tlsFields, 'How TLS is spoken; files are read again when they change.', {
    example: { ca_file: '/etc/yarder/ca.pem' }
  })
)

/** What is wrong with a combination of TLS options; for `lint`. */
export function* lintTls(o: TlsOptions | undefined): Iterable<readonly [option: string, message: string]> {
  if (o === undefined) return
  if ((o.cert_file === undefined) !== (o.key_file === undefined))
    yield ['tls', 'cert_file and key_file go together; give both or none']
  if (o.insecure_skip_verify && o.ca_file !== undefined)
    yield ['tls', 'ca_file has no effect with insecure_skip_verify; leave one out']
}

/** Ready for `tls.connect` or an agent. `version` changes whenever a file did. */
export interface TlsMaterial {
  readonly version: number
  readonly secureContext: SecureContext
  readonly servername: string | undefined
  readonly rejectUnauthorized: boolean
}

export class TlsFiles {
  readonly #options: TlsOptions | undefined
  readonly #paths: ReadonlyArray<string | undefined>
  readonly #log: Log
  #seen = ''
  #refused = ''
  #material: TlsMaterial | undefined

  constructor(options: TlsOptions | undefined, configDir: string, log: Log) {
    this.#options = options
    this.#log = log
    this.#paths = [options?.ca_file, options?.cert_file, options?.key_file].map(p =>
      p === undefined ? undefined : resolve(configDir, p)
    )
  }

  /**
   * The current material. Rejects with STORAGE when the files have never been usable; a bad replacement is told once
   * and the former one stays, since a certificate and its key are never swapped in the same instant.
   */
  async read(): Promise<TlsMaterial> {
    let seen = ''
    try {
      seen = await this.#fingerprint()
      if (this.#material !== undefined && (seen === this.#seen || seen === this.#refused)) return this.#material
      const [ca, cert, key] = await Promise.all(
        this.#paths.map(async p => (p === undefined ? undefined : await readFile(p)))
      )
      const secureContext = createSecureContext({
        minVersion: 'TLSv1.2',
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key })
      })
      if (this.#material !== undefined) this.#log.info({ files: this.#named() }, 'TLS files read again.')
      this.#material = {
        version: (this.#material?.version ?? 0) + 1,
        secureContext,
        servername: this.#options?.server_name,
        rejectUnauthorized: this.#options?.insecure_skip_verify !== true
      }
      this.#seen = seen
      return this.#material
    } catch (error) {
      if (this.#material === undefined)
        throw new YarderError('STORAGE', `reading the TLS files ${this.#named().join(', ')}`, { cause: error })
      if (seen !== this.#refused || seen === '')
        this.#log.warn(
          { files: this.#named(), reason: describe(error) },
          'Changed TLS files are unusable; the former stay.'
        )
      this.#refused = seen
      return this.#material
    }
  }

  #named(): string[] {
    return this.#paths.filter(p => p !== undefined)
  }

  async #fingerprint(): Promise<string> {
    const stats = await Promise.all(this.#paths.map(async p => (p === undefined ? undefined : await stat(p))))
    return stats.map(s => (s === undefined ? '-' : `${s.ino}:${s.size}:${s.mtimeMs}`)).join(' ')
  }
}
