// Reports a dispatched failure to the endpoint given as argument, closes, and has nothing left to do.

import { createMessaging } from '../../../src/index.ts'
import { createMemoryDriver } from '../../../src/testing.ts'
import { TextSent } from './manifests.ts'

const driver = createMemoryDriver()
driver.failWhen(() => ({ code: 'NOT_ENOUGH_REPLICAS', reason: 'gone' }))
const messaging = createMessaging({
  driver,
  errorNotifier: { apiKey: 'abcdef0123456789abcdef0123456789', endpoint: process.argv[2] },
})
messaging.registry.dispatch(TextSent, 'text')
await messaging.close()
process.stdout.write('closed\n')
