import { expect, test } from 'vitest'
import { MessagingError } from '../../../src/errors/messaging-error.ts'
import { ProducerManifest, type BatchContext, type ReceivedMessage } from '../../../src/index.ts'
import { Collected, handlingBatches, numbersOf, range, setUp, type Item, type Setup } from '../consume.ts'

class Doubled extends ProducerManifest<Item> {
  override readonly topic = 'doubled'
}

const consumer = { commit: 'transaction', retryAttempts: 2, maxWaitMs: 20, maxMessages: 10 } as const

type Failing = (messages: readonly ReceivedMessage<Item>[], context: BatchContext) => void

/** Sends the double of each number, then fails as it is told. */
function doubling(batches: Collected<readonly number[]>, fail: Failing = () => undefined) {
  return handlingBatches(async (messages, context) => {
    batches.add(numbersOf(messages))
    await context.transaction.sendMany(
      Doubled,
      numbersOf(messages).map((n) => ({ n: 2 * n })),
    )
    fail(messages, context)
  })
}

const numbersIn = ({ driver }: Setup): number[] =>
  driver.records('doubled').map(({ value }) => (JSON.parse(String(value)) as Item).n)

const doubles = (numbers: readonly number[]): number[] => numbers.map((n) => 2 * n)

async function until(setup: Setup, offset: number): Promise<void> {
  while (setup.committed()['items/0'] !== offset) await new Promise(setImmediate)
}

test('a batch is one transaction', async () => {
  await using setup = setUp({ consumer })
  const batches = new Collected<readonly number[]>()
  const transactions = setup.heard('transaction.committed')
  await setup.send(range(1, 10))
  await using _ = await setup.messaging.consumers.run([doubling(batches)])
  await until(setup, 10)
  expect(batches.values).toEqual([range(1, 10)])
  expect(transactions.values).toHaveLength(1)
  expect(numbersIn(setup)).toEqual(doubles(range(1, 10)))
})

test.each<[string, Failing]>([
  [
    'named by its index',
    (messages, context) => {
      const index = numbersOf(messages).indexOf(4)
      if (index !== -1) throw context.failedAt(index, new Error('no'))
    },
  ],
  [
    'the first that is not marked as done',
    (messages, context) => {
      const index = numbersOf(messages).indexOf(4)
      for (const message of messages.slice(0, index)) context.markDone(message)
      if (index !== -1) throw new Error('no')
    },
  ],
])('the message that failed, %s, is narrowed to with what comes before it sent again', async (_name, fail) => {
  await using setup = setUp({ consumer })
  const batches = new Collected<readonly number[]>()
  const rejected = setup.heard('message.rejected')
  await setup.send(range(1, 6))
  await using _ = await setup.messaging.consumers.run([doubling(batches, fail)])
  await until(setup, 6)
  expect(batches.values).toEqual([range(1, 6), range(1, 3), [4], [5, 6]])
  expect(rejected.values).toMatchObject([{ offset: 3, attempts: 2 }])
  expect(numbersIn(setup)).toEqual(doubles([1, 2, 3, 5, 6]))
  expect(setup.driver.records('items.dead-letter')).toHaveLength(1)
})

test('where the first one failed it goes alone next', async () => {
  await using setup = setUp({ consumer })
  const batches = new Collected<readonly number[]>()
  const Items = doubling(batches, (messages, context) => {
    if (messages.length > 1 && messages[0]!.offset === 0) throw context.failedAt(0, new Error('no'))
  })
  await setup.send(range(1, 3))
  await using _ = await setup.messaging.consumers.run([Items])
  await until(setup, 3)
  expect(batches.values).toEqual([range(1, 3), [1], [2, 3]])
})

test('a batch that fails without a word is given again message by message', async () => {
  await using setup = setUp({ consumer })
  const batches = new Collected<readonly number[]>()
  const Items = doubling(batches, (messages) => {
    if (numbersOf(messages).includes(2)) throw new Error('no')
  })
  await setup.send(range(1, 3))
  await using _ = await setup.messaging.consumers.run([Items])
  await until(setup, 3)
  expect(batches.values).toEqual([range(1, 3), [1], [2], [3]])
  expect(numbersIn(setup)).toEqual(doubles([1, 3]))
})

test('a batch whose transaction the broker ended is given again as it was', async () => {
  await using setup = setUp({ consumer })
  const batches = new Collected<readonly number[]>()
  let refused = 0
  setup.driver.failWhen(({ topic }) =>
    topic === 'doubled' && refused++ === 0
      ? { code: 'PRODUCER_FENCED', reason: 'fenced', outcome: 'not_sent' }
      : undefined,
  )
  await setup.send(range(1, 3))
  await using _ = await setup.messaging.consumers.run([doubling(batches)])
  await until(setup, 3)
  expect(batches.values).toEqual([range(1, 3), range(1, 3)])
  expect(numbersIn(setup)).toEqual(doubles(range(1, 3)))
})

test('what cannot be decoded is a dead letter in its turn: nothing is committed past what comes before it', async () => {
  await using setup = setUp({ consumer })
  const batches = new Collected<readonly number[]>()
  const committed = setup.heard('offset.committed')
  class Items extends doubling(batches) {
    override codec = {
      name: 'odd',
      encode: () => Buffer.of(),
      decode(bytes: Buffer): Item {
        const item = JSON.parse(String(bytes)) as Item
        if (item.n === 3) throw new MessagingError('PAYLOAD_UNDECODABLE', { format: 'odd', reason: 'no' })
        return item
      },
    }
    override filter = ({ offset }: { offset: number }): boolean => offset !== 0 && offset !== 4
  }
  await setup.send(range(1, 5))
  await using _ = await setup.messaging.consumers.run([Items])
  await until(setup, 5)
  expect(batches.values).toEqual([[2], [4]])
  expect(committed.values.map(({ offset }) => offset)).toEqual([2, 3, 5])
  expect(setup.driver.records('items.dead-letter')).toHaveLength(1)
})

test('a batch is no larger than the burst of a throttled consumer', async () => {
  await using setup = setUp({ consumer: { ...consumer, throttlePerSecond: 1000, throttleBurst: 4 } })
  const batches = new Collected<readonly number[]>()
  await setup.send(range(1, 6))
  await using _ = await setup.messaging.consumers.run([doubling(batches)])
  await until(setup, 6)
  expect(batches.values).toEqual([range(1, 4), [5, 6]])
})

test('where nothing is wanted there is no transaction', async () => {
  await using setup = setUp({ consumer })
  const batches = new Collected<readonly number[]>()
  class Items extends doubling(batches) {
    override filter = (): boolean => false
  }
  const transactions = setup.heard('transaction.committed')
  await setup.send(range(1, 3))
  await using _ = await setup.messaging.consumers.run([Items])
  await until(setup, 3)
  expect([batches.values, transactions.values]).toEqual([[], []])
})

test('with onFailure stop nothing of the message that failed, nor past it, is committed', async () => {
  await using setup = setUp({ consumer: { ...consumer, onFailure: 'stop', retryAttempts: 1 } })
  const batches = new Collected<readonly number[]>()
  const Items = doubling(batches, (messages) => {
    if (numbersOf(messages).includes(2)) throw new Error('no')
  })
  await setup.send(range(1, 3))
  const running = await setup.messaging.consumers.run([Items])
  await expect(running.finished).rejects.toMatchObject({ code: 'HANDLER_FAILED' })
  expect(setup.committed()).toEqual({ 'items/0': 1 })
  expect(numbersIn(setup)).toEqual([2])
})
