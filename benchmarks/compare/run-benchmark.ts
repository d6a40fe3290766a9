import { contenders, orderOfRound } from './contenders.ts'
import { clientTable, takesPart, type ClientRow } from './client-table.ts'
import type { RunJob } from './measure-run.ts'
import { createResult, type Report, type Result } from './results.ts'
import type { BenchArguments } from './read-arguments.ts'
import { isConsuming, workTable, type Figures, type Work } from './work-table.ts'

export interface Plan {
  readonly works: readonly Work[]
  readonly clients: readonly ClientRow[]
  readonly brokers: string
  /** Is there, and filled, when this resolves. */
  readonly topicOf: (work: Work, messages: number) => Promise<string>
  readonly run: (job: RunJob, timeoutMs: number) => Promise<Figures>
  readonly onProgress: (line: string) => void
}

const timeoutMs = { run: 30_000, memory: 900_000 }

/** Runs all works, round by round; a client that fails is reported and does not end the others. */
export async function runBenchmark(plan: Plan, args: BenchArguments): Promise<Pick<Report, 'results' | 'failures'>> {
  await warmUpBroker(plan, args)
  const results: Result[] = []
  const failures: { work: string; client: string; reason: string }[] = []
  for (const work of plan.works) {
    const rows = plan.clients.filter((row) => takesPart(row, work))
    const done = new Map<string, Figures[]>(rows.map(({ name }) => [name, []]))
    const rounds = work.runsOnce ? 1 : args.rounds
    for (let round = 0; round < rounds; round++) {
      for (const row of orderOfRound(contenders(rows, done, round, work.measure), round)) {
        const place = `${work.name} ${round + 1}/${rounds} ${row.name}`
        try {
          const figures = await plan.run(
            await jobOf(plan, work, row, args),
            timeoutMs[work.runsOnce ? 'memory' : 'run'],
          )
          done.get(row.name)!.push(figures)
          plan.onProgress(`${place}: ${describeFigures(figures)}`)
        } catch (error) {
          const { message: reason } = error as Error
          // Rounds are compared by their number.
          done.get(row.name)!.push({})
          failures.push({ work: work.name, client: row.name, reason })
          plan.onProgress(`${place}: FAILED, ${reason}`)
        }
      }
    }
    for (const [client, figures] of done) {
      if (figures.some((round) => round[work.measure] !== undefined)) results.push(createResult(work, client, figures))
    }
  }
  return { results, failures }
}

/** A broker that has just been started takes seconds to come to its speed: whoever is measured first would pay for it. */
async function warmUpBroker(plan: Plan, args: BenchArguments): Promise<void> {
  const raw = clientTable.find(({ role }) => role === 'raw')!
  for (const name of ['produce-100', 'produce-1000-12-partitions']) {
    const work = workTable.find((work) => work.name === name)!
    await plan.run({ ...(await jobOf(plan, work, raw, args)), windowMs: args.windowMs * 3 }, timeoutMs.run)
  }
  plan.onProgress('the broker is warm')
}

/** How much of the time a work has. */
function partOf(work: Work): { readonly warmUp: number; readonly window: number } {
  // Consumers have no choice of settings to make; and what they read has to be there.
  if (isConsuming(work)) return { warmUp: 0.25, window: 0.7 }
  return work.isExtra ? { warmUp: 2 / 3, window: 2 / 3 } : { warmUp: 1, window: 1 }
}

async function jobOf(plan: Plan, work: Work, row: ClientRow, args: BenchArguments): Promise<RunJob> {
  const messages = typeof work.filledWith === 'number' ? work.filledWith : args.messages
  const part = partOf(work)
  const [warmUpMs, windowMs] = [args.warmUpMs * part.warmUp, args.windowMs * part.window]
  const { module, settings } = row
  return {
    work,
    module,
    settings,
    brokers: plan.brokers,
    topic: await plan.topicOf(work, messages),
    warmUpMs,
    windowMs,
    messages,
  }
}

function describeFigures({ perSecond, threadMicros, p50Ms, startMs, doneMs, rssMb }: Figures): string {
  const parts = [
    perSecond !== undefined && `${Math.round(perSecond).toLocaleString('en')}/s`,
    threadMicros !== undefined && `${threadMicros.toFixed(2)} µs of the main thread`,
    p50Ms !== undefined && `p50 ${p50Ms.toFixed(2)} ms`,
    startMs !== undefined && `${startMs.toFixed(0)} ms`,
    doneMs !== undefined && `${doneMs.toFixed(0)} ms`,
    rssMb !== undefined && `${rssMb.toFixed(0)} MB`,
  ]
  return parts.filter((part) => part !== false).join(', ')
}
