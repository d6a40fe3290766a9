import { afterAll, beforeAll, describe, test } from 'vitest'
import { createMemoryDriver, describeDriverConsumerContract, describeDriverContract } from '../../src/testing.ts'

function start() {
  const driver = createMemoryDriver({ partitions: 3 })
  return Promise.resolve({
    options: { driver },
    partitions: 3,
    read: (topic: string) => Promise.resolve(driver.records(topic).map(({ topic: _, ...record }) => record)),
    close: () => Promise.resolve(),
  })
}

const refusingUnknownTopics = () => ({ driver: createMemoryDriver({ autoCreateTopics: false }) })

describeDriverContract({ name: 'memory', start, refusingUnknownTopics }, { describe, test, beforeAll, afterAll })

describeDriverConsumerContract({ name: 'memory', start }, { describe, test, beforeAll, afterAll })
