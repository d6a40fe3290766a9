import { describe, expect, onTestFinished, test } from 'vitest'
import type { BrokerStatistics, DriverOptions } from '../../../src/driver/driver.ts'
import { platformaticDriver } from '../../../src/driver/platformatic/platformatic-driver.ts'
import { withMockCluster } from '../../with-mock-cluster.ts'
import { catchRejection } from '../../catch-error.ts'
import { readStored } from '../../contract/read-stored.ts'
import { runProgram, startProgram } from '../../lifecycle/run-program.ts'
import { createDriverOptions, defaultProfile } from '../driver-options.ts'

const mock = withMockCluster({ brokers: 1 })

async function connect(options: Partial<DriverOptions> = {}) {
  const driver = await platformaticDriver.createDriver(createDriverOptions({ brokers: mock.brokers, ...options }))
  onTestFinished(() => driver.close())
  const send = (topic: string, text: string): Promise<{ failure: unknown; offset: number }> =>
    new Promise((resolve) => {
      const message = { topic, value: Buffer.from(text), key: null, headers: undefined, partition: 0, timestamp: 0 }
      driver.produce(message, { settle: (failure, _partition, offset) => resolve({ failure, offset }) })
    })
  return { driver, send }
}

describe('settings', () => {
  test('brokers are needed', () => {
    expect(platformaticDriver.needsBrokers({})).toBe(true)
  })

  test('an option that it does not know, or a bad value, is refused by its name', async () => {
    const unknown = createDriverOptions({ passThrough: { 'linger.ms': 5 } })
    expect(await catchRejection(platformaticDriver.createDriver(unknown))).toMatchObject({
      code: 'DRIVER_OPTION_INVALID',
      message: expect.stringContaining('linger.ms is not one of its options (topicPropagationMs)'),
    })
    const bad = createDriverOptions({ passThrough: { topicPropagationMs: 'soon' } })
    expect(await catchRejection(platformaticDriver.createDriver(bad))).toMatchObject({ code: 'DRIVER_OPTION_INVALID' })
  })

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'what %s compresses is read by another client',
    async (compression) => {
      const { send } = await connect({ profile: { ...defaultProfile, compression } })
      const topic = `compressed.${compression}`
      const texts = Array.from({ length: 50 }, (_, index) => `the same again and again ${index}`)
      await Promise.all(texts.map((text) => send(topic, text)))
      const stored = await readStored(mock.brokers, topic, 50)
      expect(stored.map(({ value }) => value?.toString())).toEqual(texts)
    },
  )

  test.each([0, 1] as const)('acks %s is enough where it is asked for', async (acks) => {
    const { send } = await connect({ profile: { ...defaultProfile, acks, idempotence: false } })
    const sent = await send(`acks.${acks}`, 'x')
    expect(sent).toEqual({ failure: null, offset: acks === 0 ? -1 : 0 })
    expect(await readStored(mock.brokers, `acks.${acks}`, 1)).toHaveLength(1)
  })
})

test('tells what it sees of its brokers, when somebody listens', async () => {
  const told = Promise.withResolvers<readonly BrokerStatistics[]>()
  const { send } = await connect({
    statistics: {
      intervalMs: 5,
      onStatistics: (brokers) => {
        if (brokers.some(({ roundTripMs }) => roundTripMs !== undefined)) told.resolve(brokers)
      },
    },
  })
  await send('measured', 'x')
  expect(await told.promise).toEqual([
    { broker: 1, roundTripMs: expect.any(Number), outboundMessages: 0, retries: 0, reconnects: 0 },
  ])
})

describe('the process', () => {
  test.each(['platformatic', 'auto'])('may send from a worker thread with %s', async (driver) => {
    const sent = await runProgram('worker-thread', driver, mock.brokers.join(','))
    expect(sent).toMatchObject({ report: { topic: 'lifecycle.text', partition: expect.any(Number) as number } })
  })

  test('ends by itself when nothing is on its way, closed or not', async () => {
    const { stdout, stderr, code } = await startProgram('exit-by-itself', mock.brokers.join(',')).end
    expect({ stdout, stderr, code }).toEqual({ stdout: 'acknowledged\n', stderr: '', code: 0 })
  })
})
