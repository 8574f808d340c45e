// Shares as people read them.

/** `99.98 %`, `100 %`; never 100 when it was not. */
export const percent = (share: number): string => `${(Math.floor(share * 1e4) / 100).toString()} %`
