import { expect, test } from 'vitest'
import { noMember } from '../../../src/driver/platformatic/membership.ts'

test('who reads without a group says so to the coordinator', () => {
  expect(noMember).toEqual({ memberId: '', generation: -1 })
})
