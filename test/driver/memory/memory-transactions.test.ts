import { expect, test } from 'vitest'
import { MemoryTransactions } from '../../../src/driver/memory/memory-transactions.ts'

test('what is stored in a transaction is seen after its commit, never after its abort', async () => {
  const uncommitted = new Set<string>()
  const transactions = new MemoryTransactions(uncommitted)
  const store = (record: string): void => {
    uncommitted.add(record)
    transactions.records.push(record)
  }
  await transactions.begin()
  store('aborted')
  await transactions.abort()
  await transactions.begin()
  store('committed')
  expect([...uncommitted]).toEqual(['aborted', 'committed'])
  await transactions.commit()
  expect([...uncommitted]).toEqual(['aborted'])
})

test('calls out of order are refused', async () => {
  const transactions = new MemoryTransactions(new Set())
  expect(transactions.refusal()).toMatchObject({ code: 'TRANSACTION_INVALID' })
  expect(await transactions.commit()).toMatchObject({ code: 'TRANSACTION_INVALID' })
  expect(await transactions.begin()).toBeUndefined()
  expect(transactions.refusal()).toBeUndefined()
  expect(await transactions.begin()).toMatchObject({ code: 'TRANSACTION_INVALID' })
  expect(await transactions.sendOffsets()).toBeUndefined()
})

test('a fenced client can do nothing any more', async () => {
  const transactions = new MemoryTransactions(new Set())
  await transactions.begin()
  transactions.fence()
  for (const failure of [transactions.refusal(), await transactions.commit(), await transactions.begin()])
    expect(failure).toMatchObject({ code: 'PRODUCER_FENCED', fatal: true })
})
