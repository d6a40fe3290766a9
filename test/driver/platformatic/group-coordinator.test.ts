import { expect, test } from 'vitest'
import type { BrokerConnection } from '../../../src/driver/platformatic/broker-connection.ts'
import { normalizeProtocolError } from '../../../src/driver/platformatic/classify.ts'
import { GroupCoordinator } from '../../../src/driver/platformatic/group-coordinator.ts'
import { loadPlatformaticModule } from '../../../src/driver/platformatic/platformatic-module.ts'
import { failureOf } from './fake-coordinator.ts'

const library = await loadPlatformaticModule()

function createCoordinator(answer: (name: string) => unknown) {
  const asked: string[] = []
  const connection = (nodeId: number): BrokerConnection =>
    ({
      answer: async (name: string) => {
        asked.push(`${nodeId} ${name}`)
        return answer(name)
      },
    }) as unknown as BrokerConnection
  const coordinator = new GroupCoordinator({
    group: 'billing',
    timeoutMs: 60_000,
    signal: new AbortController().signal,
    cluster: {
      any: () => Promise.resolve(connection(0)),
      reach: (nodeId) => Promise.resolve(connection(nodeId)),
      openAnother: (nodeId, requestTimeoutMs) => {
        asked.push(`${nodeId} another for ${requestTimeoutMs}`)
        return Promise.resolve(connection(nodeId))
      },
      failureOf,
      failureOfNumber: (number, detail) => normalizeProtocolError(library, number, detail),
    },
  })
  return { coordinator, asked }
}

const found = (nodeId: number, errorCode = 0): unknown => ({
  coordinators: [{ nodeId, errorCode, errorMessage: null }],
})

test('is asked for once, until there is doubt', async () => {
  const { coordinator, asked } = createCoordinator((name) => (name === 'FindCoordinator' ? found(7) : 'yes'))
  expect(await coordinator.answer('Heartbeat')).toBe('yes')
  await coordinator.open(500)
  expect(asked).toEqual(['0 FindCoordinator', '7 Heartbeat', '7 another for 500'])
  expect(() => coordinator.check(16)).toThrow('NOT_COORDINATOR')
  await coordinator.answer('Heartbeat')
  expect(asked.slice(3)).toEqual(['0 FindCoordinator', '7 Heartbeat'])
  coordinator.check(0)
})

test('tells what the group has committed, in the order of the question, whatever the version of the answer', async () => {
  const topics = [
    {
      name: 'b',
      partitions: [{ partitionIndex: 1, committedOffset: 5n, metadata: 'half', errorCode: 0 }],
    },
    { name: 'a', partitions: [{ partitionIndex: 0, committedOffset: -1n, metadata: '', errorCode: 0 }] },
  ]
  const partitions = [
    { topic: 'a', partition: 0 },
    { topic: 'b', partition: 1 },
  ]
  const expected = [
    { topic: 'a', partition: 0, offset: -1, metadata: undefined },
    { topic: 'b', partition: 1, offset: 5, metadata: 'half' },
  ]
  for (const answer of [{ groups: [{ topics, errorCode: 0 }] }, { groups: [], topics, errorCode: 0 }]) {
    const { coordinator } = createCoordinator((name) => (name === 'FindCoordinator' ? found(1) : answer))
    expect(await coordinator.committed(partitions)).toEqual(expected)
  }
  const { coordinator, asked } = createCoordinator(() => undefined)
  expect(await coordinator.committed([])).toEqual([])
  expect(asked).toEqual([])
})

test('waits for an offset that a transaction is about to commit, and for a coordinator that starts', async () => {
  let answers = 0
  const partition = { partitionIndex: 0, committedOffset: 3n, metadata: null }
  const { coordinator } = createCoordinator((name) => {
    answers++
    if (name === 'FindCoordinator') return found(1, answers === 1 ? 15 : 0)
    return {
      groups: [
        { topics: [{ name: 'a', partitions: [{ ...partition, errorCode: answers < 4 ? 88 : 0 }] }], errorCode: 0 },
      ],
    }
  })
  expect(await coordinator.committed([{ topic: 'a', partition: 0 }])).toMatchObject([{ offset: 3 }])
})

test('a refusal is final', async () => {
  const { coordinator } = createCoordinator((name) =>
    name === 'FindCoordinator' ? found(1) : { groups: [{ topics: [], errorCode: 30 }] },
  )
  await expect(coordinator.committed([{ topic: 'a', partition: 0 }])).rejects.toMatchObject({
    failure: { code: 'AUTHORIZATION_DENIED' },
  })
})
