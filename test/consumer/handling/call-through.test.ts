import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import { callThrough } from '../../../src/consumer/handling/call-through.ts'
import type { ConsumeMiddleware, HandlerContext } from '../../../src/index.ts'
import { catchError } from '../../catch-error.ts'
import { Collected, handling, handlingBatches, numberOf, numbersOf, range, setUp } from '../consume.ts'

const context = {} as HandlerContext
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('middleware', () => {
  test('goes around the handler, the first outermost', async () => {
    const order: string[] = []
    const named =
      (name: string): ConsumeMiddleware =>
      async (_messages, _context, next) => {
        order.push(`before ${name}`)
        await next()
        order.push(`after ${name}`)
      }
    await callThrough([named('a'), named('b')], [], context, () => order.push('handler'))
    expect(order).toEqual(['before a', 'before b', 'handler', 'after b', 'after a'])
  })

  test('that does not wait for the rest is waited for all the same, and hides no failure', async () => {
    let isDone = false
    const hasty: ConsumeMiddleware = (_messages, _context, next) => void next()
    await callThrough([hasty], [], context, async () => {
      await turn()
      isDone = true
    })
    expect(isDone).toBe(true)
    const failing = callThrough([hasty], [], context, () => turn().then(() => Promise.reject(new Error('no'))))
    await expect(failing).rejects.toThrow('no')
  })

  test('that catches what the handler throws decides that the message is done', async () => {
    const catching: ConsumeMiddleware = async (_messages, _context, next) => {
      await next().catch(() => undefined)
    }
    await callThrough([catching], [], context, () => Promise.reject(new Error('no')))
  })
})

describe('consumers.use', () => {
  test('is for all or for one, for messages and batches, until it is taken out; its context is that of the handler', async () => {
    await using setup = setUp({ consumer: { maxMessages: 2 } })
    const { consumers } = setup.messaging
    const store = new AsyncLocalStorage<string>()
    const seen = new Collected<string>()
    const Items = handling((message) => seen.add(`${numberOf(message)} in ${store.getStore()}`))
    const Batches = class Batches extends handlingBatches(
      (messages) => {
        seen.add(`${numbersOf(messages).join()} in ${store.getStore()}`)
      },
      { group: 'h' },
    ) {}
    const stop = consumers.use((messages, { manifest }, next) => store.run(`${manifest} ${messages.length}`, next))
    consumers.use(Items, async ([message], _context, next) => {
      if (message!.offset !== 1) await next()
    })
    await setup.send(range(1, 2))
    await using _ = await consumers.run([Items, Batches])
    await seen.count(2)
    expect(seen.values.toSorted((a, b) => a.localeCompare(b))).toEqual(['1 in Items 1', '1,2 in Batches 2'])
    stop()
    await setup.send([3])
    expect((await seen.count(4)).slice(2).toSorted((a, b) => a.localeCompare(b))).toEqual([
      '3 in undefined',
      '3 in undefined',
    ])
  })

  test('that throws fails the message', async () => {
    await using setup = setUp({ consumer: { retryAttempts: 1 } })
    const stored = setup.heard('message.dead_lettered')
    setup.messaging.consumers.use(() => {
      throw new Error('refused')
    })
    await setup.send([1])
    await using _ = await setup.messaging.consumers.run([handling(() => undefined)])
    await stored.count(1)
  })

  test('refuses what is no function', () => {
    const setup = setUp()
    expect(catchError(() => setup.messaging.consumers.use('x' as never)).code).toBe('INPUT_INVALID')
    expect(catchError(() => setup.messaging.consumers.use('x' as never, () => undefined)).code).toBe('CONSUMER_UNKNOWN')
  })
})
