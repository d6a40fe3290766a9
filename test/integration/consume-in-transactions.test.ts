import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createMessaging, ProducerManifest } from '../../src/index.ts'
import { range, type Item } from '../consumer/consume.ts'
import { startKafkaTools, type KafkaTools } from '../kafka/kafka-tools.ts'
import { seededRandom } from '../kafka/seeded-random.ts'
import { waitUntil } from '../kafka/wait-until.ts'
import { startProgram, type RunningProgram } from '../lifecycle/run-program.ts'

const brokers = process.env['KAFKA_BOOTSTRAP'] ?? ''
const program = new URL('programs/copy-in-transactions.ts', import.meta.url)
const partitions = 4

let tools: KafkaTools
beforeAll(async () => {
  tools = await startKafkaTools(brokers)
})
afterAll(() => tools.close())

/** A topic with numbers, one to copy them into, and the workers that do. */
async function setUp(count: number) {
  const input = `copied-${randomUUID()}`
  const output = `${input}-out`
  await tools.createTopic(input, { partitions })
  await tools.createTopic(output, { partitions })
  class Sent extends ProducerManifest<Item> {
    override readonly topic = input
  }
  await using messaging = createMessaging({ brokers: brokers.split(',') }, {})
  await Promise.all(range(1, count).map((n) => messaging.registry.send(Sent, { n }, { partition: n % partitions })))
  const workers = new Set<RunningProgram>()
  onTestFinished(async () => {
    for (const { child } of workers) child.kill('SIGKILL')
    await Promise.all([...workers].map(({ end }) => end))
  })
  return {
    start(worker: string, ...args: string[]): RunningProgram {
      const started = startProgram(program, brokers, input, output, worker, ...args)
      workers.add(started)
      return started
    },
    /** How far the group is, over all partitions. */
    async committed(): Promise<number> {
      const offsets = await tools.committedOffsets(`${input}-copies`)
      return offsets.reduce((sum, { offset }) => sum + offset, 0)
    },
    /** What a Java consumer that reads committed messages sees, in order. */
    async copies(): Promise<number[]> {
      const records = await tools.readTopic(output, { isolation: 'read_committed' })
      return records.map(({ value }) => (JSON.parse(String(value)) as Item).n).toSorted((a, b) => a - b)
    },
  }
}

test('workers that are killed in mid work: every message is copied exactly once', { timeout: 240_000 }, async () => {
  const count = 4_000
  const kills = 12
  const random = seededRandom(11)
  const work = await setUp(count)
  const workers = [work.start('first'), work.start('second')]
  const allCopied = waitUntil('all is copied', async () => (await work.committed()) === count, 200_000)
  // Awaited below; a test that fails before has said enough.
  allCopied.catch(() => undefined)
  for (let kill = 0; kill < kills; kill++) {
    const index = kill % workers.length
    const worker = workers[index]!
    // Sends are acknowledged now, and nothing is committed; a little later it may be in the middle of that.
    await Promise.race([worker.printsAgain('inside'), allCopied])
    await delay(random() * 15)
    worker.child.kill('SIGKILL')
    await worker.end
    workers[index] = work.start(index === 0 ? 'first' : 'second')
    await workers[index].printed('ready')
  }
  await allCopied
  for (const { child, end } of workers) {
    child.kill('SIGTERM')
    expect((await end).signal).toBe('SIGTERM')
  }
  expect(await work.copies()).toEqual(range(1, count))
})

test(
  'a worker that was away for longer than its session cannot commit what it was at',
  { timeout: 120_000 },
  async () => {
    const count = 40
    const work = await setUp(count)
    const zombie = work.start('first', '1000')
    await zombie.printed('inside')
    zombie.child.kill('SIGSTOP')
    const successor = work.start('second')
    await waitUntil('the successor has copied all', async () => (await work.committed()) === count, 60_000)
    zombie.child.kill('SIGCONT')
    await zombie.printed('aborted')
    for (const { child, end } of [zombie, successor]) {
      child.kill('SIGTERM')
      expect((await end).signal).toBe('SIGTERM')
    }
    expect(await work.copies()).toEqual(range(1, count))
  },
)
