/** What the broker said about one message. */
export interface DeliveryReport {
  readonly topic: string
  /** -1 when the message was suppressed. */
  readonly partition: number
  /** Position in the partition; -1 when the broker does not say (acks 0). */
  readonly offset: number
  /** Milliseconds since 1970; -1 where the broker does not say. */
  readonly timestamp: number
  /** True when the manifest was disabled in this async context: nothing was sent. */
  readonly suppressed?: true
}

/** The report of an acknowledged message. Property by property: literals of which the first were kept, V8 allocates among old objects. */
export function createDeliveryReport(
  topic: string,
  partition: number,
  offset: number,
  timestamp: number,
): DeliveryReport {
  const report = {} as { -readonly [Field in keyof DeliveryReport]: DeliveryReport[Field] }
  report.topic = topic
  report.partition = partition
  report.offset = offset
  report.timestamp = timestamp
  return report
}
