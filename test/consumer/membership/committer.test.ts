import { expect, test } from 'vitest'
import { Committer } from '../../../src/consumer/membership/committer.ts'
import type { PartitionWork } from '../../../src/consumer/partition/partition-work.ts'
import type { CommittedPosition } from '../../../src/driver/driver-consumer.ts'
import { catchRejection } from '../../catch-error.ts'

function work(partition: number, position: number | undefined) {
  const errors: unknown[] = []
  const consumer = { plan: { name: 'M' }, errored: (error: unknown) => errors.push(error), ledger: { publish() {} } }
  return {
    topic: 't',
    partition,
    progress: {
      committable: { position, doneAhead: undefined as string | undefined },
      committed: undefined as number | undefined,
      committedAhead: undefined as string | undefined,
    },
    consumer,
    errors,
  }
}

function commitTo(works: readonly ReturnType<typeof work>[]) {
  const requests: { positions: readonly CommittedPosition[]; end: PromiseWithResolvers<void> }[] = []
  const committer = new Committer({
    works: () => works as unknown as PartitionWork[],
    commit(positions) {
      const end = Promise.withResolvers<void>()
      requests.push({ positions, end })
      return end.promise
    },
  })
  return { committer, requests }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what is done in all partitions goes in one request, and only once', async () => {
  const works = [work(0, 5), work(1, undefined), work(2, 7)]
  const { committer, requests } = commitTo(works)
  const committed = committer.commit()
  await turn()
  expect(requests.map(({ positions }) => positions)).toEqual([
    [
      { topic: 't', partition: 0, offset: 5 },
      { topic: 't', partition: 2, offset: 7 },
    ],
  ])
  requests[0]!.end.resolve()
  await committed
  expect(works.map((each) => each.progress.committed)).toEqual([5, undefined, 7])
  await committer.commit()
  expect(requests).toHaveLength(1)
})

test('who asks while a request is under way shares the one after it', async () => {
  const works = [work(0, 1)]
  const { committer, requests } = commitTo(works)
  const first = committer.commit()
  await turn()
  works[0]!.progress.committable.position = 2
  const others = [committer.commit(), committer.commit()]
  works[0]!.progress.committable.position = 3
  await turn()
  expect(requests).toHaveLength(1)
  requests[0]!.end.resolve()
  await first
  await turn()
  expect(requests[1]!.positions).toEqual([{ topic: 't', partition: 0, offset: 3 }])
  requests[1]!.end.resolve()
  await Promise.all(others)
  expect(requests).toHaveLength(2)
})

test('a failure is told to who asked and to the consumer, and the next commit tries again', async () => {
  const works = [work(0, 1)]
  const { committer, requests } = commitTo(works)
  const failing = catchRejection(committer.commit())
  await turn()
  requests[0]!.end.reject(new Error('with a secret'))
  expect(await failing).toMatchObject({ code: 'COMMIT_FAILED', message: 'Offsets could not be committed: Error.' })
  expect(works[0]!.errors).toMatchObject([{ code: 'COMMIT_FAILED', manifest: 'M' }])
  expect(works[0]!.progress.committed).toBeUndefined()
  const again = committer.commit()
  await turn()
  requests[1]!.end.resolve()
  await again
  expect(works[0]!.progress.committed).toBe(1)
})

test('what is done beyond the position is committed with it, also where only that has changed', async () => {
  const works = [work(0, 1)]
  const { committer, requests } = commitTo(works)
  for (const doneAhead of ['a', 'b', 'b', undefined]) {
    works[0]!.progress.committable.doneAhead = doneAhead
    const committed = committer.commit()
    await turn()
    requests.at(-1)!.end.resolve()
    await committed
  }
  const of = { topic: 't', partition: 0, offset: 1 }
  expect(requests.map(({ positions }) => positions)).toEqual([
    [{ ...of, metadata: 'a' }],
    [{ ...of, metadata: 'b' }],
    [of],
  ])
})
