import { expect, test } from 'vitest'
import type { ClientTransaction } from '../../src/factory/transaction.ts'
import { TransactionLanes } from '../../src/registry/transaction-lanes.ts'
import type { Transactions } from '../../src/registry/transactions.ts'

const transaction = {} as ClientTransaction

function create() {
  const calls: string[] = []
  const lanes = new TransactionLanes((lane) => {
    calls.push(`make ${lane}`)
    return {
      prepare: async () => void calls.push(`prepare ${lane}`),
      run: async (work: (given: ClientTransaction) => Promise<void>) => {
        calls.push(`run ${lane}`)
        await work(transaction)
      },
      ended: () => Promise.resolve(),
      letGo: () => void calls.push(`let go ${lane}`),
    } as unknown as Transactions
  })
  return { lanes, calls }
}

test('one that is free is used again; another is made only while all are in use', async () => {
  const { lanes, calls } = create()
  await lanes.run(() => lanes.run(() => Promise.resolve()))
  await lanes.run(() => Promise.resolve())
  expect(calls).toEqual(['make 0', 'run 0', 'make 1', 'run 1', 'run 0'])
})

test('so many as are asked for are prepared, and all that there are; the first one is used first', async () => {
  const { lanes, calls } = create()
  await lanes.prepare(2)
  await lanes.prepare()
  await lanes.run(() => Promise.resolve())
  expect(calls).toEqual(['make 0', 'make 1', 'prepare 0', 'prepare 1', 'prepare 0', 'prepare 1', 'run 0'])
})

test('one whose transaction failed is used again', async () => {
  const { lanes, calls } = create()
  await expect(lanes.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(lanes.isBusy).toBe(false)
  await lanes.run(() => Promise.resolve())
  expect(calls).toEqual(['make 0', 'run 0', 'run 0'])
})

test('close lets go of those that nobody uses', async () => {
  const { lanes, calls } = create()
  await lanes.run(() => lanes.run(() => Promise.resolve()))
  await lanes.run(async () => {
    expect(lanes.isBusy).toBe(true)
    await lanes.close()
  })
  expect(calls.slice(-1)).toEqual(['let go 1'])
})
