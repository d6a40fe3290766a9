import { expect, test } from 'vitest'
import { connectNative } from '../../../src/driver/confluent/native-connection.ts'
import type { BrokerStatistics, DriverFailure } from '../../../src/driver/driver.ts'
import { createDriverOptions } from '../driver-options.ts'
import { FakeNativeProducer } from './fake-native.ts'

class Telling extends FakeNativeProducer {
  readonly listeners = new Map<string, (value: never) => void>()
  override on(event: string, listener: (value: never) => void): void {
    this.listeners.set(event, listener)
  }
}

// How connecting ends, and what is said of it: native-producer.test.ts.
test('statistics and later trouble are told, trouble on the way is not', async () => {
  const client = new Telling({})
  const statistics: (readonly BrokerStatistics[])[] = []
  const failures: DriverFailure[] = []
  const options = createDriverOptions({
    statistics: { intervalMs: 1000, onStatistics: (brokers) => statistics.push(brokers) },
  })
  await connectNative(
    client,
    () => undefined,
    options,
    (failure) => failures.push(failure),
  )
  client.listeners.get('event.stats')!({ message: '{}' } as never)
  client.listeners.get('event.error')!({ code: -1, message: 'Local: Broker transport failure' } as never)
  expect(statistics).toEqual([[]])
  expect(failures).toMatchObject([{ code: 'BROKERS_UNREACHABLE', driverCode: -195 }])
})
