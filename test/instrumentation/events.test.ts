import { channel } from 'node:diagnostics_channel'
import { expect, expectTypeOf, test, vi } from 'vitest'
import { channels, events, subscribe, type EventName, type EventPayloads } from '../../src/instrumentation/events.ts'
import type { MessagingError } from '../../src/errors/messaging-error.ts'

const sent = { manifest: 'OrderPlaced', topic: 'orders', bytes: 5 }
const names = Object.keys(events) as EventName[]

test.each(names)('%s is a past-tense name with a meaning, on the channel of its name', (name) => {
  expect(name).toMatch(
    /^(producer|client|broker|message|consumer|endpoint|event_loop|pause|partition|offset|batch|attempt|handler|transaction|registry|schema|schema_registry)\.([a-z_]+ed|built|sent|closing)$/,
  )
  expect(events[name]).toMatch(/\S\.$/)
  expect(channels[name]).toBe(channel(`postrider:${name}`))
})

test('there is a channel for each event and no other', () => {
  expect(Object.keys(channels)).toEqual(names)
})

test('a listener hears what is published, and nothing of other events', () => {
  const heard: EventPayloads['message.sent'][] = []
  const stop = subscribe('message.sent', (payload) => void heard.push(payload))
  channels['message.sent'].publish(sent)
  channels['message.suppressed'].publish({ manifest: 'OrderPlaced' })
  stop()
  expect(heard).toEqual([sent])
})

test('publishers see whether anybody listens', () => {
  expect(channels['message.sent'].hasSubscribers).toBe(false)
  const stops = [subscribe('message.sent', () => {}), subscribe('message.sent', () => {})]
  expect(channels['message.sent'].hasSubscribers).toBe(true)
  stops[0]!()
  stops[0]!()
  expect(channels['message.sent'].hasSubscribers, 'stopping one twice does not stop the other').toBe(true)
  stops[1]!()
  expect(channels['message.sent'].hasSubscribers).toBe(false)
})

test('one listener subscribed twice hears twice, and each subscription ends by itself', () => {
  const listener = vi.fn<() => void>()
  const stops = [subscribe('message.sent', listener), subscribe('message.sent', listener)]
  channels['message.sent'].publish(sent)
  expect(listener).toHaveBeenCalledTimes(2)
  stops[0]!()
  channels['message.sent'].publish(sent)
  expect(listener).toHaveBeenCalledTimes(3)
  stops[1]!()
})

test.each([
  ['throws', () => failing(new Error('broken listener')), 'threw: Error: broken listener'],
  ['throws something that has no text', () => failing(Object.create(null)), 'threw: [Object: null prototype] {}'],
  ['rejects', async () => failing(new Error('broken listener')), 'threw: Error: broken listener'],
])(
  'a listener that %s reaches neither the publisher nor other listeners, and warns once',
  async (_, listener, text) => {
    const warned = Promise.withResolvers<void>()
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => warned.resolve())
    const others = vi.fn<() => void>()
    const stops = [subscribe('message.sent', listener as () => void), subscribe('message.sent', others)]
    channels['message.sent'].publish(sent)
    channels['message.sent'].publish(sent)
    for (const stop of stops) stop()
    await warned.promise
    await new Promise((resolve) => setImmediate(resolve))
    expect(others).toHaveBeenCalledTimes(2)
    expect(emitWarning).toHaveBeenCalledExactlyOnceWith(
      expect.stringContaining(`A listener of postrider:message.sent ${text}`),
      'PostriderWarning',
    )
    emitWarning.mockRestore()
  },
)

test('a listener knows what its event carries', () => {
  const stop = subscribe('message.failed', (payload) => {
    expectTypeOf(payload).toExtend<{
      instance: string
      manifest: string
      topic: string | undefined
      error: MessagingError
      dispatched: boolean
    }>()
  })
  stop()
  // @ts-expect-error -- there is no such event
  expect(() => subscribe('message.lost', () => {})).toThrow(TypeError)
})

function failing(error: unknown): never {
  // oxlint-disable-next-line typescript/only-throw-error -- listeners are not ours
  throw error
}
