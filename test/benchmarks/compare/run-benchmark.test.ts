import { expect, test } from 'vitest'
import { clientRow } from '../../../benchmarks/compare/client-table.ts'
import type { RunJob } from '../../../benchmarks/compare/measure-run.ts'
import { readArguments } from '../../../benchmarks/compare/read-arguments.ts'
import { runBenchmark } from '../../../benchmarks/compare/run-benchmark.ts'
import { workNamed } from './example-report.ts'

test('works run one after the other, in rounds; a failure is noted and counts for nothing', async () => {
  const jobs: RunJob[] = []
  const lines: string[] = []
  const { results, failures } = await runBenchmark(
    {
      works: [workNamed('produce-100'), workNamed('produce-1000-12-partitions'), workNamed('memory')],
      clients: [clientRow('postrider'), clientRow('kafkajs')],
      brokers: 'host:1',
      topicOf: ({ partitions }) => Promise.resolve(partitions === 1 ? 'one' : 'twelve'),
      run: (job) => {
        jobs.push(job)
        const isBroken = job.module === 'kafkajs' && jobs.length > 4
        return isBroken ? Promise.reject(new Error('broken')) : Promise.resolve({ perSecond: 5, rssMb: 7 })
      },
      onProgress: (line) => lines.push(line),
    },
    readArguments(['--rounds', '2', '--messages', '10']),
  )
  const [, , ...measured] = jobs
  expect(measured.map(({ work, module, topic }) => `${work.name} ${module} ${topic}`)).toEqual([
    'produce-100 postrider one',
    'produce-100 kafkajs one',
    'produce-100 kafkajs one',
    'produce-100 postrider one',
    'produce-1000-12-partitions postrider twelve',
    'produce-1000-12-partitions postrider twelve',
    'memory postrider one',
  ])
  expect(measured[0]).toMatchObject({ brokers: 'host:1', messages: 10, settings: {} })
  expect(failures).toEqual([{ work: 'produce-100', client: 'kafkajs', reason: 'broken' }])
  expect(results.map(({ work, client, rounds }) => [work, client, rounds.length])).toEqual([
    ['produce-100', 'postrider', 2],
    ['produce-100', 'kafkajs', 2],
    ['produce-1000-12-partitions', 'postrider', 2],
    ['memory', 'postrider', 1],
  ])
  expect(lines).toContain('produce-100 2/2 kafkajs: FAILED, broken')
  expect(lines).toContain('produce-100 1/2 postrider: 5/s, 7 MB')
})

test('clients take part in works that they can do; a full topic is read with as many messages as it has', async () => {
  const jobs: RunJob[] = []
  const topics: unknown[] = []
  await runBenchmark(
    {
      works: [workNamed('produce-1'), workNamed('consume'), workNamed('consume-backlog')],
      clients: ['postrider', 'postrider-handle-batch', 'postrider-handle'].map(clientRow),
      brokers: 'host:1',
      topicOf({ name }, messages) {
        topics.push([name, messages])
        return Promise.resolve(`${name}-${messages}`)
      },
      run(job) {
        jobs.push(job)
        return Promise.resolve({ perSecond: 5, p50Ms: 1, rssMb: 7 })
      },
      onProgress: () => undefined,
    },
    readArguments(['--rounds', '1', '--messages', '10']),
  )
  expect(jobs.slice(2).map(({ work, settings, topic, messages }) => [work.name, settings, topic, messages])).toEqual([
    ['produce-1', {}, 'produce-1-10', 10],
    ['consume', {}, 'consume-2000000', 2_000_000],
    ['consume', { handler: 'message' }, 'consume-2000000', 2_000_000],
    ['consume-backlog', {}, 'consume-backlog-10', 10],
  ])
})
