import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { Collected, handlingBatches, numbersOf, range, Sent, setUp } from '../consume.ts'

describe('a batch that fails', () => {
  test('at an index: what comes before is done, that message alone is tried again and given up', async () => {
    await using setup = setUp({ consumer: { retryAttempts: 2 } })
    const batches = new Collected<number[]>()
    const stored = setup.heard('message.dead_lettered')
    const Items = handlingBatches((messages, context) => {
      const numbers = numbersOf(messages)
      batches.add(numbers)
      const index = numbers.indexOf(3)
      if (index !== -1) throw context.failedAt(index, new RangeError('no'))
    })
    await setup.send(range(1, 5))
    const running = await setup.messaging.consumers.run([Items])
    expect(await batches.count(3)).toEqual([range(1, 5), [3, 4, 5], [4, 5]])
    expect(await stored.count(1)).toMatchObject([{ offset: 2 }])
    await running.stop()
    expect(setup.committed()).toEqual({ 'items/0': 5 })
    const headers = setup.driver
      .records('items.dead-letter')[0]!
      .headers.map(([name, value]) => `${name}=${value.toString()}`)
    expect(headers).toContain('postrider-dead-letter-error-name=RangeError')
  })

  test('after marking what is done: the first that is not marked has failed', async () => {
    await using setup = setUp({ consumer: { onFailure: 'skip', retryAttempts: 1 } })
    const batches = new Collected<number[]>()
    const rejected = setup.heard('message.rejected')
    const Items = handlingBatches((messages, context) => {
      batches.add(numbersOf(messages))
      if (messages.length === 1) return
      for (const message of messages.slice(0, 2)) context.markDone(message)
      throw new Error('no')
    })
    await setup.send(range(1, 4))
    await using _ = await setup.messaging.consumers.run([Items])
    expect(await batches.count(2)).toEqual([range(1, 4), [4]])
    expect(rejected.values).toMatchObject([{ offset: 2 }])
  })

  test('without a word: comes again message by message, so that only what fails by itself is given up', async () => {
    await using setup = setUp({ consumer: { onFailure: 'skip', retryAttempts: 3 } })
    const seen = new Collected<string>()
    const rejected = setup.heard('message.rejected')
    const Items = handlingBatches((messages) => {
      seen.add(`${numbersOf(messages).join()} #${messages[0]!.attempt}`)
      if (numbersOf(messages).includes(2)) throw new Error('no')
    })
    await setup.send(range(1, 3))
    const running = await setup.messaging.consumers.run([Items])
    expect(await seen.count(5)).toEqual(['1,2,3 #1', '1 #2', '2 #2', '2 #3', '3 #2'])
    expect(rejected.values).toMatchObject([{ offset: 1, attempts: 3 }])
    await running.stop()
    expect(setup.committed()).toEqual({ 'items/0': 3 })
  })

  test('at most once: nothing of it comes again', async () => {
    await using setup = setUp({ consumer: { onFailure: 'skip', commit: 'before' } })
    const batches = new Collected<number[]>()
    const rejected = setup.heard('message.rejected')
    const Items = handlingBatches((messages) => {
      batches.add(numbersOf(messages))
      throw new Error('no')
    })
    await setup.send(range(1, 3))
    await using _ = await setup.messaging.consumers.run([Items])
    expect((await rejected.count(3)).map(({ offset }) => offset)).toEqual([0, 1, 2])
    expect(batches.values).toEqual([[1, 2, 3]])
  })

  test('by naming an index that it does not have fails as one without a word', async () => {
    await using setup = setUp({ consumer: { onFailure: 'skip', retryAttempts: 1 } })
    const batches = new Collected<number[]>()
    const Items = handlingBatches((messages, context) => {
      batches.add(numbersOf(messages))
      if (messages.length > 1) throw context.failedAt(7, new Error('no'))
    })
    await setup.send(range(1, 2))
    await using _ = await setup.messaging.consumers.run([Items])
    expect(await batches.count(3)).toEqual([[1, 2], [1], [2]])
  })
})

test('what cannot be decoded never reaches the handler', async () => {
  await using setup = setUp({ consumer: { onFailure: 'skip' } })
  class Broken extends Sent {
    override readonly codec = 'string' as never
  }
  await setup.send([1])
  await setup.messaging.registry.send(Broken as never, '{' as never)
  await setup.send([3])
  const batches = new Collected<number[]>()
  const rejected = setup.heard('message.rejected')
  await using _ = await setup.messaging.consumers.run([handlingBatches((messages) => batches.add(numbersOf(messages)))])
  expect(await batches.count(1)).toEqual([[1, 3]])
  expect(rejected.values).toMatchObject([{ offset: 1, error: { code: 'PAYLOAD_UNDECODABLE' } }])
})

test('each: a batch is committed before the next one begins', async () => {
  await using setup = setUp({ consumer: { commit: 'each', commitIntervalMs: 100_000, maxMessages: 2 } })
  const positions = new Collected<number | undefined>()
  await setup.send(range(1, 6))
  const Items = handlingBatches(() => positions.add(setup.committed()['items/0']))
  await using _ = await setup.messaging.consumers.run([Items])
  expect(await positions.count(3)).toEqual([undefined, 2, 4])
})

test('a batch that is done is garbage for the next quick collection, not only for a full one', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void
  await using setup = setUp({ consumer: { maxMessages: 1 } })
  const [batches, kilobytes] = [500, 16]
  const seen = new Collected<number>()
  const Items = handlingBatches((messages) => {
    Object.assign(messages[0]!, { ballast: Array.from({ length: kilobytes * 128 }, (_, index) => index) })
    seen.add(0)
    if (seen.values.length % 50 === 0) collect({ type: 'minor' })
  })
  await setup.send(range(1, batches))
  collect({ type: 'major' })
  const before = process.memoryUsage().heapUsed
  await using _ = await setup.messaging.consumers.run([Items])
  await seen.count(batches)
  for (let twice = 0; twice < 2; twice++) collect({ type: 'minor' })
  expect(process.memoryUsage().heapUsed - before).toBeLessThan((batches * kilobytes * 1024) / 2)
})
