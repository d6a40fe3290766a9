// Sends with the JavaScript driver and closes nothing. Argument: brokers.
import { createMessaging } from '../../../src/index.ts'
import { TextSent } from './manifests.ts'

const [brokers = ''] = process.argv.slice(2)
const { registry } = createMessaging({ brokers: brokers.split(','), driver: 'platformatic' })
void registry.send(TextSent, 'the last').then(() => console.log('acknowledged'))
