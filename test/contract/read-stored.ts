import kafka from '@confluentinc/kafka-javascript'
import type { StoredRecord } from '../../src/testing.ts'

type Callback<Value> = (error: Error | null | undefined, value: Value) => void

function promised<Value>(start: (callback: Callback<Value>) => void): Promise<Value> {
  return new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))))
}

interface RawRecord {
  readonly partition: number
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly Readonly<Record<string, Buffer | string>>[]
  readonly timestamp?: number
}

/** Reads a topic with a raw consumer, which knows nothing of ours, until it has `count` records. */
export async function readStored(
  brokers: readonly string[],
  topic: string,
  count: number,
): Promise<readonly StoredRecord[]> {
  const consumer = new kafka.KafkaConsumer(
    { 'bootstrap.servers': brokers.join(','), 'group.id': 'stored', 'enable.auto.commit': false },
    { 'auto.offset.reset': 'earliest' },
  )
  const metadata = await promised<{ topics: { name: string; partitions: { id: number }[] }[] }>((callback) => {
    consumer.connect({ topic, timeout: 10_000 }, callback as never)
  })
  const partitions = metadata.topics.find(({ name }) => name === topic)?.partitions ?? []
  consumer.setDefaultConsumeTimeout(50)
  consumer.assign(partitions.map(({ id }) => ({ topic, partition: id, offset: 0 })))
  const records: RawRecord[] = []
  while (records.length < count) {
    records.push(
      ...(await promised<RawRecord[]>((callback) => {
        consumer.consume(1000, callback as never)
      })),
    )
  }
  await promised<void>((callback) => {
    consumer.disconnect(callback as never)
  })
  return records
    .map(({ partition, offset, key, value, headers = [], timestamp }) => ({
      partition,
      offset,
      key,
      value,
      headers: headers.map((header): [string, Buffer] => {
        const [[name, bytes]] = Object.entries(header) as [[string, Buffer | string]]
        return [name, Buffer.from(bytes as string)]
      }),
      timestamp: timestamp ?? -1,
    }))
    .toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
}
