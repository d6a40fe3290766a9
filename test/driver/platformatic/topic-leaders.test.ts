import { describe, expect, test } from 'vitest'
import { startSender, texts } from './start-sender.ts'

describe('topics that are not there', () => {
  test('a topic that stays missing is an error, and the next message asks again', async () => {
    const { send, next, metadata } = startSender()
    const gone = { errorCode: 3, leaders: [] }
    metadata.set('late', gone)
    expect(await send('a', { topic: 'late' })).toMatchObject({
      failure: { code: 'TOPIC_NOT_FOUND', outcome: 'not_sent', driverCode: 3 },
    })
    metadata.set('late', { errorCode: 0, leaders: [1] })
    void send('b', { topic: 'late' })
    expect(texts((await next()).batches['late/0'])).toEqual(['b'])
  })

  test('a topic that appears in time gets what waited, in order', async () => {
    const { send, next, metadata } = startSender({}, 60_000)
    metadata.set('late', { errorCode: 3, leaders: [] })
    void Promise.all(['a', 'b', 'c'].map((text) => send(text, { topic: 'late' })))
    await new Promise(setImmediate)
    metadata.set('late', { errorCode: 0, leaders: [1] })
    expect(texts((await next()).batches['late/0'])).toEqual(['a', 'b', 'c'])
  })

  test.each([
    ['one may not write to', 29, 'AUTHORIZATION_DENIED'],
    ['cannot have such a name', 17, 'TOPIC_INVALID'],
    ['may not be made as it would be', 44, 'TOPIC_INVALID'],
    ['is asked for in a way that the broker does not take', 42, 'BROKER_REJECTED'],
  ])('a topic that %s is an error at once (%d)', async (_what, errorCode, code) => {
    const { send, metadata } = startSender({}, 60_000)
    metadata.set('secret', { errorCode, leaders: [] })
    expect(await send('a', { topic: 'secret' })).toMatchObject({ failure: { code, outcome: 'not_sent' } })
  })

  test.each([5, 38])('what may pass is waited for (%d)', async (errorCode) => {
    const { send, next, metadata } = startSender({}, 60_000)
    metadata.set('late', { errorCode, leaders: [] })
    void send('a', { topic: 'late' })
    await new Promise(setImmediate)
    metadata.set('late', { errorCode: 0, leaders: [1] })
    expect(texts((await next()).batches['late/0'])).toEqual(['a'])
  })

  test('a partition is refused only after asking whether it was added', async () => {
    const { send, next, metadata } = startSender()
    void send('first')
    await next()
    const refused = send('a', { partition: 5 })
    expect(await refused).toMatchObject({ failure: { code: 'PARTITION_NOT_FOUND', outcome: 'not_sent' } })
    metadata.set('orders', { errorCode: 0, leaders: [1, 1, 2, 1, 1, 1] })
    void send('b', { partition: 5 })
    expect(texts((await next()).batches['orders/5'])).toEqual(['b'])
  })
})
