import type { ConsumerHealth, ConsumersHealth, PartitionHealth, PauseHealth } from '../consumer/consumers-health.ts'

/** Health as lines for people; of one consumer, if it is named. */
export function describeHealth(
  { state, isAlive, isReady, problems, consumers }: ConsumersHealth,
  only?: string,
): string {
  const lines = [
    `${state}: ${isAlive ? 'alive' : 'NOT ALIVE'}, ${isReady ? 'ready' : 'not ready'}`,
    ...problems.map((problem) => `  ${problem}`),
    ...consumers.filter(({ manifest }) => only === undefined || manifest === only).flatMap(describeConsumer),
  ]
  // Some of it was given by handlers: nothing of it may move the cursor.
  return lines.map((line) => `${line.replaceAll(/\p{Cc}/gu, '?')}\n`).join('')
}

function describeConsumer({ manifest, group, lastError, partitions, pauses, ...counts }: ConsumerHealth): string[] {
  const { handled, deferred, rejected, deadLettered } = counts
  return [
    `${manifest}${group === '' ? '' : ` (group ${group})`}: ${handled} handled, ${deferred} put off, ${rejected} rejected, ${deadLettered} dead letters`,
    ...(lastError ? [`  last error: ${lastError.code}: ${lastError.message}`] : []),
    ...pauses.map((pause) => `  ${describePause(pause)}`),
    ...partitions.flatMap(describePartition),
  ]
}

function describePartition(of: PartitionHealth): string[] {
  const { topic, partition, position, committed, lag, buffered, isRunning, handlingMs, idleMs, pauses } = of
  const doing =
    handlingMs === undefined ? `${isRunning ? 'waits' : 'idle'} for ${show(idleMs)}` : `handles for ${show(handlingMs)}`
  const facts = [`position ${position ?? '-'}`, `committed ${committed ?? '-'}`, `lag ${lag ?? '-'}`]
  return [
    `  ${topic}/${partition}: ${[...facts, `${buffered} buffered`, doing].join(', ')}`,
    ...pauses.map((pause) => `    ${describePause(pause)}`),
  ]
}

function describePause({ owner, reason, ageMs, since, until }: PauseHealth): string {
  const end = until === undefined ? 'until it is resumed' : `for another ${show(Math.max(0, until - since - ageMs))}`
  return `held back by ${owner} since ${show(ageMs)}, ${end}: ${reason}`
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

/** `0 s`, `95 s`, `12 min`: two digits or so. */
function show(ms: number): string {
  const [unit, size] = units.find((each) => ms >= 2 * each[1]) ?? units.at(-1)!
  return `${Math.floor(ms / size)} ${unit}`
}
