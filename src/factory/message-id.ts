/** Ten random bytes for each id: eight in it, two that may seed its counter. */
const bytesPerId = 10
/** Filled at once, since asking for a few random bytes costs more than making the rest of an id. */
const idsPerFill = 800
const counterMax = 0xfff
const hyphen = '-'.charCodeAt(0)
const hexDigits = Buffer.from('0123456789abcdef')

/** Makes ids for messages: UUIDs of version 7 (RFC 9562) as text, each above the one before it. */
export function createMessageIds(now: () => number = Date.now): () => Buffer {
  const random = Buffer.allocUnsafe(bytesPerId * idsPerFill)
  const template = Buffer.from('00000000-0000-7000-8000-000000000000')
  let used = random.length
  let time = 0
  let counter = 0

  function startMillisecond(milliseconds: number): void {
    time = milliseconds
    // Half of the range is left to count in (RFC 9562, 6.2, method 1).
    counter = ((random[used]! << 8) | random[used + 1]!) & (counterMax >> 1)
    template.write(milliseconds.toString(16).padStart(12, '0'), 1, 'latin1')
    template.copyWithin(0, 1, 9)
    template[8] = hyphen
  }

  return () => {
    if (used === random.length) {
      process.getBuiltinModule('node:crypto').randomFillSync(random)
      used = 0
    }
    const milliseconds = now()
    if (milliseconds > time) startMillisecond(milliseconds)
    // A clock that was set back, or more ids than the counter has room for: the time in them goes on from the last one.
    else if (++counter > counterMax) startMillisecond(time + 1)

    const id = Buffer.from(template)
    id[15] = hexDigits[counter >> 8]!
    id[16] = hexDigits[(counter >> 4) & 0xf]!
    id[17] = hexDigits[counter & 0xf]!
    const first = random[used + 2]!
    // The variant of RFC 9562: its two highest bits are 10.
    id[19] = hexDigits[0x8 | ((first >> 4) & 0x3)]!
    id[20] = hexDigits[first & 0xf]!
    writeHex(id, 21, random[used + 3]!)
    for (let index = 0; index < 6; index++) writeHex(id, 24 + 2 * index, random[used + 4 + index]!)
    used += bytesPerId
    return id
  }
}

function writeHex(id: Buffer, position: number, byte: number): void {
  id[position] = hexDigits[byte >> 4]!
  id[position + 1] = hexDigits[byte & 0xf]!
}
