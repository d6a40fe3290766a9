import { describe, expect, test } from 'vitest'
import { ensureTopic } from '../../../src/driver/confluent/ensure-topic.ts'
import type { NativeError, NativeModule } from '../../../src/driver/confluent/native-module.ts'
import { ProducerQuestions } from '../../../src/driver/confluent/producer-questions.ts'
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
    callback(isLed ? null : { code: 6, message: 'not the leader' }, undefined)
  }
}

function questionsTo(cluster: FakeNativeProducer, error: NativeError | null = null): ProducerQuestions {
  const native: NativeModule = {
    ...createFakeNative().native,
    AdminClient: { createFrom: () => ({ createTopic: (_, __, callback) => callback(error) }) },
  }
  return new ProducerQuestions(native, cluster, 1000)
}

describe('ensureTopic', () => {
  test('waits until each partition of a new topic has a leader that answers, asking those again that had none', async () => {
    const cluster = new SlowCluster({})
    await ensureTopic(questionsTo(cluster), topic, 5000)
    expect(cluster.asked).toEqual(['metadata', 'metadata', 0, 1, 1, 1])
  })

  test('does not wait for a topic that was there', async () => {
    const cluster = new SlowCluster({})
    await ensureTopic(questionsTo(cluster, { code: 36, message: 'exists' }), topic, 5000)
    expect(cluster.asked).toEqual([])
  })

  test('goes on when the time is over', async () => {
    const cluster = new SlowCluster({})
    cluster.getMetadata = (_, callback) => callback({ code: -185, message: 'timed out' }, { brokers: [], topics: [] })
    await expect(ensureTopic(questionsTo(cluster), topic, 50)).resolves.toBeUndefined()
  })

  test('goes on when the producer closes', async () => {
    const cluster = new SlowCluster({})
    const questions = questionsTo(cluster)
    cluster.queryWatermarkOffsets = (_, __, ___, callback) => {
      void questions.close()
      callback({ code: 6, message: 'not the leader' }, undefined)
    }
    await expect(ensureTopic(questions, topic, 3_600_000)).resolves.toBeUndefined()
  })

  test('fails with what the cluster says', async () => {
    const refused = ensureTopic(questionsTo(new SlowCluster({}), { code: 17, message: 'bad name' }), topic, 50)
    await expect(refused).rejects.toMatchObject({ code: 'TOPIC_INVALID', outcome: 'not_sent', topic: 'orders' })
  })
})
