import { expect, test } from 'vitest'
import type { VariantTransaction } from '../../src/registry/producer-entries.ts'
import { TransactionIdentities } from '../../src/registry/transaction-identities.ts'
import type { Transactions } from '../../src/registry/transactions.ts'

function create() {
  const made: VariantTransaction[] = []
  const running = new Set<unknown>()
  const identities = new TransactionIdentities((identity) => {
    made.push(identity)
    const transactions = {
      isBusy: false,
      run: (work: () => Promise<void>) => {
        const run = work().finally(() => running.delete(run))
        running.add(run)
        return run
      },
      ended: async () => void (await Promise.all(running)),
    }
    return transactions as unknown as Transactions
  })
  return { identities, made }
}

test('those of consumers have names of their own, numbered, and are the same for who asks again', async () => {
  const { identities, made } = create()
  const runner = identities.of('billing', { maxMessageBytes: 5 })
  await runner.run(() => runner.run(() => Promise.resolve()))
  expect(identities.of('billing', { maxMessageBytes: 5 })).toBe(runner)
  const overrides = { maxMessageBytes: 5 }
  expect(made).toEqual([{}, { id: 'billing.0', overrides }, { id: 'billing.1', overrides }])
})

test('it is busy while one of them is open, and has ended when all have', async () => {
  const { identities } = create()
  const goOn = Promise.withResolvers<void>()
  const open = identities.of('billing').run(() => goOn.promise)
  expect(identities.isBusy).toBe(true)
  let hasEnded = false
  const ended = identities.ended().then(() => (hasEnded = true))
  await new Promise(setImmediate)
  expect(hasEnded).toBe(false)
  goOn.resolve()
  await Promise.all([open, ended])
  expect(identities.isBusy).toBe(false)
})
