import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { NativeRequests } from '../../../src/driver/confluent/native-consumer.ts'
import type { NativeConsumer, NativePositions } from '../../../src/driver/confluent/native-module.ts'

type Answer = (error: { code: number; message: string } | null, value?: unknown) => void

/** Questions wait until they are answered. */
function createRequests() {
  const asked: { question: string; answer: Answer }[] = []
  const consumer = {
    committed: (_: unknown, timeoutMs: number, answer: Answer) =>
      asked.push({ question: `committed within ${timeoutMs}`, answer }),
    offsetsForTimes: (_: unknown, __: number, answer: Answer) => asked.push({ question: 'times', answer }),
    queryWatermarkOffsets: (...[topic, , , answer]: [string, number, number, Answer]) =>
      asked.push({ question: `watermarks ${topic}`, answer }),
    getMetadata: (_: unknown, answer: Answer) => asked.push({ question: 'metadata', answer }),
    seek: (_: unknown, __: number, answer: Answer) => asked.push({ question: 'seek', answer }),
  }
  return { requests: new NativeRequests(consumer as unknown as NativeConsumer, 1000), asked }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const partition = (number: number) => ({ topic: 'a', partition: number })

describe('questions to the broker', () => {
  test('are asked one at a time; what fails has the code of its number', async () => {
    const { requests, asked } = createRequests()
    const watermarks = ['a', 'b'].map((topic) => requests.watermarks({ topic, partition: 0 }))
    await turn()
    expect(asked.map(({ question }) => question)).toEqual(['watermarks a'])
    asked[0]!.answer({ code: 3, message: 'Broker: Unknown topic or partition' })
    await expect(watermarks[0]).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND', driverCode: 3 })
    await turn()
    asked[1]!.answer(null, { lowOffset: 1, highOffset: 5 })
    expect(await watermarks[1]).toEqual({ low: 1, high: 5 })
  })

  test('times become offsets, the end where nothing is as new; the rest needs no question', async () => {
    const { requests, asked } = createRequests()
    expect(
      await requests.resolve([
        { ...partition(0), offset: 7 },
        { ...partition(1), offset: 'earliest' },
        { ...partition(2), offset: 'latest' },
      ]),
    ).toEqual([
      { ...partition(0), offset: 7 },
      { ...partition(1), offset: -2 },
      { ...partition(2), offset: -1 },
    ])
    expect(asked).toEqual([])
    const resolved = requests.resolve([0, 1].map((number) => ({ ...partition(number), offset: { timestamp: 5 } })))
    await turn()
    const found: NativePositions = [
      { ...partition(0), offset: 3 },
      { ...partition(1), offset: -1 },
    ]
    asked[0]!.answer(null, found)
    expect(await resolved).toEqual(found)
  })

  test('partitions of a topic are counted; one without any does not exist', async () => {
    const { requests, asked } = createRequests()
    const counts = ['a', 'b'].map((topic) => requests.partitionCount(topic))
    const topics = [
      { name: 'a', partitions: [{ id: 0 }, { id: 1 }] },
      { name: 'b', partitions: [] },
    ]
    await turn()
    asked[0]!.answer(null, { topics })
    expect(await counts[0]).toBe(2)
    asked[1]!.answer(null, { topics })
    await expect(counts[1]).rejects.toMatchObject({ code: 'TOPIC_NOT_FOUND', topic: 'b' })
  })

  test('a partition that failed by itself fails the call, by its name', async () => {
    const { requests, asked } = createRequests()
    const committed = requests.committed([partition(0), partition(1)])
    await turn()
    asked[0]!.answer(null, [{ ...partition(0), offset: 3 }, new Error('Broker: Unknown topic or partition')])
    await expect(committed).rejects.toMatchObject({
      code: 'DRIVER_FAILED',
      message: expect.stringContaining('a/1: Broker: Unknown topic') as string,
    })
  })

  test('offsets of the group are asked for no longer than somebody waits for them, and never longer than anything else', async () => {
    const { requests, asked } = createRequests()
    // A whole number: sums of others are not exact.
    const now = 1_000
    vi.spyOn(performance, 'now').mockReturnValue(now)
    onTestFinished(() => void vi.restoreAllMocks())
    const answers = [now + 250, now - 1, undefined].map((giveUpAt) => requests.committed([partition(0)], giveUpAt))
    for (const index of answers.keys()) {
      await turn()
      asked[index]!.answer(null, [partition(0)])
    }
    expect((await Promise.all(answers)).flat().map(({ offset }) => offset)).toEqual([-1, -1, -1])
    expect(asked.map(({ question }) => question)).toEqual([
      'committed within 250',
      'committed within 1',
      'committed within 1000',
    ])
  })
})
