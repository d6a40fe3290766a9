import { afterAll, beforeAll, describe, test } from 'vitest'
import { createMemoryDriver, describeDriverContract } from '../../src/testing.ts'

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
