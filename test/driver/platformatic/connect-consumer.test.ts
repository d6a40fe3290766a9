import { expect, test } from 'vitest'
import { connectConsumer } from '../../../src/driver/platformatic/connect-consumer.ts'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'
import { catchRejection } from '../../catch-error.ts'
import { withMockCluster } from '../../with-mock-cluster.ts'
import { createConsumerOptions } from '../consumer-options.ts'

const library = await loadPlatformaticModule()
const cluster = withMockCluster({ brokers: 1 })

test('connects, and creates no topic by asking for it', async () => {
  const consumer = await connectConsumer(library, createConsumerOptions({ brokers: cluster.brokers }))
  expect(await catchRejection(consumer.partitionCount('never.made'))).toMatchObject({ code: 'TOPIC_NOT_FOUND' })
  await consumer.close()
})

test('brokers that do not answer are an error within connectTimeoutMs', async () => {
  const options = createConsumerOptions({ brokers: ['127.0.0.1:1'], connectTimeoutMs: 200 })
  expect(await catchRejection(connectConsumer(library, options))).toMatchObject({ code: 'BROKERS_UNREACHABLE' })
})

test('an option that it does not know is refused by its name', async () => {
  const options = createConsumerOptions({ brokers: cluster.brokers, passThrough: { 'fetch.min.bytes': 5 } })
  expect(await catchRejection(connectConsumer(library, options))).toMatchObject({
    code: 'DRIVER_OPTION_INVALID',
    message: expect.stringContaining('fetch.min.bytes'),
  })
})
