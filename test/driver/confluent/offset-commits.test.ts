import { expect, test } from 'vitest'
import type { NativePosition } from '../../../src/driver/confluent/native-module.ts'
import { OffsetCommits } from '../../../src/driver/confluent/offset-commits.ts'

function createCommits() {
  const handed: (readonly NativePosition[])[] = []
  const commits = new OffsetCommits((positions) => void handed.push(positions))
  return { commits, handed }
}

const at = (topic: string, partition: number, offset: number) => ({ topic, partition, offset })

test('what is committed while one is on the wire goes together with the next, the last offset of each partition', async () => {
  const { commits, handed } = createCommits()
  const first = commits.commit([at('a', 0, 1)])
  const rest = [commits.commit([at('a', 0, 2), at('a', 1, 5)]), commits.commit([at('a', 0, 3)])]
  expect(handed).toEqual([[at('a', 0, 1)]])
  commits.settle(undefined, handed[0]!)
  await first
  expect(handed[1]).toEqual([at('a', 0, 3), at('a', 1, 5)])
  expect(commits.areUnderWay).toBe(true)
  commits.settle(undefined, handed[1]!)
  await Promise.all(rest)
  expect([handed.length, commits.areUnderWay]).toEqual([2, false])
})

test('topics are committed apart, so that one that fails fails alone', async () => {
  const { commits, handed } = createCommits()
  const both = commits.commit([at('a', 0, 1), { ...at('b', 0, 1), metadata: 'note' }])
  const other = commits.commit([at('a', 0, 2)])
  expect(handed).toEqual([[at('a', 0, 1)], [{ ...at('b', 0, 1), metadata: 'note' }]])
  commits.settle(undefined, handed[0]!)
  commits.settle({ code: 29, message: 'Broker: Topic authorization failed' }, handed[1]!)
  await expect(both).rejects.toMatchObject({ code: 'AUTHORIZATION_DENIED', driverCode: 29 })
  commits.settle(undefined, handed[2]!)
  await other
})

test('a report without partitions means all; nothing to commit is done at once', async () => {
  const { commits } = createCommits()
  const failed = commits.commit([at('a', 0, 1)])
  commits.settle({ code: 25, message: 'Broker: Unknown member' }, [])
  await expect(failed).rejects.toMatchObject({ code: 'GROUP_REJOIN_REQUIRED' })
  await commits.commit([])
})

test('what librdkafka does not take fails, and the next one is tried', async () => {
  let broken = true
  const commits = new OffsetCommits((positions) => {
    if (broken) throw Object.assign(new Error('Local: Erroneous state'), { code: -172 })
    commits.settle(undefined, positions)
  })
  await expect(commits.commit([at('a', 0, 1)])).rejects.toMatchObject({ code: 'DRIVER_FAILED', driverCode: -172 })
  broken = false
  const next = commits.commit([at('a', 0, 2)])
  commits.settle(undefined, [at('a', 0, 2)])
  await next
})

test('close ends all that nobody will report any more', async () => {
  const { commits } = createCommits()
  const open = [commits.commit([at('a', 0, 1)]), commits.commit([at('a', 0, 2)])]
  commits.close()
  for (const commit of open) await expect(commit).rejects.toMatchObject({ code: 'CLOSE_TIMED_OUT', outcome: 'unknown' })
})
