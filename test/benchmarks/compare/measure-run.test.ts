import { describe, expect, test } from 'vitest'
import { measureRun, type RunJob } from '../../../benchmarks/compare/measure-run.ts'
import { runJob } from '../../../benchmarks/compare/run-job.ts'
import type { Work } from '../../../benchmarks/compare/work-table.ts'
import { withMockCluster } from '../../with-mock-cluster.ts'
import { workNamed } from './example-report.ts'

const cluster = withMockCluster()

// The two clients that need neither a build of ours nor the packages of benchmarks/compare.
function jobOf(work: string, module = 'confluent-callback'): RunJob {
  const settings = { 'linger.ms': 0 }
  const named: Work = work === 'fill' ? { ...workNamed('consume-avro'), kind: 'fill' } : workNamed(work)
  const small: Work = { ...named, callers: 5, batch: Math.min(10, named.batch) }
  const brokers = cluster.address
  return { work: small, module, settings, brokers, topic: work, warmUpMs: 20, windowMs: 100, messages: 200 }
}

describe('figures of', () => {
  const positive: unknown = expect.toSatisfy((value: number) => value > 0)
  const usual = { perSecond: positive, cpuSeconds: positive, cpuMicros: positive, rssMb: positive }
  const latency = { p50Ms: positive, p99Ms: positive }
  const cases: readonly (readonly [work: string, module: string, figures: Record<string, unknown>])[] = [
    ['produce-100', 'confluent-callback', { ...usual, ...latency }],
    ['produce-100', 'confluent-kafkajs', { ...usual, ...latency }],
    ['produce-1000-12-partitions', 'confluent-callback', { ...usual, ...latency }],
    ['produce-batches', 'confluent-callback', { ...usual, ...latency }],
    ['produce-batches', 'confluent-kafkajs', { ...usual, ...latency }],
    ['produce-dispatch', 'confluent-callback', usual],
    ['produce-dispatch', 'confluent-kafkajs', usual],
    ['memory', 'confluent-callback', { ...usual, rssGrowth: positive, costGrowth: positive }],
    ['cold-start', 'confluent-callback', { startMs: positive, rssMb: positive }],
    ['import', 'confluent-callback', { startMs: positive }],
    ['fill', 'confluent-callback', { perSecond: positive }],
  ]
  test.each(cases)('%s by %s', async (work, module, figures) => {
    expect(await measureRun(jobOf(work, module))).toEqual(figures)
  })

  test('a window that has no acknowledgement are those of a longer one', async () => {
    const job = { ...jobOf('produce-100'), settings: { 'linger.ms': 100 } }
    expect(await measureRun({ ...job, windowMs: 1 })).toEqual({ ...usual, ...latency })
  })
})

describe('in a process of its own', () => {
  test('the figures come back', async () => {
    expect(await runJob(jobOf('produce-100'), 30_000)).toHaveProperty('perSecond')
  })

  test('a failure says why', async () => {
    await expect(runJob({ ...jobOf('produce-100'), module: 'nobody' }, 30_000)).rejects.toThrow(
      /exit code 1: .*Cannot find module/,
    )
  })

  test('what does not finish is ended', async () => {
    const endless = { ...jobOf('produce-100'), warmUpMs: 60_000 }
    await expect(runJob(endless, 1_000)).rejects.toThrow('not finished after 1 s')
  })
})
