import { expect, test } from 'vitest'
import { planGroups } from '../../src/consumer/plan-groups.ts'
import type { ConsumerPlan } from '../../src/factory/create-consumer-plan.ts'
import { catchError } from '../catch-error.ts'

const plan = (name: string, group: string, topics: readonly (string | RegExp)[], config: object = {}): ConsumerPlan =>
  ({ name, group, topics, subscription: topics, config, partitions: undefined }) as unknown as ConsumerPlan
const direct = (name: string, group: string, topics: readonly string[], config: object = {}): ConsumerPlan => ({
  ...plan(name, group, topics, config),
  partitions: new Map(topics.map((topic) => [topic, 'all'])),
})

test('consumers of one group are together', () => {
  const plans = [plan('A', 'g', ['a']), plan('B', 'h', ['a']), plan('C', 'g', ['c', /^d/])]
  expect(planGroups(plans)).toEqual([
    { group: 'g', consumers: [plans[0], plans[2]] },
    { group: 'h', consumers: [plans[1]] },
  ])
})

test('who names partitions has a client for itself, whatever the settings of others; without a group topics may be the same', () => {
  const plans = [direct('A', 'g', ['a'], { isolation: 'committed' }), direct('B', 'g', ['b']), direct('C', '', ['a'])]
  plans.push(direct('D', '', ['a']))
  expect(planGroups(plans)).toEqual(plans.map((each) => ({ group: each.group, consumers: [each] })))
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
  [
    'partitions of a group that another joins',
    [plan('A', 'g', ['a']), direct('B', 'g', ['b'])],
    /B: partitions need a group of their own: A joins g/,
  ],
  [
    'partitions of a group that another joins, the other way round',
    [direct('A', 'g', ['a']), plan('B', 'g', ['b'])],
    /A: partitions need a group of their own: B joins g/,
  ],
  ['a topic twice with partitions', [direct('A', 'g', ['a']), direct('B', 'g', ['a'])], /B: topic a is read by A/],
])('%s is refused', (_name, plans, message) => {
  expect(catchError(() => planGroups(plans))).toMatchObject({
    code: 'MANIFEST_INVALID',
    message: expect.stringMatching(message),
  })
})
