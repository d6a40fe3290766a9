import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { MessagingError } from '../errors/messaging-error.ts'

export interface ControlAnswer {
  readonly status: number
  readonly answer: unknown
}

/** Of a connection on which nothing comes. A seek waits for handlers, which may take long. */
const patienceMs = 30_000

const reasons: Readonly<Partial<Record<string, string>>> = {
  ENOENT: 'there is no socket; the process is gone, or has another one',
  ECONNREFUSED: 'the process that made the socket is gone',
  EACCES: 'the socket belongs to another user',
  ENOTSOCK: 'there is a file that is no socket',
}

/** Asks the process that listens on a control socket; with a body by POST. @throws CONTROL_UNREACHABLE */
export async function askControl(socketPath: string, path: string, body?: object): Promise<ControlAnswer> {
  const unreachable = (reason: string, cause?: unknown): MessagingError =>
    new MessagingError('CONTROL_UNREACHABLE', { socketPath, reason }, cause === undefined ? {} : { cause })
  const asked = request({ socketPath, path, method: body === undefined ? 'GET' : 'POST', agent: false })
  if (body === undefined) {
    asked.setTimeout(patienceMs, () => asked.destroy(unreachable(`no answer within ${patienceMs / 1_000} s`)))
  }
  try {
    asked.end(body === undefined ? undefined : JSON.stringify(body))
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    return { status: response.statusCode!, answer: JSON.parse(await text(response)) as unknown }
  } catch (error) {
    if (error instanceof MessagingError) throw error
    const { code = '', message } = error as NodeJS.ErrnoException
    const reason = error instanceof SyntaxError ? 'what answers is none of ours' : (reasons[code] ?? message)
    throw unreachable(reason, error)
  }
}
