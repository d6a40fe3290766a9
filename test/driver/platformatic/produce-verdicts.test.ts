import { describe, expect, test } from 'vitest'
import { startSender, texts } from './start-sender.ts'

describe('what brokers refuse', () => {
  test('of a batch that is too large all that is not is stored', async () => {
    const { send, next } = startSender()
    const sent = ['a', 'b', 'large', 'c'].map((text) => send(text))
    const asked: (string[] | undefined)[] = []
    let offset = 0
    for (;;) {
      const request = await next()
      const batch = request.batches['orders/0']!
      asked.push(texts(batch) as string[])
      if (texts(batch)!.includes('large')) request.answer({ 'orders/0': { error: 10 } })
      else {
        request.answer({ 'orders/0': { offset } })
        offset += batch.records.length
      }
      if (offset === 3) break
    }
    expect(asked).toEqual([['a', 'b', 'large', 'c'], ['a', 'b'], ['large', 'c'], ['large'], ['c']])
    const settled = await Promise.all(sent)
    expect(settled.map(({ failure, offset }) => failure?.code ?? offset)).toEqual([0, 1, 'MESSAGE_TOO_LARGE', 2])
    expect(settled[2]!.failure).toMatchObject({ outcome: 'rejected', driverCode: 10 })
  })

  test('records that the broker names fail, their neighbours go again', async () => {
    const { send, next } = startSender()
    const sent = ['a', 'bad', 'b'].map((text) => send(text))
    ;(await next()).answer({ 'orders/0': { error: 87, blamed: [1] } })
    const again = await next()
    expect(texts(again.batches['orders/0'])).toEqual(['a', 'b'])
    expect(again.batches['orders/0']!.records.map(({ offsetDelta }) => offsetDelta)).toEqual([0, 1])
    again.answer({ 'orders/0': { offset: 5 } })
    const settled = await Promise.all(sent)
    expect(settled.map(({ failure, offset }) => failure?.code ?? offset)).toEqual([5, 'BROKER_REJECTED', 6])
  })

  test('another leader gets what the old one refuses', async () => {
    const { send, next, metadata } = startSender()
    const sent = send('a')
    const first = await next()
    metadata.set('orders', { errorCode: 0, leaders: [2, 1, 2] })
    first.answer({ 'orders/0': { error: 6 } })
    const second = await next()
    expect(second.nodeId).toBe(2)
    second.answer({ 'orders/0': { offset: 0 } })
    expect(await sent).toMatchObject({ failure: null })
  })

  test('one partition’s trouble is not its neighbour’s', async () => {
    const { send, next } = startSender()
    const [bad, good] = [send('a', { partition: 0 }), send('b', { partition: 1 })]
    ;(await next()).answer({ 'orders/0': { error: 29 }, 'orders/1': { offset: 2 } })
    expect(await bad).toMatchObject({ failure: { code: 'AUTHORIZATION_DENIED' } })
    expect(await good).toMatchObject({ failure: null, offset: 2 })
  })
})
