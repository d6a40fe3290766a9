import { expect, test } from 'vitest'
import { createConsumerConfig } from '../../../src/driver/confluent/consumer-config.ts'
import { createConsumerOptions } from '../consumer-options.ts'

test('what is committed and when is never left to librdkafka', () => {
  expect(createConsumerConfig(createConsumerOptions({ group: 'billing', startFrom: 'latest' }))).toMatchObject({
    'group.id': 'billing',
    'auto.offset.reset': 'latest',
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    'isolation.level': 'read_committed',
    'partition.assignment.strategy': 'cooperative-sticky',
  })
})

test('a session is not longer than the pause between two polls', () => {
  const config = createConsumerConfig(createConsumerOptions({ sessionTimeoutMs: 45_000, maxPollIntervalMs: 10_000 }))
  expect(config).toMatchObject({ 'session.timeout.ms': 10_000, 'max.poll.interval.ms': 10_000 })
})

test('the protocol of KIP-848 gets none of the settings about which its broker decides', () => {
  const config = createConsumerConfig(createConsumerOptions({ protocol: 'consumer', instanceId: 'one' }))
  expect(config).toMatchObject({ 'group.protocol': 'consumer', 'group.instance.id': 'one' })
  for (const refused of ['session.timeout.ms', 'heartbeat.interval.ms', 'partition.assignment.strategy']) {
    expect(config).not.toHaveProperty([refused])
  }
})

test('what is fetched ahead is bounded, by the queue and by one answer', () => {
  const config = (prefetchMaxBytes: number) => createConsumerConfig(createConsumerOptions({ prefetchMaxBytes }))
  expect(config(16_777_216)).toMatchObject({ 'queued.max.messages.kbytes': 16_384, 'fetch.max.bytes': 8_388_608 })
  expect(config(1000)).toMatchObject({ 'queued.max.messages.kbytes': 1, 'fetch.max.bytes': 1_048_576 })
  expect(config(1_073_741_824)).toMatchObject({ 'fetch.max.bytes': 52_428_800 })
})

test('pass-through options have the last word', () => {
  expect(
    createConsumerConfig(createConsumerOptions({ passThrough: { 'client.rack': 'a', 'fetch.max.bytes': 5 } })),
  ).toMatchObject({
    'client.rack': 'a',
    'fetch.max.bytes': 5,
  })
})
