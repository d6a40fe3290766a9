import kafka from '@confluentinc/kafka-javascript'

/** Removes a topic that a demo has made on a real cluster. */
export async function deleteTopic(brokers: readonly string[], topic: string): Promise<void> {
  const admin = kafka.AdminClient.create({ 'bootstrap.servers': brokers.join(',') })
  try {
    await new Promise<void>((resolve, reject) => {
      admin.deleteTopic(topic, 10_000, (error) => (error ? reject(error) : resolve()))
    })
  } finally {
    admin.disconnect()
  }
}
