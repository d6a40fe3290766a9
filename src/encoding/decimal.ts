/**
 * The two’s complement bytes of a decimal number written as text, e.g. `-12.50`; undefined when it is no such number,
 * has more than `precision` digits, or more than `scale` of them (other than zeros) after the point.
 * Avro specification, “Decimal”: big-endian, the shortest form for bytes, sign-extended to `size` for fixed.
 */
export function decimalToBytes(value: unknown, precision: number, scale: number, size?: number): Buffer | undefined {
  // The length first: turning a long text into a number takes time that grows with its square.
  if (typeof value !== 'string' || value.length > precision + scale + 100) return undefined
  const [, sign, whole, fraction = ''] = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(value) ?? []
  if (whole === undefined || /[1-9]/.test(fraction.slice(scale))) return undefined
  const digits = (whole + fraction.slice(0, scale).padEnd(scale, '0')).replace(/^0+(?=\d)/, '')
  if (digits.length > precision && digits !== '0') return undefined
  const unscaled = sign === '-' ? -BigInt(digits) : BigInt(digits)
  const length = size ?? shortestLength(unscaled)
  const hex = BigInt.asUintN(length * 8, unscaled).toString(16)
  return Buffer.from(hex.padStart(length * 2, '0'), 'hex')
}

/** The text of a decimal number, always with `scale` digits after the point. @throws RangeError for more bytes than `precision` needs */
export function bytesToDecimal(bytes: Buffer, precision: number, scale: number): string {
  // A few bytes more are a sign extension; a megabyte would keep the process busy for a long time.
  if (bytes.length > precision / 2 + 16) throw new RangeError('a decimal is longer than its precision')
  const unscaled = bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`))
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${scale === 0 ? '' : '.'}${digits.slice(point)}`
}

function shortestLength(value: bigint): number {
  const magnitude = value < 0n ? ~value : value
  return magnitude === 0n ? 1 : Math.floor(magnitude.toString(2).length / 8) + 1
}
