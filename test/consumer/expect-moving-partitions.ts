import { expect } from 'vitest'
import type { Messaging, ProducerManifest } from '../../src/index.ts'
import { Collected, handling, numberOf, range, type Item } from './consume.ts'

/** Partitions of the topic, which has four, move to a member in the second and back, and nothing is lost or handled twice. */
export async function expectMovingPartitions(
  [first, second]: readonly [Messaging, Messaging],
  Moving: new () => ProducerManifest<Item> & { readonly topic: string },
): Promise<void> {
  const { topic } = new Moving()
  const seen = new Collected<number>()
  const bySecond = new Collected<number>()
  const send = async (numbers: readonly number[]): Promise<void> => {
    for (const n of numbers) await first.registry.send(Moving, { n }, { partition: n % 4 })
  }
  const One = handling((message) => seen.add(numberOf(message)), { topic })
  const Two = handling((message) => (seen.add(numberOf(message)), bySecond.add(numberOf(message))), { topic })
  await send(range(1, 20))
  await first.consumers.run([One])
  await seen.count(20)
  const joined = await second.consumers.run([Two])
  // Until it has partitions of its own.
  let sent = 20
  while (bySecond.values.length === 0) await send(range(sent + 1, (sent += 4)))
  await seen.count(sent)
  await joined.stop()
  await send(range(sent + 1, (sent += 20)))
  await seen.count(sent)
  expect(seen.values.toSorted((a, b) => a - b)).toEqual(range(1, sent))
}
