import { expect, test } from 'vitest'
import { planGroups } from '../../src/consumer/plan-groups.ts'
import type { ConsumerPlan } from '../../src/factory/create-consumer-plan.ts'
import { catchError } from '../catch-error.ts'

const plan = (name: string, group: string, topics: readonly (string | RegExp)[], config: object = {}): ConsumerPlan =>
  ({ name, group, topics, config }) as unknown as ConsumerPlan

test('consumers of one group are together', () => {
  const plans = [plan('A', 'g', ['a']), plan('B', 'h', ['a']), plan('C', 'g', ['c', /^d/])]
  expect([...planGroups(plans)]).toEqual([
    ['g', [plans[0], plans[2]]],
    ['h', [plans[1]]],
  ])
})

test.each([
  ['a name twice', [plan('A', 'g', ['a']), plan('A', 'h', ['b'])], /A: manifestName is given twice/],
  ['a topic twice', [plan('A', 'g', ['a']), plan('B', 'g', ['a'])], /B: topic a is read by A of the same group/],
  ['a pattern twice', [plan('A', 'g', [/^a/]), plan('B', 'g', [/^a/])], /B: topic \/\^a\/ is read by A/],
  [
    'other settings of the membership',
    [plan('A', 'g', ['a']), plan('B', 'g', ['b'], { protocol: 'consumer' })],
    /B: protocol must be as in A/,
  ],
])('%s is refused', (_name, plans, message) => {
  expect(catchError(() => planGroups(plans))).toMatchObject({
    code: 'MANIFEST_INVALID',
    message: expect.stringMatching(message),
  })
})
