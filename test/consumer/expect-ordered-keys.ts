import { expect } from 'vitest'
import type { Messaging, ProducerManifest, ReceivedMessage } from '../../src/index.ts'
import { Collected, handling, numberOf, type Item } from './consume.ts'

/** Messages of a key are handled in order, and none is lost, while attempts are put off and a second member comes and goes. */
export async function expectOrderedKeys(
  [first, second]: readonly [Messaging, Messaging],
  Ordered: new () => ProducerManifest<Item> & { readonly topic: string },
  /** How many are sent before the second member comes, while it is there, and after. */
  count: number,
): Promise<void> {
  const { topic } = new Ordered()
  const attempts = new Map<number, number>()
  const handled = new Collected<readonly [key: string, n: number]>()
  const bySecond = new Collected<number>()
  const handle = (message: ReceivedMessage<Item>): void => {
    const n = numberOf(message)
    const attempt = (attempts.get(n) ?? 0) + 1
    attempts.set(n, attempt)
    if (n % 3 === 0 && attempt <= 1 + (n % 2)) throw new Error('no')
    handled.add([String(message.key), n])
  }
  let sent = 0
  const send = async (more: number): Promise<void> => {
    for (let n = 0; n < more; n++) await first.registry.send(Ordered, { n: sent }, { key: `k${(sent++ * 7) % 10}` })
  }
  const known = (): number => new Set(handled.values.map(([, n]) => n)).size
  const all = async (): Promise<void> => {
    while (known() < sent) await handled.count(handled.values.length + 1)
  }
  await send(count)
  await first.consumers.run([handling(handle, { topic })])
  await all()
  const joined = await second.consumers.run([
    handling((message) => (bySecond.add(numberOf(message)), handle(message)), { topic }),
  ])
  // No faster than they are handled: joining takes seconds.
  while (bySecond.values.length === 0) {
    await send(10)
    await all()
  }
  await send(count)
  await joined.stop()
  await send(count)
  await all()
  // What is done behind a message that waits is committed with the offset.
  expect(handled.values).toHaveLength(sent)
  for (const [key, of] of Map.groupBy(handled.values, ([each]) => each)) {
    const numbers = [...new Set(of.map(([, n]) => n))]
    expect([key, numbers]).toEqual([key, numbers.toSorted((a, b) => a - b)])
  }
}
