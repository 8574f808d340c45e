// Who we are by an address: `https://user:password@host`.
import { OptionError } from '../core/errors.ts'

export interface Account {
  readonly user: string | undefined
  readonly password: string | undefined
}

/** Undefined where the address has none. Throws OptionError for `option`, without the secret. */
export function accountOf({ username, password }: URL, option: string): Account {
  try {
    return { user: plain(username), password: plain(password) }
  } catch {
    throw new OptionError(
      option,
      'in user and password % must be followed by two hexadecimal digits; % itself is written %25'
    )
  }
}

const plain = (text: string): string | undefined => (text === '' ? undefined : decodeURIComponent(text))
