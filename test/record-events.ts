import { onTestFinished } from 'vitest'
import { subscribe, type EventName, type EventPayloads } from '../src/index.ts'

/** The payloads of an event in their order, until the test has finished. */
export function recordEvents<Name extends EventName>(name: Name): EventPayloads[Name][] {
  const seen: EventPayloads[Name][] = []
  onTestFinished(subscribe(name, (payload) => seen.push(payload)))
  return seen
}
