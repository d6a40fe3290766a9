import { describe, expect, test } from 'vitest'
import { holdTime, startSender } from './start-sender.ts'

describe('messages whose time is over', () => {
  test('what was never on the wire was not sent when its time is over', async () => {
    const pass = holdTime()
    const { send, closed } = startSender({ deliveryTimeoutMs: 50 })
    closed.add(1)
    const sent = send('a')
    // Its leader is asked for, then it is refused.
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    pass(50)
    const { failure } = await sent
    expect(failure).toMatchObject({ code: 'DELIVERY_TIMED_OUT', outcome: 'not_sent' })
    expect(failure?.reason).toContain('last: refused')
  })

  test('a refusal that outlives the delivery timeout says that nothing was stored', async () => {
    const pass = holdTime()
    const { send, next } = startSender({ deliveryTimeoutMs: 300 })
    const sent = send('a')
    const refusal = { 'orders/0': { error: 19 } }
    ;(await next()).answer(refusal)
    pass(100)
    ;(await next()).answer(refusal)
    pass(200)
    const { failure } = await sent
    expect(failure).toMatchObject({ code: 'DELIVERY_TIMED_OUT', outcome: 'rejected' })
    expect(failure?.reason).toContain('NOT_ENOUGH_REPLICAS')
  })
})
