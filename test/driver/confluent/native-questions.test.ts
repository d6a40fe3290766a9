import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { NativeQuestions, type NativeAnswer } from '../../../src/driver/confluent/native-questions.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A client whose questions wait until they are answered. */
function createClient() {
  const questions = new NativeQuestions()
  const asked: NativeAnswer<string>[] = []
  const ask = (): Promise<string> => questions.ask<string>((done) => void asked.push(done))
  return { questions, asked, ask }
}

describe('questions of one client', () => {
  test('are asked one after another, also after one that failed', async () => {
    const { asked, ask } = createClient()
    const [first, second] = [ask(), ask()]
    await turn()
    expect(asked).toHaveLength(1)
    asked[0]!({ code: -185, message: 'timed out' }, '')
    await expect(first).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT' })
    await turn()
    asked[1]!(null, 'answer')
    expect(await second).toBe('answer')
  })

  test('fail with what the asker makes of the answer, or of what the binding throws', async () => {
    const { questions } = createClient()
    const answered = questions.ask(
      (done) => done({ code: 1, message: 'no' }, undefined),
      ({ message }) => new Error(`asked: ${message}`),
    )
    await expect(answered).rejects.toThrow('asked: no')
    const thrown = questions.ask(() => {
      throw new TypeError('must be a topic')
    })
    await expect(thrown).rejects.toMatchObject({ code: 'DRIVER_FAILED' })
  })

  test('are to be seen among what the process does, for as long as they are under way', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const { asked, ask } = createClient()
    const answer = ask()
    await turn()
    expect(vi.getTimerCount()).toBe(1)
    asked[0]!(null, 'answer')
    await answer
    expect(vi.getTimerCount()).toBe(0)
  })

  test('close waits for the one under way and refuses the others', async () => {
    const { questions, asked, ask } = createClient()
    const [first, second] = [ask(), ask()]
    await turn()
    let isClosed = false
    const closed = questions.close().then(() => (isClosed = true))
    await turn()
    expect(isClosed).toBe(false)
    asked[0]!(null, 'answer')
    expect(await first).toBe('answer')
    await expect(second).rejects.toMatchObject({ code: 'CLOSE_TIMED_OUT' })
    await closed
    expect(asked).toHaveLength(1)
  })
})

test('all clients together leave threads for others: two ask, the rest wait in the order of their calls', async () => {
  const clients = Array.from({ length: 4 }, createClient)
  const order: number[] = []
  const all = clients.map(({ ask }, index) => ask().then(() => order.push(index)))
  const underWay = (): number[] => clients.flatMap(({ asked }, index) => (asked.length > 0 ? [index] : []))
  await turn()
  expect(underWay()).toEqual([0, 1])
  clients[1]!.asked[0]!(null, '')
  await turn()
  expect(underWay()).toEqual([0, 1, 2])
  clients[2]!.asked[0]!({ code: -185, message: 'timed out' }, '')
  await expect(all[2]).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT' })
  await turn()
  clients[0]!.asked[0]!(null, '')
  clients[3]!.asked[0]!(null, '')
  await Promise.allSettled(all)
  expect(order).toEqual([1, 0, 3])
})
