import { createMemoryDriver } from '../../src/testing.ts'
import { describeDriverContract } from './driver-contract.ts'

describeDriverContract('memory', () => {
  const driver = createMemoryDriver({ partitions: 3 })
  return Promise.resolve({
    options: { driver },
    partitions: 3,
    read: (topic) => Promise.resolve(driver.records(topic).map(({ topic: _, ...record }) => record)),
    close: () => Promise.resolve(),
  })
})
