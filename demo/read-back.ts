import kafka from '@confluentinc/kafka-javascript'

export interface ReadRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly Readonly<Record<string, Buffer | string>>[]
  readonly partition: number
  readonly timestamp?: number
  readonly offset: number
}

export interface Reader {
  /** The end of each partition, as the brokers know it. */
  highWatermarks(): Promise<number>
  close(): Promise<void>
}

type Callback<Value> = (error: Error | null | undefined, value: Value) => void

function promised<Value>(start: (callback: Callback<Value>) => void): Promise<Value> {
  return new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))))
}

/** Reads every partition of a topic from its beginning with a client of its own, and hands each record to `receive`. */
export async function readTopic(
  brokers: readonly string[],
  topic: string,
  receive: (record: ReadRecord) => void | Promise<void>,
): Promise<Reader> {
  const consumer = new kafka.KafkaConsumer(
    {
      'bootstrap.servers': brokers.join(','),
      'group.id': `postrider-demo-${process.pid}`,
      'enable.auto.commit': false,
      'fetch.wait.max.ms': 20,
    },
    { 'auto.offset.reset': 'earliest' },
  )
  const metadata = await promised<{ topics: { name: string; partitions: { id: number }[] }[] }>((callback) => {
    consumer.connect({ topic, timeout: 10_000 }, callback as never)
  })
  const partitions = metadata.topics.find(({ name }) => name === topic)?.partitions.map(({ id }) => id) ?? []
  consumer.setDefaultConsumeTimeout(50)
  // Missing in the binding's types. Without it a batch waits the timeout for each of its records.
  ;(
    consumer as unknown as { setDefaultIsTimeoutOnlyForFirstMessage(only: boolean): void }
  ).setDefaultIsTimeoutOnlyForFirstMessage(true)
  consumer.assign(partitions.map((partition) => ({ topic, partition, offset: 0 })))

  let closing = false
  const loop = (async () => {
    while (!closing) {
      const records = await promised<ReadRecord[]>((callback) => {
        consumer.consume(1000, callback as never)
      })
      for (const record of records) await receive(record)
    }
  })()
  return {
    async highWatermarks() {
      const ends = partitions.map((partition) =>
        promised<{ highOffset: number }>((callback) => {
          consumer.queryWatermarkOffsets(topic, partition, 5000, callback as never)
        }),
      )
      return (await Promise.all(ends)).reduce((sum, { highOffset }) => sum + highOffset, 0)
    },
    async close() {
      closing = true
      await loop
      await promised<void>((callback) => {
        consumer.disconnect(callback as never)
      })
    },
  }
}

/** Removes a topic that a demo has made on a real cluster. */
export async function deleteTopic(brokers: readonly string[], topic: string): Promise<void> {
  const admin = kafka.AdminClient.create({ 'bootstrap.servers': brokers.join(',') })
  try {
    await promised<void>((callback) => {
      admin.deleteTopic(topic, 10_000, callback as never)
    })
  } finally {
    admin.disconnect()
  }
}
