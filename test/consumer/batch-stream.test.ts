import { describe, expect, test } from 'vitest'
import { ConsumerManifest, createMessaging, ProducerManifest } from '../../src/index.ts'
import { catchRejection } from '../catch-error.ts'
import { numbersOf, range, setUp, type Item } from './consume.ts'

class Items extends ConsumerManifest<Item> {
  override readonly topic = 'items'
  override readonly maxMessages = 2
}

describe('a stream', () => {
  test('gives batches in order, and commits what it is told to', async () => {
    await using setup = setUp()
    await setup.send(range(1, 6))
    const pulled: number[][] = []
    for await (const batch of setup.messaging.consumers.stream(Items)) {
      pulled.push(numbersOf(batch.messages))
      if (pulled.length === 2) await batch.commit(batch.messages[0])
      else await batch.commit()
      if (pulled.length === 2) break
    }
    expect(pulled).toEqual([
      [1, 2],
      [3, 4],
    ])
    expect(setup.committed()).toEqual({ 'items/0': 3 })
    expect(setup.driver.openClients).toBe(1)
  })

  test('commits as part of a transaction, and not where that is aborted', async () => {
    await using setup = setUp({ transactionalId: 'shop-1' })
    class Doubled extends ProducerManifest<Item> {
      override readonly topic = 'doubled'
    }
    const { registry, consumers } = setup.messaging
    await setup.send(range(1, 6))
    const inside: unknown[] = []
    let pulled = 0
    for await (const batch of consumers.stream(Items)) {
      pulled++
      const done = registry.transaction(async (tx) => {
        await tx.sendMany(
          Doubled,
          numbersOf(batch.messages).map((n) => ({ n: 2 * n })),
        )
        await batch.commitIn(tx)
        inside.push(setup.committed())
        if (pulled === 2) throw new Error('aborted')
      })
      if (pulled < 3) await done.catch(() => undefined)
      // Of the one before nothing was committed, so that it can still be passed over.
      if (pulled === 2) await batch.commit(batch.messages[0])
      if (pulled === 3) {
        await done
        break
      }
    }
    expect(inside).toEqual([{}, { 'items/0': 2 }, { 'items/0': 3 }])
    expect(setup.committed()).toEqual({ 'items/0': 6 })
    expect(setup.driver.records('doubled')).toHaveLength(4)
  })

  test('commits nothing by itself, so that what was pulled comes again', async () => {
    await using setup = setUp()
    await setup.send(range(1, 2))
    for (const _ of [1, 2]) {
      for await (const batch of setup.messaging.consumers.stream(Items)) {
        expect(numbersOf(batch.messages)).toEqual([1, 2])
        break
      }
    }
    expect(setup.committed()).toEqual({})
  })

  test('ends when its instance is closed', async () => {
    await using setup = setUp()
    await setup.send(range(1, 6))
    let batches = 0
    let closed: Promise<void> | undefined
    for await (const batch of setup.messaging.consumers.stream(Items)) {
      expect(batch.partition).toBe(0)
      batches++
      closed ??= setup.messaging.close()
    }
    await closed
    expect(batches).toBe(1)
  })

  test('that cannot start says so to who pulls', async () => {
    const messaging = createMessaging({ driver: 'memory' }, {})
    const stream = messaging.consumers.stream(Items)
    expect(await catchRejection(stream[Symbol.asyncIterator]().next())).toMatchObject({ code: 'CONFIG_MISSING' })
    await stream.stop()
  })

  test('that is stopped before it was pulled from never starts', async () => {
    await using setup = setUp()
    const stream = setup.messaging.consumers.stream(Items)
    await stream.stop()
    for await (const _ of stream) throw new Error('there is nothing to pull')
    expect(setup.driver.openClients).toBe(0)
  })
})
