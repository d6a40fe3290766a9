// node member.ts '<settings as JSON>': a member of a group in a process of its own, which prints a line for all that happens to it:
// `assigned 3`, `revoked 3`, `lost 3` with the number of a partition, `began 17`, `handled 17` with that of a message.
// It leaves at SIGTERM.
import { setTimeout as delay } from 'node:timers/promises'
import { ConsumerManifest, createMessaging, subscribe, type MessagingOptions } from '../../../src/index.ts'
import type { MemberSettings, Numbered } from '../member-process.ts'

const { topic, workMs, ...options } = JSON.parse(process.argv[2]!) as MemberSettings & MessagingOptions
const tell = (what: string, number: number): void => void process.stdout.write(`${what} ${number}\n`)

class Audited extends ConsumerManifest<Numbered> {
  override readonly topic = topic

  override async handle({ payload }: { readonly payload: Numbered | null }): Promise<void> {
    const { n } = payload!
    tell('began', n)
    // Work takes time, and so may be interrupted.
    await delay(workMs)
    tell('handled', n)
  }
}

subscribe('partition.assigned', ({ partition }) => tell('assigned', partition))
subscribe('partition.revoked', ({ partition, lost }) => tell(lost ? 'lost' : 'revoked', partition))
const messaging = createMessaging({ ...options, closeOnExit: false })
const running = await messaging.consumers.run([Audited])
process.once('SIGTERM', () => void messaging.close())
await running.finished
