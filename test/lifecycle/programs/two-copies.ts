// Two copies of the package in one process: the second one's files are loaded under other URLs. Argument: the other copy's directory.
import { pathToFileURL } from 'node:url'
import * as first from '../../../src/index.ts'
import { createMemoryDriver } from '../../../src/testing.ts'

const second = (await import(pathToFileURL(`${process.argv[2]}/index.ts`).href)) as typeof first
class DeclaredWithSecond extends second.ProducerManifest<string> {
  topic = 'copies'
  override readonly codec = 'string'
}
const driver = createMemoryDriver()
const one = first.createMessaging({ driver })
const two = second.createMessaging({ driver })
const reports = [await one.registry.send(DeclaredWithSecond, 'a'), await two.registry.send(DeclaredWithSecond, 'b')]
const error: unknown = await two.registry.send(DeclaredWithSecond, 5 as never).catch((thrown: unknown) => thrown)
await one.close()
const third = await two.registry.send(DeclaredWithSecond, 'c')
process.stdout.write(
  JSON.stringify({
    distinct: first.ProducerManifest !== second.ProducerManifest && first.registry !== second.registry,
    offsets: [...reports, third].map(({ offset }) => offset),
    instance: error instanceof first.MessagingError,
    recognised: first.isMessagingError(error, 'PAYLOAD_INVALID'),
  }),
)
await two.close()
