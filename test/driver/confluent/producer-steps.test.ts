import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { lingerSteps } from '../../../src/driver/confluent/linger-choice.ts'
import { ProducerSteps } from '../../../src/driver/confluent/producer-steps.ts'
import type { Settlement } from '../../../src/driver/driver.ts'
import { createDriverOptions } from '../driver-options.ts'
import { createFakeNative } from './fake-native.ts'

const settlement: Settlement = { settle: () => undefined }

describe('ProducerSteps', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  async function connect(adapts = true) {
    const { native, producers } = createFakeNative()
    const steps = new ProducerSteps(
      native,
      () => createDriverOptions(),
      (_, report) => {
        steps.reported(report)
        steps.settled(1)
      },
      adapts,
    )
    await steps.connect()
    const send = (count: number): void => {
      for (let message = 0; message < count && steps.isReady(); message++) {
        steps.client.produce('orders', -1, null, null, null, settlement, undefined)
        steps.taken()
      }
    }
    const turn = (): void => void vi.advanceTimersByTime(0)
    /** So many always under way, until the producer for them has taken over; they are under way then. */
    const load = async (count: number): Promise<void> => {
      for (let tick = 0; tick < 150; tick++) {
        send(count - steps.underWay)
        for (let report = 0; report < 8; report++) {
          producers[0]!.acknowledge(1)
          send(1)
        }
        await vi.advanceTimersByTimeAsync(5)
      }
      for (const producer of producers) producer.acknowledge()
      send(count)
    }
    return { steps, producers, send, turn, load }
  }

  test('one that does not adapt keeps to its producer', async () => {
    const { steps, producers, load } = await connect(false)
    await load(1000)
    expect(steps.step).toBe(0)
    expect(producers.map(({ config }) => 'batch.num.messages' in config)).toEqual([false])
  })

  test('batches that are filled are left alone', async () => {
    const { steps, producers, turn, load } = await connect()
    await load(100)
    turn()
    expect(steps.step).toBe(1)
    expect(producers[1]!.underWay).toHaveLength(100)
    expect(producers[1]!.flushes).toBe(0)
  })

  test('fewer than a batch are hurried, once in a turn, when all have sent who will', async () => {
    const { producers, send, turn, load } = await connect()
    const { batchMessages } = lingerSteps[1]!
    await load(100)
    turn()
    producers[1]!.acknowledge(100 - batchMessages + 1)
    expect(producers[1]!.flushes).toBe(0)
    turn()
    expect(producers[1]!.flushes).toBe(1)
    producers[1]!.acknowledge()
    send(batchMessages - 1)
    turn()
    expect(producers[1]!.flushes).toBe(2)
    producers[1]!.acknowledge()
    turn()
    expect(producers[1]!.flushes).toBe(2)
  })

  test('who sends again in the same turn needs no hurry', async () => {
    const { producers, send, turn, load } = await connect()
    await load(100)
    producers[1]!.acknowledge(80)
    send(80)
    turn()
    expect(producers[1]!.flushes).toBe(0)
  })

  test('nothing is hurried after the close', async () => {
    const { steps, producers, load, turn } = await connect()
    await load(100)
    producers[1]!.acknowledge(80)
    await steps.close()
    turn()
    expect(producers.map(({ flushes, isClosed }) => [flushes, isClosed])).toEqual([
      [0, true],
      [0, true],
    ])
  })
})
