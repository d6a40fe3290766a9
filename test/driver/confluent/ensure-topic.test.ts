import { describe, expect, test } from 'vitest'
import { ensureTopic } from '../../../src/driver/confluent/ensure-topic.ts'
import type { NativeError, NativeModule } from '../../../src/driver/confluent/native-module.ts'
import { createFakeNative, FakeNativeProducer } from './fake-native.ts'

const topic = { topic: 'orders', partitions: 2, replicationFactor: 1, config: {} }

/** A cluster that knows of the topic at the second question, and leads partition 1 at the third. */
class SlowCluster extends FakeNativeProducer {
  readonly asked: (number | 'metadata')[] = []

  override getMetadata(...[, callback]: Parameters<FakeNativeProducer['getMetadata']>): void {
    this.asked.push('metadata')
    const partitions = this.asked.length < 2 ? [] : [{ id: 0 }, { id: 1 }]
    callback(null, { brokers: [], topics: [{ name: 'orders', partitions }] })
  }
  override queryWatermarkOffsets(...args: Parameters<FakeNativeProducer['queryWatermarkOffsets']>): void {
    const [, partition, , callback] = args
    this.asked.push(partition)
    const isLed = partition === 0 || this.asked.filter((asked) => asked === 1).length === 3
    callback(isLed ? null : { code: 6, message: 'not the leader' })
  }
}

function nativeThatAnswers(error: NativeError | null): NativeModule {
  const admin = {
    createTopic: (_topic: unknown, _timeoutMs: number, callback: (error: NativeError | null) => void) =>
      callback(error),
    disconnect: () => undefined,
  }
  return { ...createFakeNative().native, AdminClient: { createFrom: () => admin } }
}

describe('ensureTopic', () => {
  test('waits until each partition of a new topic has a leader that answers, asking those again that had none', async () => {
    const cluster = new SlowCluster({})
    await ensureTopic(nativeThatAnswers(null), cluster, topic, 5000)
    expect(cluster.asked).toEqual(['metadata', 'metadata', 0, 1, 1, 1])
  })

  test('does not wait for a topic that was there', async () => {
    const cluster = new SlowCluster({})
    await ensureTopic(nativeThatAnswers({ code: 36, message: 'exists' }), cluster, topic, 5000)
    expect(cluster.asked).toEqual([])
  })

  test('goes on when the time is over', async () => {
    const cluster = new SlowCluster({})
    cluster.getMetadata = (_, callback) => callback({ code: -185, message: 'timed out' })
    await expect(ensureTopic(nativeThatAnswers(null), cluster, topic, 50)).resolves.toBeUndefined()
  })

  test('fails with what the cluster says', async () => {
    const refused = ensureTopic(nativeThatAnswers({ code: 17, message: 'bad name' }), new SlowCluster({}), topic, 50)
    await expect(refused).rejects.toMatchObject({ code: 'TOPIC_INVALID', outcome: 'not_sent', topic: 'orders' })
  })
})
