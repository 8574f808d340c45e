// Takes pieces of log lines out of texts that leave a host; secrets are taken out by the configuration that holds them.

/**
 * What a peer has said of a record often quotes it: "failed to parse [x] … value: 'y'". What stands in quotes and
 * brackets goes, the words stay.
 */
const cleanReason = (text: string): string =>
  text.replace(/'[^']*'|"[^"]*"|\[[^\]]*\]|`[^`]*`|\([^)]*\)/g, quoted => `${quoted[0]}…${quoted.at(-1)}`)

/** Data of a line that somebody else has said, as text (`reason="…"`) or JSON (`"reason":"…"`). */
const TOLD = /(\b(?:reason|error|err|cause|lastError)"?[=:] ?")([^"]*)"/g

/** Lines of the agent's own log, in either format. What they tell of others' words loses what those quote. */
export const cleanLog = (text: string): string =>
  text
    // An escaped quote is none, and an escaped backslash before one escapes nothing.
    .replace(/\\(.)/g, (pair, char: string) => (char === '"' ? "'" : pair))
    .replace(TOLD, (_, head: string, value: string) => `${head}${cleanReason(value)}"`)
    .replace(/(Error: )(.*)$/gm, (_, head: string, rest: string) => head + cleanReason(rest))

/** The agent's own numbers. Labels of the others are made of what logs say. */
export const cleanMetrics = (page: string): string =>
  page
    .split('\n')
    .filter(line => /^(?:# (?:HELP|TYPE|UNIT) )?(?:yarder|process|nodejs|node)_/.test(line))
    .join('\n')

/** The state, without what peers have said of records. */
export const cleanStatus = (status: unknown): unknown =>
  JSON.parse(
    JSON.stringify(status, (key, value: unknown) =>
      typeof value === 'string' && /^(?:message|lastError|reason|configError)$/.test(key) ? cleanReason(value) : value
    )
  )
