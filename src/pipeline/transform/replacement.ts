// The text that replaces a match, as a user writes it.

/** Logstash's `\1` and `\0` in JavaScript's spelling (`$1`, `$&`); `\\` is a backslash. */
export const replacement = (text: string): string =>
  text.replace(/\\([0-9\\])/g, (_, c: string) => (c === '\\' ? '\\' : c === '0' ? '$&' : `$${c}`))
