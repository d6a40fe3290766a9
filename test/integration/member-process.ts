import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { MessagingOptions } from '../../src/index.ts'

export interface Numbered {
  readonly n: number
}

export interface MemberSettings extends MessagingOptions {
  readonly topic: string
  /** How long each message is worked on. */
  readonly workMs: number
}

const patienceMs = 90_000

type What = 'assigned' | 'revoked' | 'lost' | 'began' | 'handled'

/** A process that runs ./programs/member.ts. */
export class MemberProcess implements AsyncDisposable {
  /** What it told, in order. */
  readonly told: { readonly what: What; readonly number: number }[] = []
  readonly #child: ChildProcess
  readonly #ended: Promise<string>
  #look: () => void = () => undefined

  constructor(settings: MemberSettings) {
    const program = fileURLToPath(new URL('programs/member.ts', import.meta.url))
    const child = spawn(process.execPath, [program, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    let complaints = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
    createInterface(child.stdout).on('line', (line) => {
      const [what, number] = line.split(' ')
      this.told.push({ what: what as What, number: Number(number) })
      this.#look()
    })
    // Not before everything that it told is read.
    this.#ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => {
      this.#look()
      return `${code ?? signal} ${complaints}`.trim()
    })
  }

  numbers(...whats: readonly What[]): number[] {
    return this.told.filter(({ what }) => whats.includes(what)).map(({ number }) => number)
  }

  /** Those that it has now. */
  get partitions(): number[] {
    const owned = new Set<number>()
    for (const { what, number } of this.told) {
      if (what === 'assigned') owned.add(number)
      else if (what === 'revoked' || what === 'lost') owned.delete(number)
    }
    return [...owned].toSorted((a, b) => a - b)
  }

  /** Resolves once it is so, looked at whenever it tells something. @throws Error where it ends before, or takes too long */
  async until(isSo: (member: this) => boolean): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const changes = this.told.filter(({ what }) => what !== 'began' && what !== 'handled')
        const messages = this.told.length - changes.length
        reject(
          new Error(`never: ${String(isSo)}; it told ${JSON.stringify(changes)} and ${messages} times of messages`),
        )
      }, patienceMs)
    })
    const so = new Promise<void>((resolve) => {
      this.#look = () => {
        if (isSo(this)) resolve()
      }
      this.#look()
    })
    const ended = this.#ended.then((how) => {
      if (!isSo(this)) throw new Error(`the member ended with ${how}`)
    })
    await Promise.race([so, ended, late]).finally(() => clearTimeout(timer))
    this.#look = () => undefined
  }

  /** Asks it to leave; resolves when its process has ended by itself. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    const how = await this.#ended
    if (how !== '0') throw new Error(`the member ended with ${how}`)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}
