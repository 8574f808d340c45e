// A certificate authority of its own for each test that speaks TLS, made with the openssl command.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TestCa {
  readonly folder: string
  readonly caFile: string
  /** A certificate signed by it, for this name (an IP address or a DNS name); it holds for so many days, 2 when not said. */
  issue(name: string, file?: string, days?: number): { certFile: string; keyFile: string }
}

/** `after` is the test's: everything is removed at its end. The authority itself holds for `days`. */
export function makeCa(t: { after(fn: () => void): void }, days = 2): TestCa {
  const folder = mkdtempSync(join(tmpdir(), 'yarder-ca-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  }
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    String(days),
    '-subj',
    '/CN=test-ca'
  )
  return {
    folder,
    caFile: join(folder, 'ca.pem'),
    issue(name, file = 'leaf', days = 2) {
      const kind = /^[\d.:]+$/.test(name) ? 'IP' : 'DNS'
      openssl('req', ...newKey, '-keyout', `${file}.key`, '-out', `${file}.csr`, '-subj', `/CN=${name}`)
      writeFileSync(join(folder, 'ext'), `subjectAltName=${kind}:${name}\n`)
      const sign = ['x509', '-req', '-in', `${file}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial']
      openssl(...sign, '-days', String(days), '-extfile', 'ext', '-out', `${file}.pem`)
      return { certFile: join(folder, `${file}.pem`), keyFile: join(folder, `${file}.key`) }
    }
  }
}
