import { expect, test } from 'vitest'
import { nameOf, noMember } from '../../../src/driver/platformatic/membership.ts'

test('who reads without a group says so to the coordinator', () => {
  expect(noMember).toEqual({ memberId: '', generation: -1 })
})

test('a partition is named by topic and number', () => {
  expect(nameOf({ topic: 'orders', partition: 3 })).toBe('orders/3')
})
