// A tar archive of a few small texts, in the ustar form (POSIX pax(1), "ustar Interchange Format").

const BLOCK = 512

/** One file after the other with the time given (milliseconds since the epoch); names are ASCII, up to 100 characters. */
export function tar(files: ReadonlyMap<string, string>, timeMs: number): Buffer {
  const parts: Buffer[] = []
  for (const [name, text] of files) {
    const body = Buffer.from(text)
    parts.push(header(name, body.length, timeMs), body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK))
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)])
}

function header(name: string, size: number, timeMs: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new RangeError(`the name ${name} is too long for a tar archive`)
  const block = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, width: number): void =>
    void block.write(
      `${Math.floor(value)
        .toString(8)
        .padStart(width - 1, '0')}\0`,
      at,
      'latin1'
    )
  block.write(name, 0, 'utf8')
  octal(0o600, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(timeMs / 1000, 136, 12)
  // While it is summed up, the place of the sum holds blanks.
  block.write('        0', 148, 'latin1')
  block.write('ustar\u000000', 257, 'latin1')
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7
  )
  block.write(' ', 155, 'latin1')
  return block
}
