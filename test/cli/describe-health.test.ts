import { expect, test } from 'vitest'
import { describeHealth } from '../../src/cli/describe-health.ts'
import type { ConsumerHealth, ConsumersHealth, PartitionHealth } from '../../src/index.ts'

const partition: PartitionHealth = {
  topic: 'orders',
  partition: 0,
  position: 12,
  committed: 10,
  lag: 3,
  buffered: 2,
  heldBytes: 0,
  isRunning: false,
  handlingMs: undefined,
  idleMs: 1_500,
  pauses: [],
}
const consumer: ConsumerHealth = {
  manifest: 'Bills',
  group: 'billing',
  handled: 12,
  rejected: 1,
  deferred: 2,
  deduplicated: 0,
  deadLettered: 1,
  pauses: [],
  lastError: undefined,
  partitions: [partition],
}
const health: ConsumersHealth = { state: 'running', isAlive: true, isReady: true, problems: [], consumers: [consumer] }

test('says in a line each what runs and how far it is', () => {
  expect(describeHealth(health)).toBe(
    'running: alive, ready\n' +
      'Bills (group billing): 12 handled, 2 put off, 1 rejected, 1 dead letters\n' +
      '  orders/0: position 12, committed 10, lag 3, 2 buffered, idle for 1 s\n',
  )
})

test('says what is wrong, what is held back by whom and how long, and what is running', () => {
  const since = 1_000_000
  const pauses = [
    { owner: 'operator', reason: 'look at it', since, until: undefined, ageMs: 119_000 },
    { owner: 'breaker', reason: '5 attempts in a row failed', since, until: since + 600_000, ageMs: 120_000 },
  ] as const
  const partitions: PartitionHealth[] = [
    { ...partition, pauses, isRunning: true },
    { ...partition, partition: 1, position: undefined, lag: undefined, isRunning: true, handlingMs: 7_200_000 },
  ]
  const lastError = { code: 'HANDLER_FAILED', message: 'it threw Error.' } as const
  const consumers = [{ ...consumer, lastError, pauses: pauses.slice(1), partitions }]
  expect(describeHealth({ ...health, isAlive: false, isReady: false, problems: ['Nobody polls.'], consumers })).toBe(
    `running: NOT ALIVE, not ready
  Nobody polls.
Bills (group billing): 12 handled, 2 put off, 1 rejected, 1 dead letters
  last error: HANDLER_FAILED: it threw Error.
  held back by breaker since 2 min, for another 8 min: 5 attempts in a row failed
  orders/0: position 12, committed 10, lag 3, 2 buffered, waits for 1 s
    held back by operator since 119 s, until it is resumed: look at it
    held back by breaker since 2 min, for another 8 min: 5 attempts in a row failed
  orders/1: position -, committed 10, lag -, 2 buffered, handles for 2 h
`,
  )
})

test('of several consumers one may be named; one without a group has none', () => {
  const consumers = [consumer, { ...consumer, manifest: 'Mails', group: '', partitions: [] }]
  expect(describeHealth({ ...health, consumers }, 'Mails')).toBe(
    'running: alive, ready\nMails: 12 handled, 2 put off, 1 rejected, 1 dead letters\n',
  )
})

test('nothing of it steers a terminal', () => {
  const pauses = [{ owner: 'handler', reason: 'a\u001B[2Jb\n', since: 0, until: undefined, ageMs: 0 }] as const
  expect(describeHealth({ ...health, consumers: [{ ...consumer, pauses }] })).toContain(': a?[2Jb?\n')
})
