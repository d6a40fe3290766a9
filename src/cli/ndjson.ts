/** A line of newline-delimited JSON: its value, or why it has none. The reason never quotes the line. */
export type NdjsonLine =
  { readonly line: number; readonly value: unknown } | { readonly line: number; readonly reason: string }

const newline = 0x0a
/** A line has to be held in memory; this is far above what any broker accepts. */
const maxLineBytes = 64 * 1024 * 1024

/** Reads lines one by one, as fast as they are taken. Line numbers count from 1; blank lines are passed over. */
export async function* readNdjson(source: AsyncIterable<Uint8Array | string>): AsyncGenerator<NdjsonLine> {
  let line = 0
  for await (const bytes of splitLines(source)) {
    line++
    const parsed = parseLine(bytes)
    if (parsed !== undefined) yield { line, ...parsed }
  }
}

async function* splitLines(source: AsyncIterable<Uint8Array | string>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let held = 0
  for await (const chunk of source) {
    let rest =
      typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    for (let end = rest.indexOf(newline); end !== -1; end = rest.indexOf(newline)) {
      yield Buffer.concat([...parts, rest.subarray(0, end)])
      parts = []
      held = 0
      rest = rest.subarray(end + 1)
    }
    // Of an endless line only the length still matters.
    if (held <= maxLineBytes) parts.push(rest)
    held += rest.length
  }
  if (held > 0) yield Buffer.concat(parts)
}

function parseLine(bytes: Buffer): { value: unknown } | { reason: string } | undefined {
  if (bytes.length > maxLineBytes) return { reason: `the line is longer than ${maxLineBytes} bytes` }
  let text: string
  try {
    // Strips a byte order mark, as a file written on Windows may start with one.
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return { reason: 'the line is not UTF-8 text' }
  }
  if (text.trim() === '') return undefined
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    // The parser's own message quotes the line.
    const { message } = error as Error
    const position = /at position (\d+) \(line 1 column \d+\)$/.exec(message)?.[1]
    if (position !== undefined) return { reason: `not JSON from column ${Number(position) + 1} on` }
    return { reason: message.includes('end of JSON') ? 'not JSON: it ends too early' : 'not JSON' }
  }
}
