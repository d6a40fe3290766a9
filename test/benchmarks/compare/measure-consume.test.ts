import { beforeAll, expect, test } from 'vitest'
import { clientRow } from '../../../benchmarks/compare/client-table.ts'
import { measureRun, type RunJob } from '../../../benchmarks/compare/measure-run.ts'
import { runJob } from '../../../benchmarks/compare/run-job.ts'
import { withMockCluster } from '../../with-mock-cluster.ts'
import { workNamed } from './example-report.ts'

const messages = 5_000
const topic = 'full'
const cluster = withMockCluster()

beforeAll(async () => {
  const work = { ...workNamed('consume'), kind: 'fill' } as const
  await measureRun({ ...jobOf('consume', 'raw-consume-1000'), work, settings: {} })
})

function jobOf(work: string, client: string): RunJob {
  const { module, settings } = clientRow(client)
  const brokers = cluster.address
  return { work: workNamed(work), module, settings, brokers, topic, warmUpMs: 0, windowMs: 300, messages }
}

const positive: unknown = expect.toSatisfy((value: number) => value > 0)
const cost = { cpuSeconds: positive, cpuMicros: positive, rssMb: positive }
const latency = { p50Ms: positive, p99Ms: positive, cpuSeconds: positive, rssMb: positive }

// Those that need neither a build of ours nor the packages of benchmarks/compare. A consumer ends with its process only.
test.each([
  ['consume', 'raw-consume-1000', { perSecond: positive, threadMicros: positive, ...cost }],
  ['consume', 'confluent-each-batch', { perSecond: positive, threadMicros: positive, ...cost }],
  ['consume-latency', 'raw-consume-1000-tuned', latency],
  [
    'consume-backlog',
    'raw-consume-1000-tuned',
    { perSecond: positive, rssGrowth: positive, costGrowth: positive, ...cost },
  ],
])('figures of %s by %s', async (work, client, figures) => {
  expect(await runJob(jobOf(work, client), 30_000)).toEqual(figures)
})

test('the time from assignment to so many messages', async () => {
  const job = jobOf('consume-first', 'raw-consume-1000-tuned')
  const work = { ...job.work, batch: 2_000 }
  expect(await runJob({ ...job, work }, 30_000)).toEqual({ doneMs: positive, rssMb: positive })
})
