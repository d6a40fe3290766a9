import type { DriverMessage } from '../../../src/driver/driver.ts'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'
import { RecordBatch } from '../../../src/driver/platformatic/record-batch.ts'

const library = await loadPlatformaticModule()

export interface BatchToWrite {
  readonly offset: number
  readonly messages: readonly Partial<Pick<DriverMessage, 'key' | 'value' | 'headers' | 'timestamp'>>[]
  readonly compression?: string
  /** Set besides what the compression sets. */
  readonly attributes?: number
  readonly producerId?: bigint
  /** Where compaction has taken away the last ones. */
  readonly lastOffsetDelta?: number
}

const attributes = { transactional: 0b1_0000, control: 0b10_0000 } as const

/** A batch as a broker keeps it. */
export function writeBatch({ offset, messages, ...of }: BatchToWrite): Buffer {
  const batch = new RecordBatch(0)
  for (const { key = null, value = null, headers, timestamp = 1000 } of messages) {
    const message = { topic: 't', partition: 0, key, value, headers, timestamp }
    batch.append(message, timestamp, { settle: () => undefined }, Infinity)
  }
  const compression = of.compression === undefined ? undefined : library.compressionsAlgorithms[of.compression]
  const identity = of.producerId === undefined ? undefined : { producerId: of.producerId, epoch: 0 }
  const bytes = batch.seal(library, compression, identity, 0)
  bytes.writeBigInt64BE(BigInt(offset))
  bytes.writeInt16BE(bytes.readInt16BE(21) | (of.attributes ?? 0), 21)
  if (of.lastOffsetDelta !== undefined) bytes.writeInt32BE(of.lastOffsetDelta, 23)
  return bytes
}

export function textBatch(offset: number, texts: readonly string[], of: Partial<BatchToWrite> = {}): Buffer {
  return writeBatch({ offset, messages: texts.map((text) => ({ value: Buffer.from(text) })), ...of })
}

export function transactionBatch(offset: number, texts: readonly string[], producerId: bigint): Buffer {
  return textBatch(offset, texts, { producerId, attributes: attributes.transactional })
}

/** How a broker marks the end of a transaction: a record of its own, whose key says which end. */
export function transactionEnd(offset: number, producerId: bigint, end: 'abort' | 'commit'): Buffer {
  const key = Buffer.from([0, 0, 0, end === 'commit' ? 1 : 0])
  return writeBatch({
    offset,
    messages: [{ key, value: Buffer.alloc(6) }],
    producerId,
    attributes: attributes.transactional | attributes.control,
  })
}
