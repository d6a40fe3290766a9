import type { TopicPartition } from '../driver-consumer.ts'
import { ByteCursor } from './byte-cursor.ts'
import type { AbortedTransaction } from './record-reader.ts'

/** What a broker has for one partition. */
export interface FetchedPartition extends TopicPartition {
  /** Kafka’s error number; 0 for none. */
  readonly errorCode: number
  readonly aborted: readonly AbortedTransaction[]
  readonly records: Buffer
}

export interface FetchAnswer {
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition[]
}

/** From this version on lengths are compact, and structures end with tagged fields. */
const firstCompact = 12

/**
 * The answer to a Fetch of version 11 or 12. The library reads the records as well, all of them and at once;
 * here they stay bytes until somebody wants them.
 */
export function readFetchAnswer(bytes: Buffer, version: number): FetchAnswer {
  const compact = version >= firstCompact
  const cursor = new ByteCursor(bytes)
  const readLength = (): number => (compact ? cursor.unsignedVarint() - 1 : cursor.int32())
  const endStructure = (): void => {
    if (compact) skipTaggedFields(cursor)
  }
  const readArray = <Entry>(read: () => Entry): Entry[] => {
    const entries: Entry[] = []
    const length = readLength()
    for (let index = 0; index < length; index++) entries.push(read())
    return entries
  }
  const readPartition = (topic: string): FetchedPartition => {
    const partition = cursor.int32()
    const errorCode = cursor.int16()
    // High watermark, last stable offset, start of the log.
    cursor.skip(24)
    const aborted = readArray(() => {
      const transaction = { producerId: cursor.bigint64(), firstOffset: cursor.int64() }
      endStructure()
      return transaction
    })
    // A replica that is nearer, where the client says in which rack it is.
    cursor.skip(4)
    const records = cursor.take(Math.max(0, readLength()))
    endStructure()
    return { topic, partition, errorCode, aborted, records }
  }
  const readTopic = (): FetchedPartition[] => {
    const topic = cursor.take(compact ? readLength() : cursor.int16()).toString()
    const partitions = readArray(() => readPartition(topic))
    endStructure()
    return partitions
  }
  // How long the broker throttled it.
  cursor.skip(4)
  const errorCode = cursor.int16()
  // The session, which is not used.
  cursor.skip(4)
  return { errorCode, partitions: readArray(readTopic).flat() }
}

function skipTaggedFields(cursor: ByteCursor): void {
  const count = cursor.unsignedVarint()
  for (let index = 0; index < count; index++) {
    cursor.unsignedVarint()
    cursor.skip(cursor.unsignedVarint())
  }
}
