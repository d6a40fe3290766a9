import { readTopic, type ReadRecord } from '../../demo/read-back.ts'
import type { StoredRecord } from '../../src/testing.ts'

/** Reads a topic with a consumer of its own until it has `count` records. */
export async function readStored(
  brokers: readonly string[],
  topic: string,
  count: number,
): Promise<readonly StoredRecord[]> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const records: ReadRecord[] = []
  const reader = await readTopic(brokers, topic, (record) => {
    records.push(record)
    if (records.length >= count) resolve()
  })
  await promise
  await reader.close()
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
