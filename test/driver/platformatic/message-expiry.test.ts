import { describe, expect, onTestFinished, test } from 'vitest'
import { startSender, type Request } from './start-sender.ts'

describe('messages whose time is over', () => {
  test('what was never on the wire was not sent when its time is over', async () => {
    const { send, closed } = startSender({ deliveryTimeoutMs: 50 })
    closed.add(1)
    const { failure } = await send('a')
    expect(failure).toMatchObject({ code: 'DELIVERY_TIMED_OUT', outcome: 'not_sent' })
    expect(failure?.reason).toContain('last: refused')
  })

  test('a refusal that outlives the delivery timeout says that nothing was stored', async () => {
    const { send, next, requests } = startSender({ deliveryTimeoutMs: 300 })
    const sent = send('a')
    const refuse = (request: Request): void => request.answer({ 'orders/0': { error: 19 } })
    refuse(await next())
    const watching = setInterval(() => requests.splice(0).forEach(refuse), 5)
    onTestFinished(() => clearInterval(watching))
    const { failure } = await sent
    expect(failure).toMatchObject({ code: 'DELIVERY_TIMED_OUT', outcome: 'rejected' })
    expect(failure?.reason).toContain('NOT_ENOUGH_REPLICAS')
  })
})
