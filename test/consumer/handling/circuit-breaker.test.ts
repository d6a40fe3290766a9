import { expect, test } from 'vitest'
import { CircuitBreaker } from '../../../src/consumer/handling/circuit-breaker.ts'
import { eventually } from '../../eventually.ts'
import { Collected, handling, range, setUp } from '../consume.ts'

test('opens at so many failures in a row, and again with the next one, until something succeeds', () => {
  const breaker = new CircuitBreaker(3)
  expect([breaker.failed(), breaker.failed(), breaker.failed(), breaker.failed()]).toEqual([false, false, true, true])
  breaker.succeeded()
  expect([breaker.failed(), breaker.failed(), breaker.failed()]).toEqual([false, false, true])
})

test('at 0 it never opens', () => {
  const breaker = new CircuitBreaker(0)
  expect(range(1, 100).some(() => breaker.failed())).toBe(false)
})

test('holds the whole consumer back, and lets it go on after its time', async () => {
  await using setup = setUp({
    consumer: { breakerFailures: 2, breakerPauseMs: 20, onFailure: 'skip', retryAttempts: 1 },
  })
  const paused = setup.heard('partition.paused')
  const resumed = setup.heard('partition.resumed')
  const seen = new Collected<number>()
  const Items = handling(({ offset }) => {
    seen.add(offset)
    throw new Error('down')
  })
  await setup.send(range(1, 3))
  await using _ = await setup.messaging.consumers.run([Items])
  expect(await paused.count(1)).toMatchObject([
    { owner: 'breaker', reason: '2 attempts in a row failed', partition: -1, topic: 'items' },
  ])
  expect(seen.values).toEqual([0, 1])
  expect(await resumed.count(1)).toMatchObject([{ owner: 'breaker' }])
  await seen.count(3)
})

test('an open breaker, and an operator, hold back further attempts of a message, too', async () => {
  await using setup = setUp({ consumer: { retryAttempts: 10, breakerFailures: 2, breakerPauseMs: 3_600_000 } })
  const failed = setup.heard('attempt.failed')
  const attempts = new Collected<number>()
  const Items = handling((message) => {
    attempts.add(message.attempt)
    throw new Error('the API is down')
  })
  await setup.send([1])
  const running = await setup.messaging.consumers.run([Items])
  await failed.count(2)
  const waits = () => running.health().consumers[0]!.partitions[0]!.pauses
  await eventually(() => expect(waits()).toEqual([]))
  expect(attempts.values).toEqual([1, 2])
  running.pause(Items, 'until it is up again')
  running.resume(Items)
  expect(await attempts.count(3)).toEqual([1, 2, 3])
  await running.stop({ timeoutMs: 0 })
})
