import { describe, expect, test } from 'vitest'
import { ProducerQuestions } from '../../../src/driver/confluent/producer-questions.ts'
import { createFakeNative, FakeNativeProducer } from './fake-native.ts'

function createQuestions() {
  const producer = new FakeNativeProducer({})
  const { native } = createFakeNative()
  let underWay = false
  const during: boolean[] = []
  const AdminClient = {
    createFrom: () => {
      during.push(underWay)
      return native.AdminClient.createFrom(producer)
    },
  }
  const getMetadata = producer.getMetadata.bind(producer)
  producer.getMetadata = (request, callback) => {
    underWay = true
    setImmediate(() => {
      underWay = false
      getMetadata(request, callback)
    })
  }
  return { questions: new ProducerQuestions({ ...native, AdminClient }, producer, 1000), producer, during }
}

describe('ProducerQuestions', () => {
  test('tells the partitions of a topic, none where there is no such topic', async () => {
    const { questions } = createQuestions()
    expect(await questions.partitionsOf('orders')).toEqual([0, 1])
    expect(await questions.partitionsOf('absent')).toEqual([])
  })

  test('what the cluster refuses names the topic', async () => {
    const { questions, producer } = createQuestions()
    producer.getMetadata = (_, callback) => callback({ code: 29, message: 'no' }, { brokers: [], topics: [] })
    await expect(questions.partitionsOf('orders')).rejects.toMatchObject({
      code: 'AUTHORIZATION_DENIED',
      topic: 'orders',
    })
  })

  test('never takes the lock of a producer that is being asked, and the second question for the id is one', async () => {
    const { questions, producer, during } = createQuestions()
    questions.hurryProducerId()
    const topic = { topic: 'orders', partitions: 1, replicationFactor: 1, config: {} }
    await Promise.all([questions.partitionsOf('orders'), questions.createTopic(topic), questions.createTopic(topic)])
    expect([during, producer.questions]).toEqual([[false], 1])
  })

  test('nobody hears that the second question for the id got no answer', async () => {
    const { questions, producer } = createQuestions()
    producer.getMetadata = (_, callback) => callback({ code: -185, message: 'timed out' }, { brokers: [], topics: [] })
    questions.hurryProducerId()
    await questions.close()
  })
})
