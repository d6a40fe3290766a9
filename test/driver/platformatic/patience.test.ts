import { expect, test } from 'vitest'
import type { DriverFailureCode } from '../../../src/driver/driver.ts'
import { FailedRequest } from '../../../src/driver/platformatic/failed-request.ts'
import { withPatience, type Patience } from '../../../src/driver/platformatic/patience.ts'

function patience(timeoutMs: number, signal = new AbortController().signal): Patience {
  return { timeoutMs, signal, cluster: { failureOf: (error) => (error as FailedRequest).failure } }
}

function failing(code: DriverFailureCode, times: number) {
  let attempts = 0
  return {
    attempt: () => {
      attempts++
      return attempts > times ? Promise.resolve('done') : Promise.reject(new FailedRequest({ code, reason: code }))
    },
    count: () => attempts,
  }
}

test('what may pass is tried again', async () => {
  const { attempt, count } = failing('BROKER_UNAVAILABLE', 2)
  expect(await withPatience(patience(60_000), attempt)).toBe('done')
  expect(count()).toBe(3)
})

test('what is final is not, and neither is anything once the time is over or nobody wants it', async () => {
  const final = failing('AUTHORIZATION_DENIED', 9)
  await expect(withPatience(patience(60_000), final.attempt)).rejects.toThrow('AUTHORIZATION_DENIED')
  const late = failing('BROKERS_UNREACHABLE', 9)
  await expect(withPatience(patience(0), late.attempt)).rejects.toThrow('BROKERS_UNREACHABLE')
  const unwanted = failing('BROKERS_UNREACHABLE', 9)
  await expect(withPatience(patience(60_000, AbortSignal.abort()), unwanted.attempt)).rejects.toThrow()
  expect([final.count(), late.count(), unwanted.count()]).toEqual([1, 1, 1])
})
