import { expect, test } from 'vitest'
import type { ConsumerConfig, MessagingConfig } from '../../src/config/fields.ts'
import { prepareTransactions } from '../../src/consumer/transaction-runners.ts'
import type { ConsumerPlan } from '../../src/factory/create-consumer-plan.ts'
import type { SharedParts } from '../../src/factory/shared-parts.ts'

const planOf = (config: Partial<ConsumerConfig>): ConsumerPlan =>
  ({ name: 'Bill', group: 'billing', config: { commit: 'transaction', concurrency: 4, ...config } }) as ConsumerPlan

async function prepare(config: Partial<ConsumerConfig>, transactionalId?: string): Promise<string[]> {
  const asked: string[] = []
  const shared = {
    instance: '7-abc',
    transactionsOf: (id: string, overrides: object) => ({
      prepare: async (clients: number) => void asked.push(`${id} ${clients} ${JSON.stringify(overrides)}`),
    }),
  }
  const plan = planOf(config)
  const messaging = { transactionalId } as MessagingConfig
  const runners = await prepareTransactions([plan], messaging, shared as unknown as SharedParts, { acks: 'all' })
  expect(runners.has(plan)).toBe(asked.length > 0)
  return asked
}

test('an identity that is the same after a restart is taken over for as many as there may be at a time', async () => {
  expect(await prepare({}, 'shop-1')).toEqual(['shop-1.Bill 4 {"acks":"all"}'])
  expect(await prepare({ instanceId: 'pod-0', concurrency: 2 })).toEqual(['billing.Bill.pod-0 2 {"acks":"all"}'])
})

test('where nothing is, the one of this process has left nothing open', async () => {
  expect(await prepare({})).toEqual(['billing.Bill.7-abc 1 {"acks":"all"}'])
})

test('consumers that commit otherwise have none', async () => {
  expect(await prepare({ commit: 'each' }, 'shop-1')).toEqual([])
})
