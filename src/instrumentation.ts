export { channels, events, subscribe, type EventName, type EventPayloads } from './instrumentation/events.ts'
