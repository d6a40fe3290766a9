const dayMs = 86_400_000
const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i

/** Days since 1970-01-01 of `YYYY-MM-DD` (years beyond 9999 as in ISO 8601, `+YYYYYY`); undefined for any other text. */
export function dateToDays(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^(\d{4}|[+-]\d{6})-\d\d-\d\d$/.test(value)) return undefined
  const ms = Date.parse(`${value}T00:00:00.000Z`)
  // Date takes the 30th of February for the 2nd of March.
  if (Number.isNaN(ms) || daysToDate(ms / dayMs) !== value) return undefined
  return ms / dayMs
}

/** @throws RangeError beyond the range of Date, ±100,000,000 days */
export function daysToDate(days: number): string {
  return new Date(days * dayMs).toISOString().split('T')[0]!
}

/**
 * Local date and time as a count since 1970-01-01T00:00, in seconds times 10 to the power of `digits`;
 * undefined for other text than `YYYY-MM-DDTHH:mm:ss`, with up to `digits` digits of a second.
 */
export function localToUnits(value: unknown, digits: number): bigint | undefined {
  if (typeof value !== 'string') return undefined
  const [, seconds, fraction = ''] =
    /^((?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?$/.exec(value) ?? []
  if (seconds === undefined || fraction.length > digits) return undefined
  const ms = Date.parse(`${seconds}.000Z`)
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(seconds)) return undefined
  const units = BigInt(ms / 1000) * 10n ** BigInt(digits) + BigInt(fraction.padEnd(digits, '0'))
  return BigInt.asIntN(64, units) === units ? units : undefined
}

/** @throws RangeError beyond the range of Date */
export function unitsToLocal(units: bigint, digits: number): string {
  const perSecond = 10n ** BigInt(digits)
  const fraction = ((units % perSecond) + perSecond) % perSecond
  const ms = Number((units - fraction) / perSecond) * 1000
  return `${new Date(ms).toISOString().slice(0, -'.000Z'.length)}.${String(fraction).padStart(digits, '0')}`
}

export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && uuid.test(value)
}

export function uuidToBytes(value: string): Buffer {
  return Buffer.from(value.replaceAll('-', ''), 'hex')
}

export function bytesToUuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
